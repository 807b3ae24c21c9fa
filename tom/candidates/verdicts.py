"""People's verdicts: each verdict is kept; an event's candidate shows the newest one."""

import uuid

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef
from tom_targets.base_models import BaseTarget

from tom.candidates.models import (
    EventCandidate,
    EventCandidateQuerySet,
    Verdict,
    VerdictReason,
    Vetting,
)
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.strategies.listings import Listing
from tom.strategies.models import Strategy


def give_verdict(
    candidate: EventCandidate,
    verdict: Vetting,
    *,
    by: User,
    reason: VerdictReason | None = None,
    note: str = "",
    key: uuid.UUID | None = None,
) -> Verdict:
    """Store a person's verdict on a candidate; a key that comes twice gives one verdict."""
    with transaction.atomic():
        _lock(candidate.pk)
        row, is_new = Verdict.objects.get_or_create(
            key=key or uuid.uuid4(),
            defaults={
                "candidate": candidate,
                "by": by,
                "verdict": verdict,
                "reason": reason or "",
                "note": note,
                "is_public": _is_known_publicly(candidate),
            },
        )
        if is_new:
            show_newest(candidate)
    return row


def give_verdict_in_list(
    strategy: Strategy,
    target: BaseTarget,
    verdict: Vetting,
    *,
    by: User,
    is_public: bool,
    reason: VerdictReason | None = None,
    note: str = "",
    key: uuid.UUID | None = None,
) -> Verdict:
    """Store a person's verdict on a target in a strategy's list without an event.

    `is_public` says whether the target is public, and in the list by public points. A key that
    comes twice gives one verdict.
    """
    with transaction.atomic():
        row, is_new = Verdict.objects.get_or_create(
            key=key or uuid.uuid4(),
            defaults={
                "strategy": strategy,
                "target": target,
                "by": by,
                "verdict": verdict,
                "reason": reason or "",
                "note": note,
                "is_public": is_public,
            },
        )
        if is_new:
            publish(Topic.RANKING, row.listing.key)
    return row


def undo_last_verdict(by: User, *, of: Listing | None = None) -> Verdict | None:
    """Take back the person's last verdict in a list; `of` None: in any.

    Return it; None if there is none.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=by.pk)  # so two tabs undo two verdicts
        row = _last_verdict(by, of)
        if row is None:
            return None
        if row.candidate_id is not None:
            _lock(row.candidate_id)
        Verdict.objects.create(
            candidate=row.candidate,
            strategy=row.strategy,
            target=row.target,
            by=by,
            verdict=row.verdict,
            undoes=row,
            is_public=row.is_public,
        )
        if row.candidate is not None:
            show_newest(row.candidate)
        else:
            publish(Topic.RANKING, row.listing.key)
    return row


def _last_verdict(by: User, of: Listing | None) -> Verdict | None:
    given = Verdict.objects.given().filter(by=by)
    if of is not None:
        given = given.given_in(of)
    joined = ("candidate__event", "candidate__target", "strategy", "target")
    newest = [
        rows.select_related(*joined).order_by("-created", "-pk").first()
        for rows in (given.visible_to(by), given.visible_in_lists(by))
    ]
    found = [row for row in newest if row is not None]
    return max(found, key=lambda row: (row.created, row.pk), default=None)


def show_public_verdicts(candidates: EventCandidateQuerySet) -> None:
    """Replace private verdicts that are shown on candidates that have become public."""
    said = Verdict.objects.filter(candidate=OuterRef("pk"), is_public=False)
    rows = candidates.known_publicly().filter(Exists(said)).exclude(vetting=Vetting.NEW)
    shown = rows.select_related("event")
    for candidate in shown.select_for_update(no_key=True, of=("self",)).order_by("pk"):
        show_newest(candidate)


def _lock(candidate_id: int) -> None:
    EventCandidate.objects.select_for_update(no_key=True).get(pk=candidate_id)


def _is_known_publicly(candidate: EventCandidate) -> bool:
    return EventCandidate.objects.known_publicly().filter(pk=candidate.pk).exists()


def show_newest(candidate: EventCandidate) -> None:
    """Copy the newest verdict that nobody took back to the candidate, and notify the pages.

    All who see the candidate see this verdict. So a public candidate shows no private verdict.
    """
    told = Verdict.objects.filter(candidate=candidate)
    if _is_known_publicly(candidate):
        told = told.filter(is_public=True)
    standing = told.standing()
    said = [row for row in standing.select_related("by") if row.verdict != Vetting.NEW]
    newest = max(said, key=lambda row: (row.created, row.pk), default=None)
    candidate.vetting = newest.verdict if newest else Vetting.NEW
    candidate.vetted_by = newest.by if newest else None
    candidate.vetted = newest.created if newest else None
    candidate.save(update_fields=["vetting", "vetted_by", "vetted"])
    publish(Topic.RANKING, candidate.event.event_id)
