"""Whom a rule calls, who is called next, and who never is: each route of an alarm."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from tests.factories import make_event, make_observer, make_user
from tests.peers.smtp import MailSink
from tests.peers.webhook import Webhook
from tests.reports.alarms.conftest import (
    KEY,
    later,
    make_contact,
    make_rule,
    make_shift,
    make_step,
)
from tom.changes.models import Change, Topic
from tom.events.models import NonLocalizedEvent
from tom.reports.alarms.alarms import (
    acknowledge_alarm,
    due_alarms,
    raise_alarm,
    send_alarm,
    try_contact,
)
from tom.reports.alarms.contacts import Channel, Contact
from tom.reports.alarms.models import Alarm, AlarmCause, AlarmSend, SendState
from tom.reports.alarms.rules import AlarmRule

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def news(settings) -> None:
    """The factories' event, some days old, is news here."""
    settings.ALARM_HOURS = 24 * 30


def raise_of(event: NonLocalizedEvent) -> Alarm:
    alarm = raise_alarm(event)
    assert alarm is not None
    return alarm


def send(alarm: Alarm, **delta: float) -> None:
    """What the sweep does after so long, on a fresh row."""
    rows = Alarm.objects.select_related("event", "rule")
    send_alarm(rows.get(pk=alarm.pk), now=later(**delta))


def called(mails: MailSink) -> list[str]:
    return [address for recipients, _ in mails.mails for address in recipients]


# --- Whom ---------------------------------------------------------------------------------------
def test_whoever_is_on_shift_then_is_called_by_each_of_their_contacts(
    mails: MailSink, gateway: Webhook, hook: Webhook
) -> None:
    on, off = make_observer("on"), make_observer("off")
    make_shift(on)
    make_shift(off, hours=(1, 5))
    make_contact(on)
    make_contact(on, Channel.SMS, "+33612345678")
    make_contact(on, Channel.WEBHOOK, hook.url)
    make_contact(off)
    make_step(make_rule("near merger"), on_shift=True)

    alarm = raise_of(make_event("S261120a"))
    send(alarm)

    assert alarm.title == "S261120a: near merger"
    assert called(mails) == ["on@example.org"]
    assert gateway.posts[0]["to"] == "+33612345678"
    assert gateway.posts[0]["message"].startswith("S261120a: near merger\nUPDATE of")
    assert gateway.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert hook.posts[0]["text"].startswith("*S261120a: near merger*")
    assert set(alarm.sends.values_list("state", flat=True)) == {SendState.SENT}


def test_named_people_and_contacts_of_the_team_are_called(mails: MailSink) -> None:
    ada = make_observer("ada")
    make_contact(ada)
    make_step(make_rule(), ada, make_contact(None))

    send(raise_of(make_event()))

    assert sorted(called(mails)) == ["ada@example.org", "team@example.org"]


def test_nobody_is_called_who_is_switched_off_or_by_a_channel_that_is_not_chosen(
    mails: MailSink,
) -> None:
    ada, bob = make_observer("ada"), make_observer("bob")
    make_contact(ada)
    make_contact(bob)
    step = make_step(make_rule(), ada, bob)
    ada.is_active = False
    ada.save()
    step.channels = [Channel.SMS]
    step.save()

    send(raise_of(make_event()))

    assert called(mails) == []


def test_whoever_is_switched_off_and_a_contact_that_is_removed_are_no_reason_to_wait(
    mails: MailSink,
) -> None:
    ada, bob = make_observer("ada"), make_observer("bob")
    make_contact(ada)
    gone = make_contact(None, name="gone")
    make_contact(bob)
    rule = make_rule()
    make_step(rule, ada, gone)
    make_step(rule, bob, after=30)
    ada.is_active = False
    ada.save()
    Contact.objects.filter(pk=gone.pk).update(removed=timezone.now())

    send(raise_of(make_event()))

    assert called(mails) == ["bob@example.org"]


def test_a_contact_is_called_once_a_step_however_it_is_named(mails: MailSink) -> None:
    ada = make_observer("ada")
    make_shift(ada)
    make_contact(ada)
    make_step(make_rule(), ada, on_shift=True)
    alarm = raise_of(make_event())

    for _ in range(3):
        send(alarm)

    assert called(mails) == ["ada@example.org"]


def test_the_link_to_the_event_is_in_what_is_sent(settings, mails: MailSink) -> None:
    settings.SITE_URL = "https://tom.example.org"
    make_step(make_rule(), make_contact(None))

    send(raise_of(make_event("S261120a")))

    assert "https://tom.example.org/events/S261120a/" in mails.mails[0][1].get_payload()


