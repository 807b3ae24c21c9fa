"""Telling, alarms and the bell: what a person drafts, confirms, answers and reads."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tom.events.models import NonLocalizedEvent
from tom.reports.alarms.alarms import raise_alarm
from tom.reports.alarms.models import Alarm
from tom.reports.hermes.circular_form import write_rows
from tom.reports.hermes.models import Report
from tom.reports.notifications.follows import follow
from tom.reports.notifications.messages import notify_message
from tom.reports.notifications.models import Follow, FollowKind, Notification

pytestmark = pytest.mark.django_db


@pytest.fixture
def vera() -> User:
    return factories.make_observer("vera")


@pytest.fixture
def observer(client: Client, vera: User, settings: Settings) -> Client:
    settings.TELL_URL = "kafka://127.0.0.1:9/counterpart.test"
    settings.ALARM_HOURS = 24 * 30  # the factories' event, some days old, is news here
    client.force_login(vera)
    return client


@pytest.fixture
def event() -> NonLocalizedEvent:
    now = timezone.now()
    return factories.make_event("S261120ab", time=now - timedelta(hours=3), time_created=now)


def draft(observer: Client, event: NonLocalizedEvent) -> Report:
    candidate = factories.make_candidate(event)
    observer.post(f"/events/{event.event_id}/tell/", {"candidate": candidate.pk})
    return Report.objects.get()


def test_a_draft_is_shown_before_anything_leaves(
    observer: Client, event: NonLocalizedEvent
) -> None:
    report = draft(observer, event)

    text = observer.get(f"/reports/{report.pk}/").text

    assert report.state == "draft"
    assert "Send to counterpart.test" in text
    assert event.event_id in text


def test_a_draft_is_confirmed_once(observer: Client, event: NonLocalizedEvent) -> None:
    report = draft(observer, event)

    for _ in range(2):
        observer.post(f"/reports/{report.pk}/confirm/")
    report.refresh_from_db()

    assert report.state == "confirmed"
    assert "The report was confirmed before" in observer.get(f"/reports/{report.pk}/").text


def test_a_draft_can_be_thrown_away_but_not_what_was_confirmed(
    observer: Client, event: NonLocalizedEvent
) -> None:
    report = draft(observer, event)

    observer.post(f"/reports/{report.pk}/confirm/")
    observer.post(f"/reports/{report.pk}/discard/")

    assert Report.objects.filter(pk=report.pk).exists()


def test_a_draft_of_nothing_is_refused_with_a_reason(
    observer: Client, event: NonLocalizedEvent
) -> None:
    answer = observer.post(f"/events/{event.event_id}/tell/", {})

    assert answer.status_code == 422
    assert "at least one candidate" in answer.text


def test_a_private_candidate_is_not_told_of(
    observer: Client, vera: User, event: NonLocalizedEvent
) -> None:
    target = factories.make_target(private=True, owners=[vera])
    candidate = factories.make_candidate(event, target)

    answer = observer.post(f"/events/{event.event_id}/tell/", {"candidate": candidate.pk})

    assert answer.status_code == 422
    assert not Report.objects.exists()
    # What was chosen stays chosen.
    words = " ".join(answer.text.split())
    assert f'value="{candidate.pk}" id="candidate-{candidate.pk}" checked' in words


def test_a_page_is_answered_by_a_click_and_says_by_whom(
    observer: Client, event: NonLocalizedEvent
) -> None:
    raise_alarm(event)
    alarm = Alarm.objects.get()

    before = observer.get(f"/events/{event.event_id}/").text
    observer.post(f"/alarms/{alarm.pk}/acknowledge/")
    after = observer.get(f"/events/{event.event_id}/").text

    assert "the alarm was not sent, because no channel is set" in before
    assert "answered by vera" in after


def test_what_comes_for_a_followed_event_rings_the_bell_until_it_is_read(
    observer: Client, vera: User, event: NonLocalizedEvent
) -> None:
    follow(vera, kind="event", value=event.event_id)
    sequence = event.sequences.select_related("message").first()
    assert sequence is not None
    notify_message(sequence.message)
    notification = Notification.objects.get()

    rung = observer.get("/notifications/bell/").text
    listed = observer.get("/notifications/").text
    answer = observer.post(f"/notifications/{notification.pk}/")

    assert 'class="count">1<' in rung
    assert notification.title in listed
    assert answer.headers["Location"] == f"/events/{event.event_id}/"
    assert 'class="count"' not in observer.get("/notifications/bell/").text


def test_all_notifications_are_marked_read_at_once(
    observer: Client, vera: User, event: NonLocalizedEvent
) -> None:
    follow(vera, kind="event", value=event.event_id)
    for sequence in event.sequences.select_related("message"):
        notify_message(sequence.message)

    observer.post("/notifications/read/")

    assert not Notification.objects.filter(read_at=None).exists()


def test_nobody_reads_anothers_notification(
    observer: Client, event: NonLocalizedEvent, client: Client
) -> None:
    other = factories.make_observer()
    follow(other, kind="event", value=event.event_id)
    sequence = event.sequences.select_related("message").first()
    assert sequence is not None
    notify_message(sequence.message)

    answer = observer.post(f"/notifications/{Notification.objects.get().pk}/")

    assert answer.status_code == 404


# --- Before it leaves ---------------------------------------------------------------------------
def changes(report: Report, **given: str) -> dict[str, str]:
    table = write_rows(report.body["data"]["photometry"])
    return {"title": "T", "authors": "A", "text": "It fades.", "table": table, **given}


def test_title_authors_text_and_table_come_before_the_json(
    observer: Client, event: NonLocalizedEvent
) -> None:
    report = draft(observer, event)

    text = observer.get(f"/reports/{report.pk}/").text

    order = [text.index(f'id="{name}"') for name in ("title", "authors", "text", "table")]
    assert order == sorted(order)
    assert order[-1] < text.index('<details class="panel older"') < text.index("message_text")


def test_a_draft_is_changed_and_told_as_it_was_saved(
    observer: Client, event: NonLocalizedEvent
) -> None:
    report = draft(observer, event)
    heading, *rows = write_rows(report.body["data"]["photometry"]).splitlines()

    observer.post(
        f"/reports/{report.pk}/",
        changes(report, title="A  fading\nsource", authors="V. Rubin", table="\n".join(rows[:2])),
    )
    report.refresh_from_db()

    assert report.body["title"] == "A fading source"
    assert report.body["authors"] == "V. Rubin"
    assert report.body["message_text"] == "It fades."
    assert write_rows(report.body["data"]["photometry"]).splitlines() == [heading, *rows[:2]]
    # What is not shown as text stays: the targets and what stands behind them.
    assert report.body["data"]["targets"][0]["ra"] == 197.45
    assert report.body["data"]["extra_data"]["candidates"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"title": " "}, "the title has 1 to 300"),
        ({"authors": ""}, "the authors has 1 to"),
        ({"text": ""}, "the text has 1 to"),
        (
            {"table": "x,2026-11-25,r,19,0.1,,P48,ZTF"},
            "which this report does not have",
        ),
        ({"table": "a,b"}, "row 1 has 2 cells, not 8"),
    ],
)
def test_a_change_that_cannot_be_told_is_refused_and_kept_on_the_page(
    observer: Client, event: NonLocalizedEvent, given: dict[str, str], why: str
) -> None:
    report = draft(observer, event)
    before = report.body

    answer = observer.post(f"/reports/{report.pk}/", changes(report, **given))
    report.refresh_from_db()

    assert answer.status_code == 422
    assert why in answer.text
    assert report.body == before
    assert all(value.strip() in answer.text for value in given.values())


def test_what_was_confirmed_is_not_changed_any_more(
    observer: Client, event: NonLocalizedEvent
) -> None:
    report = draft(observer, event)
    observer.post(f"/reports/{report.pk}/confirm/")
    before = report.body

    observer.post(f"/reports/{report.pk}/", changes(report))
    report.refresh_from_db()

    assert report.body == before
    assert "The report is no longer a draft" in observer.get(f"/reports/{report.pk}/").text


def test_the_text_is_there_in_the_form_of_a_circular(
    observer: Client, event: NonLocalizedEvent
) -> None:
    report = draft(observer, event)

    text = observer.get(f"/reports/{report.pk}/").text

    assert "SUBJECT: S261120ab: one candidate from Counterpart" in text
    assert 'data-copy-from="circular"' in text


# --- Switched off, and failed -------------------------------------------------------------------
def test_a_page_says_why_telling_is_off_and_how_to_switch_it_on(
    observer: Client, event: NonLocalizedEvent, settings: Settings
) -> None:
    settings.TELL_URL = ""
    report = draft(observer, event)

    for page in (f"/events/{event.event_id}/tell/", f"/reports/{report.pk}/"):
        text = observer.get(page).text
        assert "Sending reports is switched off:</b> no topic is set" in text
        assert "hop auth add" in text
    assert "Send to" not in text
    assert "SUBJECT:" in text  # it can be copied all the same


def test_what_was_drafted_while_telling_was_off_is_never_sent(
    observer: Client, event: NonLocalizedEvent, settings: Settings
) -> None:
    settings.TELL_URL = ""
    report = draft(observer, event)
    settings.TELL_URL = "kafka://127.0.0.1:9/counterpart.test"

    observer.post(f"/reports/{report.pk}/confirm/")
    report.refresh_from_db()

    assert report.state == "draft"


def test_a_credential_that_is_missing_is_said(
    observer: Client, event: NonLocalizedEvent, settings: Settings
) -> None:
    settings.TELL_URL = "kafka://kafka.example.org/hermes.test"

    text = observer.get(f"/events/{event.event_id}/tell/").text

    assert "no credential for kafka.example.org" in text


def fail(report: Report) -> None:
    now = timezone.now() - timedelta(minutes=5)
    Report.objects.filter(pk=report.pk).update(
        state="failed", reason="there is no topic", confirmed_at=now, tried_at=now, attempts=1
    )


def test_a_failed_report_is_sent_again_once(observer: Client, event: NonLocalizedEvent) -> None:
    report = draft(observer, event)
    fail(report)
    offered = observer.get(f"/reports/{report.pk}/").text

    for _ in range(2):
        observer.post(f"/reports/{report.pk}/retry/")
    told = observer.get(f"/reports/{report.pk}/").text
    retried = Report.objects.get(pk=report.pk)

    assert "Send it again" in offered
    assert (retried.state, retried.attempts, retried.reason) == ("confirmed", 0, "")
    assert retried.message_id == report.message_id
    assert "is being sent again already" in told
    assert "Send it again" not in told


def test_only_what_failed_is_sent_again(observer: Client, event: NonLocalizedEvent) -> None:
    report = draft(observer, event)

    observer.post(f"/reports/{report.pk}/retry/")
    report.refresh_from_db()

    assert report.state == "draft"


def test_an_events_page_says_whether_its_reader_follows_it(client: Client) -> None:
    vera, event = factories.make_observer("vera"), factories.make_event()
    client.force_login(vera)

    def page() -> str:
        return client.get(f"/events/{event.event_id}/").text

    before = page()
    Follow.objects.create(user=vera, kind=FollowKind.EVENT, value=event.event_id)
    pressed = 'aria-pressed="true"'
    assert (pressed in before, pressed in page()) == (False, True)
