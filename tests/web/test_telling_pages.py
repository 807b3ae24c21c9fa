"""Telling, paging and the bell: what a person drafts, confirms, answers and reads."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tom.events.models import NonLocalizedEvent
from tom.reports.follows import follow
from tom.reports.models import Notification, Page, Report
from tom.reports.notifications import notify_message
from tom.reports.paging import page_event

pytestmark = pytest.mark.django_db


@pytest.fixture
def vera() -> User:
    return factories.make_observer("vera")


@pytest.fixture
def observer(client: Client, vera: User, settings: Settings) -> Client:
    settings.TELL_URL = "kafka://127.0.0.1:9/counterpart.test"
    settings.PAGE_HOURS = 24 * 30  # the factories' event, some days old, is news here
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
    assert "It was confirmed before" in observer.get(f"/reports/{report.pk}/").text


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
    assert f'value="{candidate.pk}" id="candidate-{candidate.pk}" checked' in answer.text


def test_a_page_is_answered_by_a_click_and_says_by_whom(
    observer: Client, event: NonLocalizedEvent
) -> None:
    page_event(event)
    page = Page.objects.get()

    before = observer.get(f"/events/{event.event_id}/").text
    observer.post(f"/pages/{page.pk}/acknowledge/")
    after = observer.get(f"/events/{event.event_id}/").text

    assert "nobody was paged, for no channel is set" in before
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
