"""Go through a list one by one: which candidate comes next, where one stopped, handing over."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from tom.candidates.scans import ScanPlace
from tom.strategies.listings import Listing


def next_open(keys: Sequence[int], hidden: Collection[int], *, after: int | None) -> int | None:
    """Return the first of a list behind `after` that is not hidden; None: there is none.

    A candidate that is not in the list any more, or none, stands before the first.
    """
    start = keys.index(after) + 1 if after is not None and after in keys else 0
    return next((key for key in keys[start:] if key not in hidden), None)


def stop_at(user: User, listing: Listing, member: int | None, *, query: str, now: datetime) -> None:
    """Note where a person is in a list; they go on, so what they handed over is theirs.

    `member` is the key of a candidate, or of a target in a list without an event; None: the end.
    """
    owner: dict[str, Any] = {listing.owner_column: listing.owner.pk}
    place = {listing.member_column: member, "query": query, "moved": now}
    ScanPlace.objects.update_or_create(
        user=user, **owner, defaults=place | {"handed_to": None, "note": ""}
    )


def return_to(user: User, listing: Listing, member: int, *, now: datetime) -> None:
    """Have a person who scans a list go on from this member."""
    rows = ScanPlace.objects.of(listing).filter(user=user)
    rows.update(**{listing.member_column: member}, moved=now, handed_to=None, note="")


def hand_over(user: User, listing: Listing, successor: User, *, note: str) -> ScanPlace | None:
    """Leave a person's place in a list to another; None: they have none there."""
    rows = ScanPlace.objects.of(listing).filter(user=user)
    if not rows.update(handed_to=successor, note=note):
        return None
    return rows.select_related("event", "strategy", "handed_to", "user").get()
