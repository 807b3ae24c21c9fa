"""Tell the community of an event's candidates: draft, confirm, send once, settle.

A person drafts and a person confirms; a worker sends. What was not confirmed by the broker is
UNKNOWN and is settled by reading the topic back for our id; it is never sent again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet, prefetch_related_objects
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.forms.topics import is_test_topic
from tom.live.models import Topic
from tom.live.publish import publish
from tom.reports.hermes import write_message
from tom.reports.hopskotch import (
    LookUpFailedError,
    NothingSentError,
    RejectedError,
    RestsError,
    UnknownOutcomeError,
    is_published,
    publish_message,
)
from tom.reports.models import Report, ReportState
from tom.streams.sources import SourceError, read_source
from tom.targets.models import POINT_ORDER, LightCurvePoint

MOST_ATTEMPTS: Final = 10
"""How often the broker may be out of reach before a report has failed."""
SENDING_SECONDS: Final = 120
"""A report still being sent or looked for after this lost its worker; far above the timeouts."""
RETRY_SECONDS: Final = 20
LOOK_SECONDS: Final = 15
QUIET_SECONDS: Final = 300
"""A message not on its topic so long after it left will not come any more."""


class CannotTellError(Exception):
    """This may not be told; the message says why, for the person who asked."""


class PrivateDataError(CannotTellError):
    """It would tell what is not public."""


class NotLiveError(CannotTellError):
    """A test or retracted event, and a topic that is not for tests."""


def draft_report(
    event: NonLocalizedEvent, candidates: Sequence[EventCandidate], *, by: User
) -> Report:
    """Draft the message that tells these candidates of an event on the topic of TELL_URL.

    Only public points are used, and their programs are named. While TELL_URL is empty, the draft
    can be copied but never sent.

    Raises
    ------
    CannotTellError
        If TELL_URL is no topic, or there is no candidate of this event to tell.
    NotLiveError
        If the event is not live and the topic is not a test topic.
    PrivateDataError
        If a target is private, or all that is known of it is.
    """
    topic = topic_to_tell() if settings.TELL_URL else ""
    chosen = sorted(candidates, key=lambda each: (each.rank is None, each.rank, each.pk))
    if not chosen or any(candidate.event_id != event.pk for candidate in chosen):
        msg = "choose at least one candidate of this event"
        raise CannotTellError(msg)
    if topic:
        _refuse_not_live(event, topic)
    _refuse_not_public(chosen)
    prefetch_related_objects(chosen, "target__aliases")
    points = _public_points([candidate.target for candidate in chosen])
    programs = sorted({str(point.program) for point in points})
    body = write_message(
        event=event, candidates=chosen, points=points, programs=programs, topic=topic, by=by
    )
    with transaction.atomic():
        report = Report.objects.create(
            event=event, url=settings.TELL_URL, body=body, programs=programs, created_by=by
        )
        report.candidates.set(chosen)
    return report


def confirm_report(report: Report, by: User) -> bool:
    """Confirm a draft, so that it is sent; return whether this call was the one that did.

    The caller wakes `tell_report` once this is committed.

    Raises
    ------
    NotLiveError, PrivateDataError
        If it could not be drafted any more as things are now.
    """
    refuse_report(report)
    now = timezone.now()
    return _move(
        report,
        ReportState.DRAFT,
        ReportState.CONFIRMED,
        confirmed_by=by,
        confirmed_at=now,
        due_at=now,
    )


def discard_report(report: Report) -> bool:
    """Delete a draft; return whether it still was one."""
    drafts = Report.objects.filter(pk=report.pk, state=ReportState.DRAFT)
    with transaction.atomic():
        # Locked first: else one that is just being confirmed is deleted while it is sent.
        locked = drafts.select_for_update().first()
        if locked is None:
            return False
        locked.delete()
    return True


def tell_report(report: Report, *, now: datetime) -> None:
    """Do what is due of a report: send it, or settle what became of it."""
    match report.state:
        case ReportState.CONFIRMED:
            send_report(report, now=now)
        case ReportState.SENDING if report.due_at is None or report.due_at <= now:
            reason = "the worker was lost while it sent"
            _move(report, ReportState.SENDING, ReportState.UNKNOWN, reason=reason, due_at=now)
        case ReportState.UNKNOWN:
            settle_report(report, now=now)


def send_report(report: Report, *, now: datetime) -> bool:
    """Send a confirmed report; return whether this call was the one that tried.

    Whatever is not a definite answer leaves it UNKNOWN: only `settle_report` may move it on.
    """
    tried_at = report.tried_at  # before this time
    if not _move(
        report,
        ReportState.CONFIRMED,
        ReportState.SENDING,
        attempts=F("attempts") + 1,
        tried_at=now,
        due_at=now + timedelta(seconds=SENDING_SECONDS),
    ):
        return False  # another worker has it
    try:
        refuse_report(report)
        if not _came_late(report, tried_at):
            publish_message(report.url, report.body, message_id=report.message_id)
    except RestsError as error:  # no attempt: the broker is silent for everybody
        _move(
            report,
            ReportState.SENDING,
            ReportState.CONFIRMED,
            reason=str(error),
            due_at=error.until,
            attempts=F("attempts") - 1,
        )
    except NothingSentError as error:
        _put_off(report, str(error), now=now)
    except (CannotTellError, RejectedError) as error:
        _end(report, ReportState.SENDING, ReportState.FAILED, reason=str(error))
    except UnknownOutcomeError as error:
        due_at = now + timedelta(seconds=LOOK_SECONDS)
        _move(report, ReportState.SENDING, ReportState.UNKNOWN, reason=str(error), due_at=due_at)
    else:
        _end(report, ReportState.SENDING, ReportState.SENT, sent_at=timezone.now())
    return True


def _came_late(report: Report, tried_at: datetime | None) -> bool:
    """Look whether a report that had failed, and was confirmed anew, is on its topic after all."""
    if tried_at is None or report.confirmed_at is None or tried_at > report.confirmed_at:
        return False
    try:
        return is_published(report.url, report.message_id, since=tried_at - timedelta(minutes=10))
    except LookUpFailedError as error:
        # Of the next attempt, too, it is the time before this confirmation that counts.
        Report.objects.filter(pk=report.pk).update(tried_at=tried_at)
        msg = f"could not look whether it is there already: {error}"
        raise NothingSentError(msg) from error


def settle_report(report: Report, *, now: datetime) -> None:
    """Find out by reading the topic back whether an UNKNOWN report is there, where that is due."""
    if not _claim_look(report, now=now):
        return  # another worker reads it back
    tried = report.tried_at or report.created
    try:
        found = is_published(report.url, report.message_id, since=tried - timedelta(minutes=10))
    except LookUpFailedError as error:
        _look_again(report, f"could not look it up: {error}", now=now)
        return
    if found:
        _end(report, ReportState.UNKNOWN, ReportState.SENT, sent_at=tried)
    elif now - tried < timedelta(seconds=QUIET_SECONDS):
        _look_again(report, "not on the topic yet", now=now)
    else:
        reason = "it never arrived on the topic; draft it again if it is still wanted"
        _end(report, ReportState.UNKNOWN, ReportState.FAILED, reason=reason)


def due_reports(now: datetime) -> QuerySet[Report]:
    """Return the reports that the sweep should nudge `tell_report` for."""
    waiting = (ReportState.CONFIRMED, ReportState.SENDING, ReportState.UNKNOWN)
    return Report.objects.filter(state__in=waiting, due_at__lte=now)


def topic_to_tell() -> str:
    """Return the topic of TELL_URL.

    Raises
    ------
    CannotTellError
        If it is no hop URL of one topic.
    """
    try:
        source = read_source(settings.TELL_URL)
    except SourceError as error:
        msg = "no topic to tell on: set TELL_URL to a hop URL"
        raise CannotTellError(msg) from error
    if len(source.topics) != 1:
        msg = "TELL_URL has to name one topic"
        raise CannotTellError(msg)
    return source.topics[0]


def refuse_report(report: Report) -> None:
    """Raise what forbids a report as things are now, after its draft too."""
    if not report.url:
        msg = "it was drafted while telling was switched off; draft it again"
        raise CannotTellError(msg)
    report.event.refresh_from_db()
    _refuse_not_live(report.event, report.topic)
    _refuse_private(BaseTarget.objects.filter(candidacies__reports=report))
    _refuse_not_public(report.candidates.select_related("target"))


def _refuse_not_live(event: NonLocalizedEvent, topic: str) -> None:
    if event.is_live or is_test_topic(topic):
        return
    why = "is retracted" if event.retracted else f"is a test ({', '.join(event.test_reasons)})"
    msg = f"{event.event_id} {why}, and {topic} is not a test topic"
    raise NotLiveError(msg)


def _refuse_private(targets: "Sequence[BaseTarget] | QuerySet[BaseTarget]") -> None:
    private = [
        target.name for target in targets if target.permissions == BaseTarget.Permissions.PRIVATE
    ]
    if private:
        msg = f"private: {', '.join(private)}"
        raise PrivateDataError(msg)


def _refuse_not_public(candidates: Iterable[EventCandidate]) -> None:
    """A public target may be a candidate by private points alone: to tell that tells of them."""
    names = [row.target.name for row in candidates if not row.is_public]
    if names:
        msg = f"candidates by private data alone: {', '.join(names)}"
        raise PrivateDataError(msg)


def _public_points(targets: Sequence[BaseTarget]) -> list[LightCurvePoint]:
    _refuse_private(targets)
    points = LightCurvePoint.objects.filter(target__in=targets).select_related("program")
    public = list(points.filter(program__public=True).order_by("target_id", *POINT_ORDER))
    known = set(points.values_list("target_id", flat=True))
    hidden = known - {point.target_id for point in public}
    if hidden:
        names = [target.name for target in targets if target.pk in hidden]
        msg = f"no public data: {', '.join(names)}"
        raise PrivateDataError(msg)
    return public


def _put_off(report: Report, reason: str, *, now: datetime) -> None:
    """Nothing left: it is confirmed as before, and due again in a while."""
    report.refresh_from_db(fields=["attempts"])
    if report.attempts >= MOST_ATTEMPTS:
        _end(report, ReportState.SENDING, ReportState.FAILED, reason=reason)
        return
    due_at = now + timedelta(seconds=RETRY_SECONDS * report.attempts)
    _move(report, ReportState.SENDING, ReportState.CONFIRMED, reason=reason, due_at=due_at)


def _claim_look(report: Report, *, now: datetime) -> bool:
    due = Report.objects.filter(Q(due_at__lte=now) | Q(due_at=None), pk=report.pk)
    until = max(now, timezone.now()) + timedelta(seconds=SENDING_SECONDS)
    return bool(due.filter(state=ReportState.UNKNOWN).update(due_at=until))


def _look_again(report: Report, reason: str, *, now: datetime) -> None:
    """Look again ever more slowly: each time after as long as it has been unknown."""
    now = max(now, timezone.now())  # reading the topic back took its time
    waited = (now - (report.tried_at or report.created)).total_seconds()
    seconds = min(max(waited, LOOK_SECONDS), 3600)
    _move(
        report,
        ReportState.UNKNOWN,
        ReportState.UNKNOWN,
        reason=reason,
        due_at=now + timedelta(seconds=seconds),
    )


def _end(report: Report, old: ReportState, new: ReportState, **changed: object) -> None:
    _move(report, old, new, **{"reason": "", "due_at": None, **changed})


def _move(report: Report, old: ReportState, new: ReportState, **changed: object) -> bool:
    """Move a report on if it is where we think; return whether it was."""
    rows = Report.objects.filter(Q(pk=report.pk, state=old))
    with transaction.atomic():
        moved = rows.update(state=new, **changed)
        if moved:
            publish(Topic.EVENT, report.event.event_id)
    return bool(moved)
