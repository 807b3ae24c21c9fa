"""What an alarm says of an event, and when an event calls for one."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.factories import make_event, make_user
from tom.changes.models import Change
from tom.events.models import NonLocalizedEvent
from tom.reports.alarms.alarms import _cause, acknowledge_alarm, raise_alarm
from tom.reports.alarms.channels import _plain
from tom.reports.alarms.contacts import Channel
from tom.reports.alarms.matching import SIGNIFICANT_FAR_HZ
from tom.reports.alarms.models import Alarm, AlarmCause, AlarmSend
from tom.reports.alarms.words import body_of, title_of, years

YEAR_S = 31_557_600


def event_of(**fields: object) -> NonLocalizedEvent:
    return NonLocalizedEvent(
        **{"event_id": "S1", "kind": "gw", "significant": True, "time_created": timezone.now()}
        | fields
    )


@pytest.fixture(autouse=True)
def told_kinds(settings: Settings) -> None:
    settings.ALARM_HOURS = 24
    settings.ALARM_KINDS = ["gw", "grb"]
    settings.ALARM_EMAILS, settings.ALARM_WEBHOOK = [], ""


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({}, AlarmCause.SIGNIFICANT),
        ({"significant": False, "far": 0.0}, None),
        ({"significant": None, "far": None}, None),
        ({"significant": None, "far": SIGNIFICANT_FAR_HZ}, AlarmCause.SIGNIFICANT),
        ({"significant": None, "far": SIGNIFICANT_FAR_HZ * 1.01}, None),
        ({"significant": None, "far": 0.0}, AlarmCause.SIGNIFICANT),
        ({"retracted": True}, AlarmCause.RETRACTION),
        ({"retracted": True, "significant": False}, AlarmCause.RETRACTION),
        ({"test_reasons": ["a sign"]}, None),
        ({"test_reasons": ["a sign"], "retracted": True}, None),
        ({"kind": "neutrino"}, None),
        ({"kind": "grb"}, AlarmCause.SIGNIFICANT),
        ({"time_created": None}, AlarmCause.SIGNIFICANT),
    ],
)
def test_an_event_calls_for_an_alarm_where_somebody_must_wake(
    fields: dict[str, object], cause: AlarmCause | None
) -> None:
    assert _cause(event_of(**fields)) is cause


@pytest.mark.parametrize(("hours", "calls"), [(23.9, True), (24.1, False), (-1.0, True)])
def test_news_alone_wakes_anybody(hours: float, *, calls: bool) -> None:
    event = event_of(time_created=timezone.now() - timedelta(hours=hours))

    assert (_cause(event) is not None) is calls


@pytest.mark.parametrize(
    ("far", "said"),
    [
        (1 / YEAR_S, "1 years"),
        (1 / (1234.5 * YEAR_S), "1.23e+03 years"),
        (12 / YEAR_S, "30.4 days"),
        (SIGNIFICANT_FAR_HZ, "30 days"),
        (1 / 86_400, "1 days"),
    ],
)
def test_a_rate_is_told_as_the_time_between_two(far: float, said: str) -> None:
    assert years(far) == said


@given(st.floats(1e-30, 1e3))
def test_any_rate_can_be_told(far: float) -> None:
    number, unit = years(far).split()

    seconds = float(number) * {"years": YEAR_S, "days": 86_400}[unit]
    assert seconds == pytest.approx(1 / far, rel=0.006)


def test_the_body_says_what_the_chain_now_says_in_order_of_chance() -> None:
    event = event_of(
        alert_type="UPDATE",
        time_created=datetime(2026, 1, 1, 5, 5, tzinfo=UTC),
        time=datetime(2026, 1, 1, 5, 0, 0, 900_000, tzinfo=UTC),
        far=1 / (100 * YEAR_S),
        classification={"BBH": 0.05, "BNS": 0.8, "Terrestrial": 0.001, "NSBH": 0.149},
    )

    assert body_of(event).splitlines() == [
        "UPDATE of 2026-01-01 05:05:00 UTC",
        "Time of the event: 2026-01-01 05:00:00 UTC",
        "False alarms: one in 100 years",
        "BNS 80%, NSBH 15%, BBH 5%",
    ]


def test_no_class_is_told_as_certain() -> None:
    event = event_of(classification={"BBH": 0.9996, "Terrestrial": 0.0004})

    assert body_of(event).splitlines()[-1] == "BBH > 99%, Terrestrial < 1%"


def test_the_body_leaves_out_what_is_not_known() -> None:
    event = event_of(alert_type="RETRACTION", time_created=None)

    assert body_of(event) == "RETRACTION of unknown time"


def test_a_rate_of_nought_is_not_divided_by() -> None:
    assert "False alarms" not in body_of(event_of(far=0.0))


@pytest.mark.parametrize(
    ("kind", "title"),
    [("gw", "S1: significant gravitational wave"), ("grb", "S1: significant gamma-ray burst")],
)
def test_the_title_says_what_was_seen(kind: str, title: str) -> None:
    assert title_of(event_of(kind=kind), AlarmCause.SIGNIFICANT) == title
    assert title_of(event_of(kind=kind), AlarmCause.RETRACTION) == "S1 is retracted"


@given(st.text("<>&;altgmp", max_size=12))
def test_nothing_in_a_text_is_markup_of_a_chat(text: str) -> None:
    plain = _plain(text)

    assert not {"<", ">"} & set(plain)
    assert plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("emails", "webhook", "channels"),
    [
        ([], "", []),
        (["a@example.org"], "", [Channel.EMAIL]),
        ([], "https://example.org/x", [Channel.WEBHOOK]),
        (["a@example.org"], "https://example.org/x", [Channel.EMAIL, Channel.WEBHOOK]),
    ],
)
def test_an_alarm_goes_to_each_channel_that_is_set_and_is_due_at_once(
    settings: Settings, emails: list[str], webhook: str, channels: list[Channel]
) -> None:
    settings.ALARM_HOURS = 10**4
    settings.ALARM_EMAILS, settings.ALARM_WEBHOOK = emails, webhook

    alarm = raise_alarm(make_event())

    assert alarm is not None
    sends = AlarmSend.objects.filter(alarm=alarm).order_by("pk")
    assert [each.channel for each in sends] == channels
    assert all(each.due_at is not None and each.due_at <= timezone.now() for each in sends)


@pytest.mark.django_db
def test_pages_are_told_of_an_alarm_and_of_its_answer_once(settings: Settings) -> None:
    settings.ALARM_HOURS = 10**4
    event = make_event()

    alarm = raise_alarm(event)
    assert alarm is not None
    assert raise_alarm(event) is None
    told = Change.objects.filter(key=event.event_id)
    assert told.count() == 1

    first, second = make_user(), make_user()
    assert acknowledge_alarm(alarm, first)
    assert not acknowledge_alarm(alarm, second)
    assert Alarm.objects.get().acknowledged_by == first
    assert told.count() == 2
