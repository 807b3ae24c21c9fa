"""Go through a list one by one: which candidate comes next, where one stopped, handing over."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from tom.candidates.scans import ScanPlace
from tom.strategies.listings import Listing

# So many of those before a member are kept: its place is known while one of them is in the list.
MOST_PASSED = 100


def next_open(
    keys: Sequence[int],
    hidden: Collection[int],
    *,
    after: int | None,
    passed: Sequence[int] = (),
) -> int | None:
    """Return the first of a list behind `after` that is not hidden; None: there is none.

    A candidate that has left the list stood behind the first of `passed` that is in it: those that
    stood before it, the nearest first. Of none of them it is known, and it counts as before all.
    """
    behind = next((key for key in (after, *passed) if key in keys), None)
    start = 0 if behind is None else keys.index(behind) + 1
    return next((key for key in keys[start:] if key not in hidden), None)


def passed_by(keys: Sequence[int], key: int) -> list[int]:
    """Return those that stand before a member of a list, the nearest first: `MOST_PASSED`."""
    at = keys.index(key)
    return list(keys[max(at - MOST_PASSED, 0) : at])[::-1]


def stop_at(
    user: User,
    listing: Listing,
    member: int | None,
    *,
    query: str,
    now: datetime,
    passed: Sequence[int] = (),
) -> None:
    """Note where a person is in a list; they go on, so what they handed over is theirs.

    `member` is the key of a candidate, or of a target in a list without an event; None: the end.
    `passed` as in `next_open`: where they go on if the member leaves the list.
    """
    owner: dict[str, Any] = {listing.owner_column: listing.owner.pk}
    place = {listing.member_column: member, "passed": passed, "query": query, "moved": now}
    ScanPlace.objects.update_or_create(
        user=user, **owner, defaults=place | {"handed_to": None, "note": ""}
    )


def return_to(user: User, listing: Listing, member: int, *, now: datetime) -> None:
    """Have a person who scans a list go on from this member."""
    rows = ScanPlace.objects.of(listing).filter(user=user)
    rows.update(**{listing.member_column: member}, passed=[], moved=now, handed_to=None, note="")


def hand_over(user: User, listing: Listing, successor: User, *, note: str) -> ScanPlace | None:
    """Leave a person's place in a list to another; None: they have none there."""
    rows = ScanPlace.objects.of(listing).filter(user=user)
    if not rows.update(handed_to=successor, note=note):
        return None
    return rows.select_related("event", "strategy", "handed_to", "user").get()
