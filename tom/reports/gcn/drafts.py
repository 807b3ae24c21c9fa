"""Draft a circular from what is public, keep each text of it, and say whether GCN may have it."""

from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tom.candidates.models import EventCandidate
from tom.events.localizations import chosen_localization
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.pointings.coverage import Coverage, Look, cover, looks_of
from tom.pointings.efficiency import Found, read_stored
from tom.pointings.estimating import untraced, wanted_efficiency
from tom.pointings.models import Pointing, Source, Status
from tom.pointings.prepared import EfficiencyState
from tom.ranking.chances import show_public_chances
from tom.reports.gcn.form import LONGEST_BODY, LONGEST_SUBJECT, link_to_form, subject_fault
from tom.reports.gcn.models import CircularDraft, DraftVersion
from tom.reports.gcn.text import Facts, warning_of, write_body, write_subject
from tom.reports.public_data import (
    CannotTellError,
    PrivateDataError,
    public_points,
    refuse_not_public,
    refuse_private,
)

USUAL_MAGNITUDE: Final = -16.0
WORDS_OF_SOURCES: Final = {
    Source.TREASURE_MAP: "Gravitational Wave Treasure Map (Wyatt et al. 2020, ApJ 894, 127)",
    Source.OBSLOCTAP: "the observatories' own lists (ObsLocTAP)",
}


class ChangedMeanwhileError(CannotTellError):
    """Somebody else saved a text since this one was opened."""


def draft_circular(
    event: NonLocalizedEvent, candidates: Sequence[EventCandidate], *, by: User
) -> CircularDraft:
    """Fill a draft from the public data of an event and of the chosen candidates; none may be.

    Pointings count if they are for everybody, are completed, and are not before the event.

    Raises
    ------
    CannotTellError
        If a candidate is of another event.
    PrivateDataError
        If a target is private, is a candidate by private points only, or has no public point.
    """
    chosen = sorted(candidates, key=lambda each: (each.rank is None, each.rank, each.pk))
    if any(candidate.event_id != event.pk for candidate in chosen):
        msg = "choose candidates of this event"
        raise CannotTellError(msg)
    refuse_not_public(chosen)
    show_public_chances(event, chosen)
    facts = _facts(event, chosen)
    name = by.get_full_name() or by.get_username()
    with transaction.atomic():
        draft = CircularDraft.objects.create(
            event=event, programs=list(facts.programs), created_by=by
        )
        draft.candidates.set(chosen)
        draft.versions.create(
            number=1,
            subject=write_subject(facts),
            body=write_body(facts, author=f"{name} ({settings.TOM_NAME})"),
            created_by=by,
        )
    return draft


def save_version(
    draft: CircularDraft, *, subject: str, body: str, after: int, by: User
) -> DraftVersion:
    """Keep a new text of a draft; the same text again makes no version.

    Raises
    ------
    CannotTellError
        If a text is empty or too long, GCN would not take the subject, or the draft is discarded.
    ChangedMeanwhileError
        If the newest version is another one than `after`, which was edited.
    """
    subject, body = " ".join(subject.split()), body.replace("\r\n", "\n").strip() + "\n"
    _check(subject, body)
    with transaction.atomic():
        locked = CircularDraft.objects.select_for_update().get(pk=draft.pk)
        if locked.discarded is not None:
            msg = "the draft was discarded: bring it back first"
            raise CannotTellError(msg)
        newest = draft.versions.latest("number")
        if newest.number != after:
            who = newest.created_by or "somebody"
            msg = f"{who} saved version {newest.number} meanwhile; yours was made from {after}"
            raise ChangedMeanwhileError(msg)
        if (newest.subject, newest.body) == (subject, body):
            return newest
        return draft.versions.create(number=after + 1, subject=subject, body=body, created_by=by)


def discard_draft(draft: CircularDraft, *, by: User) -> None:
    """Put a draft away: it keeps its texts, and gets no other one and no link until it is back."""
    rows = CircularDraft.objects.filter(pk=draft.pk, discarded=None)
    rows.update(discarded=timezone.now(), discarded_by=by)


def bring_back_draft(draft: CircularDraft) -> None:
    """Take back that a draft was discarded."""
    CircularDraft.objects.filter(pk=draft.pk).update(discarded=None, discarded_by=None)


def text_to_give(version: DraftVersion) -> tuple[str, str]:
    """Return the subject and the text for GCN. That an event is not live is always said in both."""
    warning = warning_of(version.draft.event)
    if not warning:
        return version.subject, version.body
    subject, body = version.subject, version.body
    if not subject.startswith(("TEST: ", "RETRACTED: ")):
        start = "TEST: " if version.draft.event.test_reasons else "RETRACTED: "
        subject = f"{start}{subject}"
    return subject, body if warning in body else f"{warning}\n\n{body}"


def why_not_given(draft: CircularDraft) -> str:
    """Say why a draft gets no link to GCN; "" if it gets one.

    Only a live event's does, and only while all of its candidates are public. For many drafts
    prefetch `candidates__target`.
    """
    event = draft.event
    if draft.discarded is not None:
        return "the draft was discarded"
    if event.test_reasons:
        return f"{event.event_id} is a test ({', '.join(event.test_reasons)})"
    if not event.is_live:
        return f"{event.event_id} is not live any more"
    candidates = draft.candidates.all()
    try:
        refuse_private([row.target for row in candidates])
        refuse_not_public(candidates)
    except PrivateDataError as error:
        return str(error)
    return ""


def link_of(version: DraftVersion) -> str:
    """Return the address that opens GCN's form with a text; "" if it gets none."""
    return "" if why_not_given(version.draft) else link_to_form(*text_to_give(version))


def _check(subject: str, body: str) -> None:
    for name, said, longest in (
        ("subject", subject, LONGEST_SUBJECT),
        ("text", body.strip(), LONGEST_BODY),
    ):
        if not 0 < len(said) <= longest:
            msg = f"the {name} has 1 to {longest:,} characters"
            raise CannotTellError(msg)
    fault = subject_fault(subject)
    if fault:
        msg = f"the subject: {fault}"
        raise CannotTellError(msg)


def _facts(event: NonLocalizedEvent, chosen: Sequence[EventCandidate]) -> Facts:
    points = public_points([row.target for row in chosen])
    use = chosen_localization(event)
    pointings = Pointing.objects.about(event).filter(group=None, status=Status.COMPLETED)
    if event.time is not None:
        pointings = pointings.filter(time__gte=event.time)
    looks = looks_of(pointings)
    told = set(pointings.order_by().values_list("source", flat=True).distinct())
    return Facts(
        event=event,
        use=use,
        candidates=chosen,
        points=points,
        programs=sorted({str(point.program) for point in points}),
        coverage=_cover(use, looks),
        found=_efficiency(event, use, looks),
        sources=[words for source, words in WORDS_OF_SOURCES.items() if source in told],
    )


def _cover(use: EventLocalization | None, looks: Sequence[Look]) -> Coverage | None:
    return cover(use.localization_id, looks, USUAL_MAGNITUDE) if use and looks else None


def _efficiency(
    event: NonLocalizedEvent, use: EventLocalization | None, looks: Sequence[Look]
) -> Found | None:
    """Return the efficiency if it is computed; else ask for it, for a later draft."""
    if use is None or event.time is None or not looks or untraced(looks):
        return None
    if not use.localization.distance_fraction > 0:
        return None
    row = wanted_efficiency(use.localization_id, looks, event.time)
    return read_stored(row.result) if row.state == EfficiencyState.DONE else None