# --- Who next -----------------------------------------------------------------------------------
@pytest.fixture
def three(mails: MailSink) -> Alarm:
    """An alarm of a rule that calls three people, one every ten minutes."""
    rule = make_rule()
    for number, name in enumerate(("ada", "bob", "cyd")):
        person = make_observer(name)
        make_contact(person)
        make_step(rule, person, after=10 * number)
    return raise_of(make_event())


def test_the_next_person_is_called_when_nobody_answers(three: Alarm, mails: MailSink) -> None:
    now = timezone.now()
    for minutes in (0, 5, 9):
        send(three, minutes=minutes)
    assert called(mails) == ["ada@example.org"]
    assert not due_alarms(now + timedelta(minutes=9)).exists()

    assert list(due_alarms(now + timedelta(minutes=20))) == [three]
    for minutes in (11, 12, 22):
        send(three, minutes=minutes)
    assert called(mails)[2:] == ["cyd@example.org"]
    for minutes in (60, 600):
        send(three, minutes=minutes)

    assert called(mails) == ["ada@example.org", "bob@example.org", "cyd@example.org"]
    assert not due_alarms(later(days=2)).exists()


def test_the_first_step_waits_its_minutes(mails: MailSink) -> None:
    make_step(make_rule(), make_contact(None), after=5)
    alarm = raise_of(make_event())

    send(alarm, minutes=4)
    assert called(mails) == []
    send(alarm, minutes=6)

    assert called(mails) == ["team@example.org"]


def test_pages_hear_of_a_step_that_reaches_nobody(mails: MailSink) -> None:
    make_step(make_rule(), on_shift=True)
    alarm = raise_of(make_event())
    told = Change.objects.filter(topic=Topic.EVENT, key=str(alarm.event))
    before = told.count()

    send(alarm)

    assert told.count() == before + 1


def test_nobody_else_is_called_once_somebody_answered(three: Alarm, mails: MailSink) -> None:
    send(three)

    acknowledge_alarm(three, make_user())
    assert not due_alarms(later(days=2)).exists()
    for minutes in (11, 22, 60):
        send(three, minutes=minutes)

    assert called(mails) == ["ada@example.org"]
    assert not due_alarms(later(days=2)).exists()


def test_an_answer_takes_back_what_could_not_be_sent_yet(three: Alarm, mails: MailSink) -> None:
    mails.refuse_with = "450 later"
    send(three)
    acknowledge_alarm(three, make_user())
    mails.refuse_with = ""

    send(three, minutes=5)

    assert called(mails) == []
    assert three.sends.get().reason == "somebody had answered"


def test_an_answer_counts_for_all_alarms_of_the_event(mails: MailSink) -> None:
    event = make_event()
    for name in ("one", "two"):
        make_step(make_rule(name), make_contact(None, name=name))
    alarm = raise_of(event)
    assert Alarm.objects.unacknowledged().count() == 2

    acknowledge_alarm(alarm, make_user())

    assert not Alarm.objects.unacknowledged().exists()


def test_a_step_that_reaches_nobody_does_not_wait(mails: MailSink) -> None:
    rule, ada = make_rule(), make_observer("ada")
    make_contact(ada)
    make_step(rule, on_shift=True)
    make_step(rule, ada, after=30)

    send(raise_of(make_event()))

    assert called(mails) == ["ada@example.org"]


def test_a_rule_that_reaches_nobody_is_an_alarm_on_the_screen(mails: MailSink) -> None:
    make_step(make_rule(), on_shift=True)
    alarm = raise_of(make_event())

    send(alarm)

    assert list(Alarm.objects.unacknowledged()) == [alarm]
    assert alarm.outcome == "none"
    assert not due_alarms(later(days=2)).exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_call_a_step_once(mails: MailSink) -> None:
    make_step(make_rule(), make_contact(None))
    alarm = raise_of(make_event())

    def work(_: int) -> None:
        send(alarm)
        connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert called(mails) == ["team@example.org"]


# --- What raises one, and when ------------------------------------------------------------------
def test_a_rule_raises_one_alarm_an_event_whatever_comes(mails: MailSink) -> None:
    make_step(make_rule(), make_contact(None))
    event = make_event()
    send(raise_of(event))

    assert raise_alarm(event) is None
    assert called(mails) == ["team@example.org"]


def test_a_past_event_that_is_sent_again_raises_no_alarm_by_a_rule(settings) -> None:
    settings.ALARM_HOURS = 24
    make_step(make_rule(), make_contact(None))

    assert raise_alarm(make_event(time_created=later(hours=-25))) is None
    assert raise_alarm(make_event(time_created=later(hours=-23))) is not None


