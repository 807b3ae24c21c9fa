"""Try a rule on past events: for which of them it would have called, and at which message.

Each event's chain is replayed in the order in which its messages came. After each message the event
is described by the code of the chain, and judged by the code that decides live.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from time import monotonic
from typing import Any, Final

from django.db.models import Max

from tom.events.chain import in_order, maps_told, ruling_of, say_newest
from tom.events.localizations import choose_localization
from tom.events.models import EventLocalization, EventSequence, NonLocalizedEvent
from tom.reports.alarms.matching import Facts, facts_of, is_old, rules_met
from tom.reports.alarms.rules import AlarmRule
from tom.streams.models import AlertMessage

MOST_EVENTS: Final = 500
MOST_SECONDS: Final = 3.0
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Call:
    """A rule would have called for an event when a message of this type came."""

    event: NonLocalizedEvent
    at: datetime
    alert_type: str
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """For which events a rule would have called since `since`, the newest first.

    `n_events` were looked at. There were more if `is_cut`; `since` is then the time back to which
    all were looked at.
    """

    calls: Sequence[Call]
    n_events: int
    since: datetime
    until: datetime
    is_cut: bool

    @property
    def per_week(self) -> float:
        """How many calls a week; of a shorter time, as many as if it had been a day."""
        days = max((self.until - self.since) / timedelta(days=1), 1.0)
        return len(self.calls) * 7 / days

    @property
    def n_quiet(self) -> int:
        return sum(call.is_quiet for call in self.calls)


def try_rule(rule: AlarmRule, *, days: int, now: datetime, seconds: float = MOST_SECONDS) -> Trial:
    """Return for which events of the last days a rule would have called; it is not stored.

    It looks at the newest events first, at no more than MOST_EVENTS, and begins with no other ones
    after `seconds`. A test event calls nobody. A person's acts, such as a map that is pinned, are
    left out.
    """
    since = max(now - timedelta(days=days), _first_heard(now))
    events = _events_since(since)
    end, calls, looked = monotonic() + seconds, [], 0
    for start in range(0, min(len(events), MOST_EVENTS), _AT_ONCE):
        if start and monotonic() > end:
            break
        chunk = events[start : min(start + _AT_ONCE, MOST_EVENTS)]
        calls += _calls_for(rule, chunk, since=since)
        looked += len(chunk)
    is_cut = looked < len(events)
    if is_cut:
        since = events[looked - 1].heard  # type: ignore[attr-defined]  # annotated
        calls = [call for call in calls if call.at >= since]
    calls.sort(key=lambda call: call.at, reverse=True)
    return Trial(calls, looked, since, now, is_cut)


def _first_heard(now: datetime) -> datetime:
    """Return when the first message came that is kept here."""
    first = AlertMessage.objects.order_by("pk").values_list("received", flat=True).first()
    return first or now


def _events_since(since: datetime) -> list[NonLocalizedEvent]:
    """Return the events of which something came, by their newest message, and one more than most.

    Each has the time of that message as `heard`.
    """
    rows = NonLocalizedEvent.objects.filter(test_reasons=[])
    heard = rows.annotate(heard=Max("sequences__message__received")).filter(heard__gte=since)
    return list(heard.order_by("-heard", "-pk")[: MOST_EVENTS + 1])


def _calls_for(
    rule: AlarmRule, events: Sequence[NonLocalizedEvent], *, since: datetime
) -> list[Call]:
    """Judge some events, with three queries for all of them."""
    rows = EventSequence.objects.filter(event__in=events).order_by(
        "event_id", "message__received", "pk"
    )
    chains = {
        pk: list(chain)
        for pk, chain in groupby(
            rows.select_related("message").defer("details", "message__payload"),
            key=lambda row: row.event_id,
        )
    }
    told: dict[int, Any] = dict(rows.order_by().values_list("pk", "details__event"))
    uses = EventLocalization.objects.filter(event__in=events).order_by("event_id")
    maps = {
        pk: list(each)
        for pk, each in groupby(
            uses.select_related("localization").defer(
                "localization__fits", "localization__packed", "localization__contours"
            ),
            key=lambda use: use.event_id,
        )
    }
    found = (
        _first_call(rule, event, chains.get(event.pk, []), told, maps.get(event.pk, []))
        for event in events
    )
    return [call for call in found if call is not None and call.at >= since]


def _first_call(
    rule: AlarmRule,
    event: NonLocalizedEvent,
    received: Sequence[EventSequence],
    told: Mapping[int, Any],
    uses: Sequence[EventLocalization],
) -> Call | None:
    for newest, past, facts in _history(event, received, told, uses):
        at = newest.message.received
        if past.retracted or is_old(past, now=at) or not rules_met(facts, [rule]):
            continue
        return Call(event, at, newest.alert_type, rule.quiet_until(at) is not None)
    return None


def _history(
    event: NonLocalizedEvent,
    received: Sequence[EventSequence],
    told: Mapping[int, Any],
    uses: Sequence[EventLocalization],
) -> Iterator[tuple[EventSequence, NonLocalizedEvent, Facts]]:
    """Yield, after each message that came, that message, the event, and what was known of it."""
    past = copy(event)
    past.pinned = None
    for number, newest in enumerate(received, 1):
        chain = in_order(received[:number])
        ruling = ruling_of(chain)
        say_newest(past, ruling, told)
        known = maps_told(uses, ruling)
        for use in uses:
            use.set_aside = use.pk not in known
        chosen = choose_localization(past, uses)
        groups = [(told[row.pk] or {}).get("group") for row in chain]
        yield newest, past, facts_of(past, groups, chosen.localization if chosen else None)
