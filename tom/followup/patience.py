"""How long the outbox waits for a request, and how often it tries."""

from datetime import timedelta
from typing import Final

from django.conf import settings

from tom.outbox.waits import Patience, Waits

_LONGEST: Final = timedelta(minutes=10)
_RETRY: Final = Waits(timedelta(seconds=5), _LONGEST)
_LOOK: Final = Waits(timedelta(seconds=5), _LONGEST, share=1 / 4)
# A call that we gave up may arrive much later. These are the waits between searches for copies.
STRAYS: Final = Waits(timedelta(seconds=30), timedelta(hours=6), share=1 / 4)


def request_patience() -> Patience:
    """Return the waits for a request by the present settings; it is tried until its window ends."""
    return Patience(
        deadline=timedelta(seconds=settings.REQUEST_STALE_SECONDS),
        retry=_RETRY,
        look=_LOOK,
        quiet=timedelta(seconds=settings.REQUEST_QUIET_SECONDS),
    )