def test_a_later_message_may_meet_another_rule(mails: MailSink) -> None:
    make_step(make_rule("any"), make_contact(None, name="a", address="a@example.org"))
    make_step(make_rule("near", distance_mpc=50.0), make_contact(None, address="n@example.org"))
    event = make_event(localized=False)
    send(raise_of(event))
    assert called(mails) == ["a@example.org"]

    event.used = make_event().used
    send(raise_of(event))

    assert called(mails) == ["a@example.org", "n@example.org"]


def test_a_significant_event_that_meets_no_rule_is_still_an_alarm_of_the_settings() -> None:
    make_step(make_rule(sources=["frb"]), make_contact(None))

    alarm = raise_of(make_event())

    assert alarm.rule is None


def test_in_quiet_hours_an_alarm_waits_for_their_end_unless_somebody_answers(
    mails: MailSink,
) -> None:
    now = timezone.now()
    quiet = {
        "quiet_from": (now - timedelta(hours=1)).time().replace(second=0, microsecond=0),
        "quiet_to": (now + timedelta(hours=2)).time().replace(second=0, microsecond=0),
    }
    make_step(make_rule(**quiet), make_contact(None))
    alarm = raise_of(make_event())

    send(alarm)
    send(alarm, minutes=30)
    assert called(mails) == []
    assert not due_alarms(later(minutes=30)).exists()
    assert list(Alarm.objects.unacknowledged()) == [alarm]  # it is on the screen

    assert list(due_alarms(later(hours=3))) == [alarm]
    send(alarm, hours=3)
    assert called(mails) == ["team@example.org"]


def test_quiet_hours_of_an_answered_alarm_end_in_quiet(mails: MailSink) -> None:
    clock = timezone.now().time().replace(microsecond=0)
    end = time((clock.hour + 2) % 24)
    make_step(make_rule(quiet_from=time(clock.hour), quiet_to=end), make_contact(None))
    alarm = raise_of(make_event())
    send(alarm)

    acknowledge_alarm(alarm, make_user())
    send(alarm, hours=3)

    assert called(mails) == []


# --- A retraction -------------------------------------------------------------------------------
def retract(event: NonLocalizedEvent) -> Alarm:
    event.retracted = True
    event.save()
    return raise_of(event)


def test_a_retraction_tells_whom_the_alarm_reached_and_nobody_else(
    three: Alarm, mails: MailSink
) -> None:
    send(three)

    retraction = retract(three.event)
    send(retraction)
    for minutes in (11, 22):
        send(three, minutes=minutes)

    assert called(mails) == ["ada@example.org"] * 2
    assert mails.mails[1][1]["Subject"] == f"{three.event} is retracted"


def test_a_retraction_is_told_once(three: Alarm, mails: MailSink) -> None:
    send(three)
    send(retract(three.event))

    assert raise_alarm(three.event) is None
    assert called(mails) == ["ada@example.org"] * 2


def test_whoever_answered_is_told_of_the_retraction(three: Alarm, mails: MailSink) -> None:
    send(three)
    dan = make_observer("dan")
    make_contact(dan)
    acknowledge_alarm(three, dan)

    send(retract(three.event))

    assert sorted(called(mails)[1:]) == ["ada@example.org", "dan@example.org"]


def test_a_retraction_is_told_to_all_even_if_somebody_answers_it_at_once(
    three: Alarm, mails: MailSink
) -> None:
    send(three)
    retraction = retract(three.event)

    acknowledge_alarm(retraction, make_user())
    send(retraction)

    assert called(mails) == ["ada@example.org"] * 2


@pytest.mark.parametrize("why", ["the alarm failed there", "the contact was removed"])
def test_a_retraction_is_not_told_where_no_alarm_came_or_nobody_is(
    three: Alarm, mails: MailSink, why: str
) -> None:
    send(three)
    if why == "the alarm failed there":
        three.sends.update(state=SendState.FAILED)
    else:
        Contact.objects.update(removed=timezone.now())

    assert not retract(three.event).sends.exists()


def test_a_retraction_before_anybody_was_called_calls_nobody(three: Alarm, mails: MailSink) -> None:
    retraction = retract(three.event)

    send(three)
    send(retraction)

    assert called(mails) == []


def test_what_could_not_be_sent_before_a_retraction_is_not_sent_after_it(
    three: Alarm, mails: MailSink
) -> None:
    mails.refuse_with = "450 later"
    send(three)
    retract(three.event)
    mails.refuse_with = ""

    send(three, minutes=5)

    assert called(mails) == []
    assert three.sends.get().reason == "the event was retracted"


def test_a_retraction_that_was_set_aside_before_it_could_be_told_is_not_told(
    three: Alarm, mails: MailSink
) -> None:
    send(three)
    mails.refuse_with = "450 later"
    retraction = retract(three.event)
    send(retraction)
    NonLocalizedEvent.objects.update(retracted=False)
    mails.refuse_with = ""

    send(Alarm.objects.get(pk=retraction.pk), minutes=5)

    assert called(mails) == ["ada@example.org"]
    assert retraction.sends.get().reason == "the event is not retracted any more"


