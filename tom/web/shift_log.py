"""The log that writes itself: what happened in a time, read from the rows that the work left."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse

from tom.candidates.models import Verdict
from tom.events.models import EventSequence
from tom.followup.models import ObservationRequest, StateChange
from tom.reports.alarms.models import Alarm, SendState
from tom.reports.hermes.models import Report
from tom.shifts.models import Claim, Shift
from tom.strategies.models import Strategy, StrategyVersion

MOST: Final = 200
# What is read with a verdict.
VERDICT: Final = ("by", "candidate__target", "candidate__event", "target", "strategy")
"""The most entries of each kind; of more, the newest."""
LONGEST: Final = timedelta(days=14)
ARRIVED: Final = (SendState.SENT, SendState.UNKNOWN)


@dataclass(frozen=True)
class Entry:
    """Something that happened: when, of which kind, in words, and where it is shown."""

    time: datetime
    kind: str
    words: str
    url: str = ""


@dataclass(frozen=True)
class Span:
    """A time from `start` to before `end`, as conditions on rows."""

    start: datetime
    end: datetime

    def of(self, name: str) -> Q:
        return Q((f"{name}__gte", self.start), (f"{name}__lt", self.end))


def read_log(user: User, start: datetime, end: datetime) -> list[Entry]:
    """Return what happened from `start` to `end` that the user may know, the newest first.

    It is read from events, alarms, verdicts, claims, requests, reports, shifts and versions of
    strategies as they are now.
    So what a person may no longer see is not in it.
    """
    span = Span(max(start, end - LONGEST), end)
    parts = (_messages, _alarms, _answers, _verdicts, _requests, _reports, _settings)
    entries = chain(*(part(user, span) for part in parts), _claims(user, span), _shifts(user, span))
    return sorted(entries, key=lambda entry: entry.time, reverse=True)


def _messages(_user: User, span: Span) -> Iterator[Entry]:
    rows = EventSequence.objects.filter(span.of("message__received"), event__joined_to=None)
    joined = rows.select_related("event").order_by("-message__received")
    values = joined.values_list(
        "event__event_id", "alert_type", "message__received", "event__test_reasons"
    )
    for event_id, kind, received, test in values[:MOST]:
        words = f"{event_id}: {kind.lower()}{' (a test)' if test else ''}"
        yield Entry(received, "Event", words, reverse("event", args=[event_id]))


def _alarms(user: User, span: Span) -> Iterator[Entry]:
    rows = Alarm.objects.visible_to(user).filter(span.of("created"), event__isnull=False)
    for alarm in rows.select_related("event").prefetch_related("sends")[:MOST]:
        sends = [send for send in alarm.sends.all() if send.state in ARRIVED]
        told = [send.reaches or f"the settings' {send.get_channel_display()}" for send in sends]
        words = f"{alarm.title}. Sent to {', '.join(told) or 'nobody'}"
        yield Entry(alarm.created, "Alarm", words, _event(alarm))


def _answers(user: User, span: Span) -> Iterator[Entry]:
    rows = Alarm.objects.visible_to(user).filter(span.of("acknowledged_at"))
    for alarm in rows.select_related("event", "acknowledged_by")[:MOST]:
        words = f"{_name(alarm.acknowledged_by)} answered: {alarm.title}"
        if alarm.acknowledged_at is not None:
            yield Entry(alarm.acknowledged_at, "Answer", words, _event(alarm))


def _verdicts(user: User, span: Span) -> Iterator[Entry]:
    for rows in (Verdict.objects.visible_to(user), Verdict.objects.visible_in_lists(user)):
        given = rows.given().filter(span.of("created")).select_related(*VERDICT)
        for row in given.order_by("-created")[:MOST]:
            why = f" ({row.why})" if row.why else ""
            what = f"{row.on.name} for {row.listing}"
            words = f"{_name(row.by)}: {what} is {row.get_verdict_display().lower()}{why}"
            event = row.candidate.event.event_id if row.candidate else ""
            url = _target(row.on.pk) + (f"?event={event}" if event else "")
            yield Entry(row.created, "Verdict", words, url)


def _claims(user: User, span: Span) -> Iterator[Entry]:
    rows = Claim.objects.visible_to(user).filter(span.of("created") | span.of("released"))
    for row in rows.select_related("by", "released_by", "target")[: 2 * MOST]:
        url, who, name = _target(row.target_id), row.by.get_username(), row.target.name
        if span.start <= row.created < span.end:
            yield Entry(row.created, "Claim", f"{who} has {name}", url)
        if row.released is not None and span.start <= row.released < span.end:
            another = row.released_by_id not in {None, row.by_id}
            by = f", by {_name(row.released_by)}" if another else ""
            yield Entry(row.released, "Claim", f"{who} has {name} no longer{by}", url)


def _requests(user: User, span: Span) -> Iterator[Entry]:
    mine = ObservationRequest.objects.visible_to(user)
    rows = StateChange.objects.filter(span.of("created"), request__in=mine)
    for row in rows.select_related("request__target", "request__event", "by").order_by("-created")[
        :MOST
    ]:
        request = row.request
        by = f", by {_name(row.by)}" if row.by else ""
        state = row.get_new_display().lower()
        words = f"{request.subject} at {request.facility}: {state}{by}"
        yield Entry(row.created, "Request", words, reverse("request", args=[request.pk]))


def _reports(user: User, span: Span) -> Iterator[Entry]:
    rows = Report.objects.visible_to(user).filter(span.of("sent_at"))
    for row in rows.select_related("event", "confirmed_by").order_by("-sent_at")[:MOST]:
        words = f"{_name(row.confirmed_by)} reported candidates of {row.event} to {row.topic}"
        if row.sent_at is not None:
            yield Entry(row.sent_at, "Report", words, reverse("report", args=[row.pk]))


def _settings(user: User, span: Span) -> Iterator[Entry]:
    mine = Strategy.objects.visible_to(user)
    rows = StrategyVersion.objects.filter(span.of("created"), strategy__in=mine)
    # What an installation begins with nobody made.
    chosen = rows.exclude(number=1, by=None).select_related("strategy", "by")
    for row in chosen.order_by("-created")[:MOST]:
        what = "made the list" if row.number == 1 else "changed the settings of"
        why = f": {row.note}" if row.note else ""
        words = f"{_name(row.by)} {what} {row.strategy}{why}"
        yield Entry(
            row.created, "Settings", words, reverse("list_versions", args=[row.strategy_id])
        )


def _shifts(user: User, span: Span) -> Iterator[Entry]:
    rows = Shift.objects.visible_to(user).standing().filter(span.of("start") | span.of("end"))
    for row in rows.select_related("person", "taken_from__person")[: 2 * MOST]:
        url, who = reverse("shift", args=[row.pk]), row.person.get_username()
        if span.start <= row.start < span.end:
            before = f", taken over from {row.taken_from.person}" if row.taken_from else ""
            yield Entry(row.start, "Shift", f"{who}'s shift began{before}", url)
        if span.start <= row.end < span.end:
            yield Entry(row.end, "Shift", f"{who}'s shift ended", url)


def _name(person: object) -> str:
    return str(person) if person is not None else "somebody"


def _event(alarm: Alarm) -> str:
    return reverse("event", args=[alarm.event.event_id]) if alarm.event else ""


def _target(pk: int) -> str:
    return reverse("targets:detail", args=[pk])
