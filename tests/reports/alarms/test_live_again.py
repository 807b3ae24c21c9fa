"""An event that was retracted and is live again: who hears it, and whose call goes on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_event, make_lead, make_observer, make_user
from tests.peers.smtp import MailSink
from tests.peers.webhook import Webhook
from tests.reports.alarms.conftest import later, make_contact, make_rule, make_step
from tests.reports.alarms.test_steps import called, raise_of, send, work_all
from tom.events.models import NonLocalizedEvent
from tom.reports.alarms.alarms import acknowledge_alarm, due_alarms, raise_alarm
from tom.reports.alarms.models import Alarm, AlarmSend, SendState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def news(settings) -> None:
    settings.ALARM_HOURS = 24 * 30


@pytest.fixture
def event(mails: MailSink) -> NonLocalizedEvent:
    """An event whose rule calls ada at once and bob ten minutes later."""
    rule = make_rule()
    for number, name in enumerate(("ada", "bob")):
        person = make_observer(name)
        make_contact(person)
        make_step(rule, person, after=10 * number)
    return make_event("S261120a")


def turn(event: NonLocalizedEvent, *, retracted: bool, **delta: float) -> None:
    """A message, or a person, retracts the event or ends that; then the sweep does what is due."""
    event.retracted = retracted
    event.save()
    raise_alarm(event)
    work_all(**delta)


def subjects(mails: MailSink) -> list[str]:
    return [f"{to[0].split('@')[0]}: {mail['Subject']}" for to, mail in mails.mails]


CALL = "S261120a: any merger"
OVER = "S261120a is retracted"
AGAIN = "S261120a is not retracted any more"


def test_whom_the_retraction_was_told_hears_its_end_and_the_next_is_called_in_time(
    event: NonLocalizedEvent, mails: MailSink
) -> None:
    send(raise_of(event))
    turn(event, retracted=True)
    work_all(minutes=11)
    assert not due_alarms(later(minutes=11)).exists()  # no sweep is woken for what is withheld

    for _ in range(2):
        turn(event, retracted=False)
    assert subjects(mails) == [f"ada: {CALL}", f"ada: {OVER}", f"ada: {AGAIN}"]
    for minutes in (11, 12, 30):
        work_all(minutes=minutes)

    assert subjects(mails)[3:] == [f"bob: {CALL}"]


def test_each_retraction_and_each_end_is_told_once(
    settings, event: NonLocalizedEvent, mails: MailSink, hook: Webhook
) -> None:
    settings.ALARM_WEBHOOK = hook.url
    raise_of(event)
    work_all()
    for retracted in (True, True, False, False, True, False):
        turn(event, retracted=retracted)

    assert subjects(mails) == [f"ada: {told}" for told in (CALL, OVER, AGAIN, OVER, AGAIN)]
    assert len(hook.posts) == 5


def test_a_first_call_that_was_withheld_goes_out_and_is_no_news_twice(
    event: NonLocalizedEvent, mails: MailSink
) -> None:
    mails.refuse_with = "450 later"
    send(raise_of(event))
    mails.refuse_with = ""
    turn(event, retracted=True, minutes=5)
    withheld = AlarmSend.objects.get()
    assert (withheld.state, withheld.reason) == (SendState.WITHHELD, "the event was retracted")
    assert called(mails) == []

    turn(event, retracted=False)
    work_all(minutes=1)

    assert subjects(mails) == [f"ada: {CALL}"]


def test_a_retraction_that_could_not_be_told_has_no_end_to_tell(
    event: NonLocalizedEvent, mails: MailSink
) -> None:
    send(raise_of(event))
    mails.refuse_with = "450 later"
    turn(event, retracted=True)
    mails.refuse_with = ""

    turn(event, retracted=False, minutes=5)

    assert subjects(mails) == [f"ada: {CALL}"]
    assert event.alarms.get(cause="retraction").sends.get().state == SendState.FAILED


def test_an_end_that_could_not_be_told_leaves_no_second_retraction_to_tell(
    event: NonLocalizedEvent, mails: MailSink
) -> None:
    send(raise_of(event))
    turn(event, retracted=True)
    mails.refuse_with = "450 later"
    turn(event, retracted=False)
    mails.refuse_with = ""

    turn(event, retracted=True, minutes=5)

    assert subjects(mails) == [f"ada: {CALL}", f"ada: {OVER}"]


def test_whoever_answers_the_retraction_hears_its_end_and_the_next_is_still_called(
    event: NonLocalizedEvent, mails: MailSink
) -> None:
    dan = make_observer("dan")
    make_contact(dan)
    send(raise_of(event))
    turn(event, retracted=True)
    assert [alarm.title for alarm in Alarm.objects.unacknowledged()] == [OVER]
    acknowledge_alarm(event.alarms.get(cause="retraction"), dan)

    turn(event, retracted=False)
    assert sorted(subjects(mails)[2:]) == [f"ada: {AGAIN}", f"dan: {AGAIN}"]
    assert {alarm.title for alarm in Alarm.objects.unacknowledged()} == {AGAIN, CALL}
    work_all(minutes=11)

    assert subjects(mails)[4:] == [f"bob: {CALL}"]


@pytest.mark.parametrize("before", [True, False])
def test_nobody_else_is_called_once_somebody_answered_before_or_after(
    event: NonLocalizedEvent, mails: MailSink, before: bool
) -> None:
    alarm = raise_of(event)
    send(alarm)
    if before:
        acknowledge_alarm(alarm, make_user())
    turn(event, retracted=True)
    turn(event, retracted=False)
    if not before:
        acknowledge_alarm(event.alarms.get(cause="restored"), make_user())
    work_all(minutes=11)

    assert not [told for told in subjects(mails) if told.startswith("bob")]


def test_of_an_old_event_that_is_live_again_the_end_is_told_and_no_late_call_is_made(
    settings, event: NonLocalizedEvent, mails: MailSink
) -> None:
    send(raise_of(event))
    turn(event, retracted=True)
    settings.ALARM_HOURS = 24
    event.time_created = timezone.now() - timedelta(hours=30)

    turn(event, retracted=False, hours=30)

    assert subjects(mails) == [f"ada: {CALL}", f"ada: {OVER}", f"ada: {AGAIN}"]
    assert not due_alarms(later(hours=31)).exists()


def test_a_withheld_call_says_why_on_the_page_of_its_event(
    client, event: NonLocalizedEvent, mails: MailSink
) -> None:
    mails.refuse_with = "450 later"
    send(raise_of(event))
    turn(event, retracted=True)
    client.force_login(make_lead())

    page = client.get(f"/events/{event}/").text

    assert "the alarm was not sent. E-mail: the event was retracted." in page
    assert page.count("I answer") == 2  # the retraction, here and in the bar of alarms
