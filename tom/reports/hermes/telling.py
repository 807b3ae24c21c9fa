"""Send an event's candidates to the community: draft, confirm, send once, settle.

A person drafts and a person confirms; a worker sends. If the broker does not confirm a report, it
is UNKNOWN, and is not sent again. Then we read the topic back and look for our id.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet, prefetch_related_objects
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.forms.topics import is_test_topic
from tom.outbox.errors import LookUpFailedError, NothingSentError, RejectedError
from tom.outbox.models import due
from tom.outbox.moves import move
from tom.outbox.sending import give_up, send
from tom.ranking.chances import show_public_chances
from tom.reports.hermes.body import write_message
from tom.reports.hermes.models import Report, ReportState
from tom.reports.public_data import (
    CannotTellError,
    NotLiveError,
    public_points,
    refuse_not_public,
    refuse_private,
)
from tom.reports.publishing import publish_message
from tom.reports.settling import LOST, is_on_topic, settle_message
from tom.streams.sources import SourceError, read_source
from tom.targets.spectra import public_classes

_NEVER_CAME: Final = "it never arrived on the topic; draft it again if it is still wanted"


def draft_report(
    event: NonLocalizedEvent, candidates: Sequence[EventCandidate], *, by: User
) -> Report:
    """Draft a message about these candidates of an event, for the topic of TELL_URL.

    Only public points are used, and their programs are named. If something was told of the event
    there before, the message refers to the last one. While TELL_URL is empty, the draft can be
    copied but never sent.

    Raises
    ------
    CannotTellError
        If TELL_URL names no single topic, no candidate is given, or one is of another event.
    NotLiveError
        If the event is not live and the topic is not a test topic.
    PrivateDataError
        If a target is private, is a candidate by private points only, or has no public point.
    """
    topic = topic_to_tell() if settings.TELL_URL else ""
    chosen = sorted(candidates, key=lambda each: (each.rank is None, each.rank, each.pk))
    if not chosen or any(candidate.event_id != event.pk for candidate in chosen):
        msg = "choose at least one candidate of this event"
        raise CannotTellError(msg)
    if topic:
        _refuse_not_live(event, topic)
    refuse_not_public(chosen)
    show_public_chances(event, chosen)
    prefetch_related_objects(chosen, "target__aliases")
    points = public_points([candidate.target for candidate in chosen])
    programs = sorted({str(point.program) for point in points})
    classes = public_classes([candidate.target_id for candidate in chosen])
    body = write_message(
        event=event,
        candidates=chosen,
        points=points,
        programs=programs,
        classes=classes,
        topic=topic,
        follows=event.reports.that_stand().filter(url=settings.TELL_URL).first(),
        by=by,
    )
    with transaction.atomic():
        report = Report.objects.create(
            event=event, url=settings.TELL_URL, body=body, programs=programs, created_by=by
        )
        report.candidates.set(chosen)
        report.classes.set(classes.values())
    return report


def confirm_report(report: Report, by: User) -> bool:
    """Confirm a draft, so that it is sent; return False if it is no longer a draft.

    The caller wakes `tell_report` after the commit.

    Raises
    ------
    CannotTellError
        If the draft has no topic, or (NotLiveError, PrivateDataError) the report may no longer be
        sent, as the event and the candidates are now.
    """
    refuse_report(report)
    if report.state != ReportState.DRAFT:
        return False
    now = timezone.now()
    return move(report, ReportState.CONFIRMED, confirmed_by=by, confirmed_at=now, due_at=now)


def discard_report(report: Report) -> bool:
    """Delete a draft; return False if it is no longer a draft."""
    drafts = Report.objects.filter(pk=report.pk, state=ReportState.DRAFT)
    with transaction.atomic():
        # Lock first: otherwise a draft that is just being confirmed is deleted while it is sent.
        locked = drafts.select_for_update().first()
        if locked is None:
            return False
        locked.delete()
    return True


def tell_report(report: Report, *, now: datetime) -> None:
    """Do the next step of a report: send it, give up a lost worker, or settle its outcome."""
    match report.state:
        case ReportState.CONFIRMED:
            send_report(report, now=now)
        case ReportState.SENDING:
            give_up(report, LOST, now=now)
        case ReportState.UNKNOWN:
            settle_report(report, now=now)


def send_report(report: Report, *, now: datetime) -> bool:
    """Send a confirmed report; return whether this call made the attempt.

    Without a definite answer the report becomes UNKNOWN. Then only `settle_report` moves it on.
    """
    tried_at = report.tried_at  # the time of the attempt before this one
    return send(
        report,
        lambda: _publish(report, tried_at),
        lambda _: move(report, ReportState.SENT, sent_at=timezone.now()),
        now=now,
    )


def _publish(report: Report, tried_at: datetime | None) -> None:
    try:
        refuse_report(report)
    except CannotTellError as error:
        raise RejectedError(str(error)) from error
    if not _came_late(report, tried_at):
        publish_message(report.url, report.body, message_id=report.message_id)


def _came_late(report: Report, tried_at: datetime | None) -> bool:
    """Whether a failed report that was confirmed again is on its topic after all."""
    if tried_at is None or report.confirmed_at is None or tried_at > report.confirmed_at:
        return False
    try:
        return is_on_topic(report, tried=tried_at)
    except LookUpFailedError as error:
        # Keep the time before this confirmation: the next attempt needs it too.
        Report.objects.filter(pk=report.pk).update(tried_at=tried_at)
        msg = f"could not look whether it is there already: {error}"
        raise NothingSentError(msg) from error


def settle_report(report: Report, *, now: datetime) -> None:
    """Read the topic back to find out whether an UNKNOWN report is there, if that is due."""
    settle_message(
        report, absent=lambda: move(report, ReportState.FAILED, reason=_NEVER_CAME), now=now
    )


def due_reports(now: datetime) -> QuerySet[Report]:
    """Return the reports for which the sweep should wake `tell_report`."""
    waiting = (ReportState.CONFIRMED, ReportState.SENDING, ReportState.UNKNOWN)
    return Report.objects.filter(due(now), state__in=waiting)


def topic_to_tell() -> str:
    """Return the topic of TELL_URL.

    Raises
    ------
    CannotTellError
        If TELL_URL is not a hop URL with one topic.
    """
    try:
        source = read_source(settings.TELL_URL)
    except SourceError as error:
        msg = "no topic to send to: set TELL_URL to a hop URL"
        raise CannotTellError(msg) from error
    if len(source.topics) != 1:
        msg = "TELL_URL has to name one topic"
        raise CannotTellError(msg)
    return source.topics[0]


def refuse_report(report: Report) -> None:
    """Raise an error if a report may not be sent now; something may have changed since the draft.

    Raises
    ------
    CannotTellError
        If it has no topic; NotLiveError and PrivateDataError as in `draft_report`.
    """
    if not report.url:
        msg = "it was drafted while telling was switched off; draft it again"
        raise CannotTellError(msg)
    report.event.refresh_from_db()
    if report.takes_back_id is not None:
        _refuse_to_take_back(report)
        return
    if report.corrects_id is not None:
        _refuse_to_correct(report)
        return
    _refuse_not_live(report.event, report.topic)
    refuse_private(BaseTarget.objects.filter(candidacies__reports=report))
    refuse_not_public(report.candidates.select_related("target"))
    if report.classes.exclude(withdrawal=None).exists():
        msg = "it tells a class that was withdrawn; draft it again"
        raise CannotTellError(msg)


def _refuse_to_take_back(report: Report) -> None:
    """It says nothing new of a target, and goes where the report went that it takes back."""
    if not report.event.retracted:
        msg = f"{report.event.event_id} is no longer retracted"
        raise CannotTellError(msg)


def _refuse_to_correct(report: Report) -> None:
    """It says nothing new of a target either."""
    if report.withdrawal is None or report.withdrawal.undone is not None:
        msg = "the class is no longer withdrawn"
        raise CannotTellError(msg)


def _refuse_not_live(event: NonLocalizedEvent, topic: str) -> None:
    if event.is_live or is_test_topic(topic):
        return
    why = "is retracted" if event.retracted else f"is a test ({', '.join(event.test_reasons)})"
    msg = f"{event.event_id} {why}, and {topic} is not a test topic"
    raise NotLiveError(msg)