def test_a_retraction_is_told_of_an_event_whose_kind_the_settings_leave_out(
    settings, three: Alarm, mails: MailSink
) -> None:
    settings.ALARM_KINDS = ["grb"]
    send(three)

    send(retract(three.event))

    assert called(mails) == ["ada@example.org"] * 2


# --- A test event, on each route ----------------------------------------------------------------
@pytest.fixture
def routes(settings, mails: MailSink, hook: Webhook, gateway: Webhook) -> Callable[[], int]:
    """Every way out of an alarm is open: what was sent, by any of them."""
    settings.ALARM_EMAILS, settings.ALARM_WEBHOOK = ["settings@example.org"], hook.url
    rule = make_rule()
    make_step(
        rule,
        make_contact(None, address="team@example.org"),
        make_contact(None, Channel.WEBHOOK, hook.url),
        make_contact(None, Channel.SMS, "+33612345678"),
    )
    make_step(rule, make_contact(None, name="second", address="second@example.org"), after=5)
    return lambda: len(mails.mails) + len(hook.posts) + len(gateway.posts)


def work_all(**delta: float) -> None:
    for alarm in Alarm.objects.all():
        send(alarm, **delta)


def test_the_routes_are_open_to_a_live_event(routes) -> None:
    raise_of(make_event())

    work_all()

    assert routes() == 5  # e-mail, webhook, SMS; and the e-mail and the webhook of the settings


def test_a_test_event_raises_no_alarm_on_any_route(routes) -> None:
    assert raise_alarm(make_event(test_reasons=["its id says so"])) is None

    work_all(minutes=10)

    assert Alarm.objects.count() == routes() == 0


def test_an_event_that_turns_out_to_be_a_test_is_sent_on_no_route(routes) -> None:
    event = make_event()
    raise_of(event)
    NonLocalizedEvent.objects.update(test_reasons=["its id says so"])

    work_all()
    work_all(minutes=10)

    assert routes() == 0
    assert set(AlarmSend.objects.values_list("reason", flat=True)) == {"the event is a test"}


def test_an_event_that_turns_out_to_be_a_test_calls_no_next_step(routes) -> None:
    raise_of(make_event())
    work_all()
    NonLocalizedEvent.objects.update(test_reasons=["its id says so"])

    work_all(minutes=10)

    assert routes() == 5


def test_the_retraction_of_a_test_event_is_told_on_no_route(routes) -> None:
    raise_of(make_event())
    work_all()
    NonLocalizedEvent.objects.update(test_reasons=["its id says so"], retracted=True)

    assert raise_alarm(NonLocalizedEvent.objects.get()) is None
    work_all(minutes=10)

    assert routes() == 5


def test_a_test_event_that_waits_for_the_end_of_quiet_hours_is_sent_on_no_route(routes) -> None:
    clock = timezone.now().time()
    AlarmRule.objects.update(quiet_from=time(clock.hour), quiet_to=time((clock.hour + 2) % 24))
    raise_of(make_event())
    Alarm.objects.filter(rule=None).delete()
    work_all()
    NonLocalizedEvent.objects.update(test_reasons=["its id says so"])

    work_all(hours=4)

    assert routes() == 0


def test_what_somebody_who_is_gone_was_to_get_goes_to_nobody_else(routes) -> None:
    ada = make_observer("ada")
    alarm = try_contact(make_contact(ada), by=ada)
    ada.delete()

    send(alarm)

    assert routes() == 0
    assert alarm.sends.get().reason == "the contact was removed"


# --- A test of a contact ------------------------------------------------------------------------
def test_a_test_alarm_reaches_one_contact_and_stands_on_no_screen(mails: MailSink) -> None:
    make_contact(None, name="other", address="other@example.org")
    alarm = try_contact(make_contact(None), by=make_observer("ada"))

    assert Change.objects.filter(topic=Topic.ALARM, key=str(alarm.pk)).exists()
    assert list(due_alarms(later(seconds=1))) == [alarm]
    send(alarm)

    assert called(mails) == ["team@example.org"]
    assert "ada tests whether alarms arrive" in mails.mails[0][1].get_payload()
    assert alarm.cause == AlarmCause.TRIAL
    assert not Alarm.objects.unacknowledged().exists()


def test_what_a_removed_contact_was_to_get_is_not_sent(mails: MailSink) -> None:
    contact = make_contact(None)
    alarm = try_contact(contact, by=make_observer())
    Contact.objects.update(removed=timezone.now())

    send(alarm)

    assert called(mails) == []
    assert alarm.sends.get().state == SendState.FAILED
