"""Go through a list one by one: which candidate comes next, where one stopped, handing over."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.contrib.auth.models import User

from tom.candidates.models import EventCandidate
from tom.candidates.scans import ScanPlace
from tom.events.models import NonLocalizedEvent


def next_open(keys: Sequence[int], hidden: Collection[int], *, after: int | None) -> int | None:
    """Return the first of a list behind `after` that is not hidden; None: there is none.

    A candidate that is not in the list any more, or none, stands before the first.
    """
    start = keys.index(after) + 1 if after is not None and after in keys else 0
    return next((key for key in keys[start:] if key not in hidden), None)


def stop_at(
    user: User,
    event: NonLocalizedEvent,
    candidate: EventCandidate | None,
    *,
    query: str,
    now: datetime,
) -> None:
    """Note where a person is in an event's list; they go on, so what they handed over is theirs."""
    place = {"candidate": candidate, "query": query, "moved": now, "handed_to": None, "note": ""}
    ScanPlace.objects.update_or_create(user=user, event=event, defaults=place)


def return_to(user: User, candidate: EventCandidate, *, now: datetime) -> None:
    """Have a person who scans the candidate's event go on from this candidate."""
    rows = ScanPlace.objects.filter(user=user, event=candidate.event_id)
    rows.update(candidate=candidate, moved=now, handed_to=None, note="")


def hand_over(
    user: User, event: NonLocalizedEvent, successor: User, *, note: str
) -> ScanPlace | None:
    """Leave a person's place in an event's list to another; None: they have none there."""
    rows = ScanPlace.objects.filter(user=user, event=event)
    if not rows.update(handed_to=successor, note=note):
        return None
    return rows.select_related("event", "handed_to", "user").get()
