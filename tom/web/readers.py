"""Who reads: the private programs that the person behind a request may read."""

from tom.targets.audiences import readable_programs
from tom.targets.models import Visitor


def programs_of(user: Visitor) -> list[int]:
    """The private programs that the person behind a request may read; asked for once a request."""
    known: list[int] | None = getattr(user, "_programs_read", None)
    if known is None:
        known = readable_programs(user)
        user._programs_read = known  # type: ignore[union-attr]  # of this request's own user
    return known
