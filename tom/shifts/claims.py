"""Claim a target ("I have this one"), release it, and hand claims over.

A claim that is made on shift ends with that shift, so that nobody who sleeps keeps a target.
Another claim ends after twelve hours.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from tom_targets.base_models import BaseTarget

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import AnyOf, Given, kept_query
from tom.shifts.models import Claim, Shift

OFF_SHIFT: Final = timedelta(hours=12)
"""How long a claim holds that a person makes off shift."""


class ClaimedError(Exception):
    """Another person has the target."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        super().__init__(f"{claim.by.get_username()} has this one.")


def claim_target(
    target: BaseTarget, *, by: User, now: datetime, event: NonLocalizedEvent | None = None
) -> Claim:
    """Claim a target; a second call of the same person changes nothing.

    Raises
    ------
    ClaimedError
        If another person has it.
    """
    try:
        with transaction.atomic():
            held = _lock_held(target, now=now)
            if held is not None and held.by_id == by.pk:
                return held
            if held is not None:
                raise ClaimedError(held)
            return _make(target, event, by=by, now=now)
    except IntegrityError:  # another person was faster
        raise ClaimedError(
            Claim.objects.select_related("by").get(target=target, released=None)
        ) from None


def take_claim(
    target: BaseTarget, *, by: User, now: datetime, event: NonLocalizedEvent | None = None
) -> Claim:
    """Claim a target, whoever has it now."""
    with transaction.atomic():
        held = _lock_held(target, now=now)
        if held is not None and held.by_id == by.pk:
            return held
        if held is not None:
            _release(held, at=now, by=by)
        return _make(target, event or (held.event if held else None), by=by, now=now)


def release_claim(claim: Claim, *, by: User, now: datetime) -> bool:
    """Release a claim; False if it was released before, or had ended."""
    with transaction.atomic():
        held = Claim.objects.held_at(now).filter(pk=claim.pk, released=None)
        changed = bool(held.update(released=now, released_by=by))
        if changed:
            publish(Topic.CLAIM, claim.target_id)
    return changed


def release_claims_of(person: User, *, by: User, now: datetime) -> int:
    """Release all that a person has, in the caller's transaction; return how many."""
    rows = Claim.objects.held_at(now).filter(by=person, released=None)
    targets = list(rows.values_list("target", flat=True))
    rows.update(released=now, released_by=by)
    for pk in targets:
        publish(Topic.CLAIM, pk)
    return len(targets)


def hand_over_claims(person: User, successor: User, *, until: datetime, now: datetime) -> int:
    """Give all that a person has to another, in the caller's transaction; return how many."""
    rows = Claim.objects.held_at(now).filter(by=person, released=None).select_for_update()
    held = list(rows)
    rows.update(released=now, released_by=successor)
    Claim.objects.bulk_create(
        Claim(
            target_id=row.target_id, event_id=row.event_id, by=successor, created=now, until=until
        )
        for row in held
    )
    for row in held:
        publish(Topic.CLAIM, row.target_id)
    return len(held)


def claims_on(targets: Collection[int], *, now: datetime) -> dict[int, Claim]:
    """Return the claim that holds on each of these targets, by the target's key."""
    return {row.target_id: row for row in _claims_on(targets=list(targets), now=now)}


@kept_query
def _claims_on(*, targets: Given, now: Given) -> QuerySet[Claim]:
    return Claim.objects.held_at(now).filter(AnyOf("target", targets)).select_related("by")


def _lock_held(target: BaseTarget, *, now: datetime) -> Claim | None:
    """Lock and return the claim that holds; one whose time is over is noted as released."""
    open_rows = Claim.objects.filter(target=target, released=None).select_related("by", "event")
    row = open_rows.select_for_update(of=("self",)).first()
    if row is None or row.until > now:
        return row
    Claim.objects.filter(pk=row.pk).update(released=row.until)
    return None


def _make(target: BaseTarget, event: NonLocalizedEvent | None, *, by: User, now: datetime) -> Claim:
    shift = Shift.objects.on_at(now).filter(person=by).first()
    until = shift.end if shift is not None else now + OFF_SHIFT
    claim = Claim.objects.create(target=target, event=event, by=by, created=now, until=until)
    publish(Topic.CLAIM, target.pk)
    return claim


def _release(claim: Claim, *, at: datetime, by: User) -> None:
    Claim.objects.filter(pk=claim.pk).update(released=at, released_by=by)
