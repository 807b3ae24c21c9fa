"""The part of a plan's form that says what others covered: which pointings, and how deep."""

from collections.abc import Callable
from typing import Final

from django.contrib.auth.models import User

from tom.events.models import NonLocalizedEvent
from tom.planning.others import covered_fields
from tom.planning.plain import Plain
from tom.pointings.models import Pointing
from tom.web.coverage import STATUSES

OTHERS: Final = (
    ("", "nothing"),
    ("completed", "what was observed"),
    ("planned", "what is planned"),
    ("both", "what was observed or is planned"),
)
# From which pointings, by the choice above, and how deep; the fields.
FindCovered = Callable[[str, float | None], list[Plain]]


def find_covered(event: NonLocalizedEvent, user: User) -> FindCovered:
    """Return what finds the fields of an event's pointings that the user may see.

    Those before the event do not count: what was seen then cannot show its source.
    """

    def find(others: str, depth: float | None) -> list[Plain]:
        if others not in STATUSES:
            return []
        rows = Pointing.objects.about(event).visible_to(user).filter(status__in=STATUSES[others])
        if event.time:
            rows = rows.filter(time__gte=event.time)
        return covered_fields(rows, depth=depth)

    return find
