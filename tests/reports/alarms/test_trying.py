"""A rule tried on past events says what it would have done live."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_event, make_localization, make_message
from tests.reports.alarms.conftest import make_rule
from tom.events.chain import renumber
from tom.events.models import EventLocalization, EventSequence, NonLocalizedEvent
from tom.reports.alarms import trying
from tom.reports.alarms.alarms import raise_alarm
from tom.reports.alarms.models import Alarm
from tom.reports.alarms.rules import AlarmRule
from tom.reports.alarms.trying import Trial, try_rule
from tom.streams.models import AlertMessage

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MERGER = {"significant": True, "far": 1e-12, "properties": {"HasNS": 1.0}}


@pytest.fixture(autouse=True)
def settled(settings: Settings) -> None:
    settings.ALARM_HOURS = 24


def past_event(event_id: str = "", *, days: float = 3, **fields: object) -> NonLocalizedEvent:
    """An event without messages; `hear` brings them, from so many days ago on."""
    event = make_event(event_id, alert_types=(), localized=False, **fields)
    event.start = timezone.now() - days * DAY
    return event


def hear(
    event: NonLocalizedEvent,
    alert_type: str = "PRELIMINARY",
    *,
    after: timedelta = timedelta(0),
    late: timedelta = timedelta(0),
    sigma_deg: float | None = None,
    **said: object,
) -> None:
    """A message of an event, and what the live code does about it."""
    time: datetime = event.start + after
    message = make_message()
    AlertMessage.objects.filter(pk=message.pk).update(received=time + late)
    use = None
    if sigma_deg is not None:
        use = EventLocalization.objects.create(
            event=event,
            localization=make_localization(sigma_deg=sigma_deg),
            product="skymap",
            time=time,
        )
    EventSequence.objects.create(
        event=event,
        alert_type=alert_type,
        time_created=time,
        message=message,
        localization=use,
        details={"event": said},
    )
    renumber(event)


def try_it(rule: AlarmRule, *, days: int = 30, **values: float) -> Trial:
    return try_rule(rule, days=days, now=timezone.now(), **values)


def called(trial: Trial) -> list[tuple[str, str]]:
    return [(call.event.event_id, call.alert_type) for call in trial.calls]


def test_an_event_calls_at_the_first_message_that_meets_the_rule() -> None:
    event = past_event("S1")
    hear(event, significant=False)
    hear(event, "INITIAL", after=timedelta(hours=1), **MERGER)
    hear(event, "UPDATE", after=timedelta(hours=2), **MERGER)

    trial = try_it(make_rule(has_ns=0.5))

    assert called(trial) == [("S1", "INITIAL")]
    assert trial.calls[0].at == event.start + timedelta(hours=1)
    assert (trial.n_events, trial.is_cut) == (1, False)


def test_what_an_event_says_now_is_not_what_it_said_then() -> None:
    event = past_event("S1")
    hear(event, significant=True)
    hear(event, "UPDATE", after=timedelta(hours=1), significant=False)

    assert called(try_it(make_rule())) == [("S1", "PRELIMINARY")]
    assert called(try_it(make_rule("near", has_ns=0.5))) == []


def test_the_map_of_that_time_is_judged() -> None:
    event = past_event("S1")
    hear(event, sigma_deg=9.0, **MERGER)
    hear(event, "UPDATE", after=timedelta(hours=1), sigma_deg=3.0, **MERGER)
    areas = EventLocalization.objects.values_list("localization__area_90", flat=True)
    between = sum(areas) / 2

    assert called(try_it(make_rule(area_deg2=between))) == [("S1", "UPDATE")]


@pytest.mark.parametrize("reason", ["a test", "an old message", "a retraction", "another group"])
def test_what_calls_nobody_live_calls_nobody_in_a_trial(reason: str) -> None:
    fields = {"test_reasons": ["a sign"]} if reason == "a test" else {}
    event = past_event("S1", **fields)
    late = timedelta(hours=25 if reason == "an old message" else 0)
    group = {"group": "Burst"} if reason == "another group" else {"group": "CBC"}
    kind = "RETRACTION" if reason == "a retraction" else "INITIAL"
    hear(event, kind, late=late, **MERGER, **group)

    assert called(try_it(make_rule(sources=["cbc"]))) == []


@pytest.mark.parametrize("has_ns", [None, 0.0, 0.5, 0.9])
@pytest.mark.parametrize("area_deg2", [None, 50.0, 500.0, 5000.0])
def test_a_trial_says_what_was_raised_live(
    has_ns: float | None, area_deg2: float | None, settings: Settings
) -> None:
    rule = make_rule(has_ns=has_ns, area_deg2=area_deg2)
    messages: list[Callable[[NonLocalizedEvent], None]] = [
        lambda event: hear(event, significant=True, properties={"HasNS": 0.2}),
        lambda event: hear(event, "INITIAL", after=DAY / 24, sigma_deg=9.0, significant=True),
        lambda event: hear(event, "UPDATE", after=DAY / 12, sigma_deg=3.0, **MERGER),
        lambda event: hear(event, "UPDATE", after=DAY / 8, sigma_deg=1.0, significant=False),
    ]
    settings.ALARM_HOURS = 24 * 9
    raised = []
    for number in range(1, len(messages) + 1):
        event = past_event(f"S{number}")
        for message in messages[:number]:
            message(event)
            raise_alarm(event)
        raised += [event.event_id] * Alarm.objects.filter(event=event, rule=rule).count()
    settings.ALARM_HOURS = 24

    assert sorted(name for name, _ in called(try_it(rule))) == raised


def test_only_what_came_in_the_time_that_was_asked_counts_and_how_many_a_week() -> None:
    for number, days in enumerate((40, 20, 13, 1)):
        hear(past_event(f"S{number}", days=days), **MERGER)

    trial = try_it(make_rule(), days=14)

    assert [name for name, _ in called(trial)] == ["S3", "S2"]
    assert trial.per_week == pytest.approx(1.0)
    assert try_it(make_rule("all"), days=90).per_week == pytest.approx(4 * 7 / 40, rel=1e-3)


def test_an_event_that_called_before_that_time_calls_no_second_time() -> None:
    event = past_event("S1", days=40)
    hear(event, **MERGER)
    hear(event, "UPDATE", after=30 * DAY, **MERGER)

    assert called(try_it(make_rule(), days=30)) == []


def test_a_call_in_quiet_hours_says_so() -> None:
    event = past_event("S1")
    hear(event, **MERGER)
    quiet = {"quiet_from": event.start.time(), "quiet_to": (event.start + DAY / 2).time()}

    assert try_it(make_rule(**quiet)).n_quiet == 1
    assert try_it(make_rule("loud")).n_quiet == 0


def test_a_trial_ends_in_time_and_says_that_there_was_more(monkeypatch) -> None:
    monkeypatch.setattr(trying, "_AT_ONCE", 2)
    for number in range(5):
        hear(past_event(f"S{number}", days=10 - number), **MERGER)

    trial = try_it(make_rule(), seconds=0)

    assert (trial.n_events, trial.is_cut, len(trial.calls)) == (2, True, 2)
    assert trial.per_week == pytest.approx(2 * 7 / 7, rel=1e-3)
    monkeypatch.setattr(trying, "MOST_EVENTS", 3)
    assert (try_it(make_rule("more")).n_events, try_it(make_rule("most")).is_cut) == (3, True)


def test_fifty_events_cost_as_many_queries_as_one() -> None:
    counts = []
    for numbers in (range(1), range(1, 8)):
        for number in numbers:
            hear(past_event(f"S{number}"), sigma_deg=5.0, **MERGER)
        with CaptureQueriesContext(connection) as asked:
            try_it(AlarmRule(sources=["cbc"]))
        counts.append(len(asked))

    assert counts == [5, 5]
