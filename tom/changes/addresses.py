"""Outside addresses that we call, and which of them rest because they did not answer.

A call begins with `begin_call` and ends with `note_answer` or `note_silence`. If an address has
not answered lately, only one call is made. The other calls wait a moment for its answer, and are
then postponed. An address that did not answer rests, longer each time. Then one call tries again.
Any answer ends the rests. All processes share the rows.
"""

import logging
import time
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from tom.changes.models import Address, Topic
from tom.changes.publish import publish
from tom.own_secrets import hide_secrets

logger = logging.getLogger(__name__)

# If a call has waited longer for its answer, no other call is made beside it.
PATIENCE = timedelta(seconds=1)
# Several calls at once may go to an address that answered within this time.
WELL = timedelta(minutes=1)
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=2)
LOOK_SECONDS = 0.05


class RestingError(Exception):
    """The address is silent: nothing was sent. It may be called again at `until`."""

    def __init__(self, name: str, until: datetime) -> None:
        self.until = until
        super().__init__(f"{name} does not answer: it is asked again {until:%H:%M:%S} UTC")


def begin_call(name: str, *, seconds: float) -> None:
    """Begin a call that surely ends within `seconds`.

    Raises
    ------
    RestingError
        If the address rests, or another call still waits for its answer.
    """
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while not _claim(name, timedelta(seconds=seconds)):
        check_rest(name)
        if time.monotonic() > deadline:
            raise RestingError(name, timezone.now() + PATIENCE)
        time.sleep(LOOK_SECONDS)


def check_rest(name: str) -> None:
    """Raise RestingError if a call to this address would be postponed."""
    now = timezone.now()
    row = Address.objects.filter(name=name).first()
    if row is None:
        return
    if row.rests_until and row.rests_until > now:
        raise RestingError(name, row.rests_until)
    is_waited_for = row.asked_at and row.given_up_at and row.given_up_at > now
    if is_waited_for and row.asked_at and row.asked_at < now - PATIENCE:
        raise RestingError(name, now + 2 * PATIENCE)


def note_answer(name: str) -> None:
    """End a call that got any answer; the address rests no more."""
    rows = Address.objects.filter(name=name)
    recovered = rows.exclude(silent_since=None).update(silent_since=None)
    rows.update(
        asked_at=None,
        given_up_at=None,
        answered_at=timezone.now(),
        silences=0,
        rests_until=None,
        detail="",
    )
    if recovered:
        logger.info("An address answers again", extra={"address": name})
        publish(Topic.REQUEST)


def note_silence(name: str, why: str) -> None:
    """End a call that got no answer; the address rests."""
    now, why = timezone.now(), hide_secrets(why)
    rows = Address.objects.filter(name=name)
    silences = rows.values_list("silences", flat=True).first() or 0
    rest = min(FIRST_REST * 2 ** min(silences, 10), LONGEST_REST)
    rows.update(
        asked_at=None,
        given_up_at=None,
        silences=F("silences") + 1,
        rests_until=now + rest,
        silent_since=Coalesce("silent_since", Now()),
        detail=why,
    )
    logger.warning("An address does not answer", extra={"address": name, "why": why})
    publish(Topic.REQUEST)


def silent_addresses() -> list[Address]:
    """Return the addresses that do not answer."""
    return list(Address.objects.exclude(silent_since=None).order_by("name"))


def _claim(name: str, seconds: timedelta) -> bool:
    now = timezone.now()
    Address.objects.get_or_create(name=name)
    rested = Address.objects.filter(Q(rests_until=None) | Q(rests_until__lte=now), name=name)
    free = rested.filter(Q(asked_at=None) | Q(given_up_at__lte=now))
    if free.update(asked_at=now, given_up_at=now + seconds):
        return True
    others = rested.filter(silences=0, answered_at__gt=now - WELL, asked_at__gt=now - PATIENCE)
    return others.exists()
