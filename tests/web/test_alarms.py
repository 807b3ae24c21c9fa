"""What nobody may miss stands on every page, in plain words."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests import factories
from tom.changes import heartbeat
from tom.reports.paging.models import Channel, Page, PageSend, SendState
from tom.reports.paging.pages import acknowledge_page, page_event
from tom.streams.models import StreamHealth

pytestmark = pytest.mark.django_db
PLACES = ["/", "/events/", "/targets/", "/requests/", "/messages/", "/notifications/", "/account/"]


def make_page(event_id: str) -> Page:
    """The page of a significant event of just now."""
    page = page_event(factories.make_event(event_id, time_created=timezone.now()))
    assert page is not None
    return page


@pytest.fixture
def observer(client: Client) -> Iterator[Client]:
    cache.clear()
    client.force_login(factories.make_observer())
    yield client
    cache.clear()


@pytest.fixture
def page(db, settings):
    settings.PAGE_EMAILS = ["shift@example.org"]
    return make_page("S261120ab")


@pytest.mark.parametrize("place", PLACES)
def test_a_page_without_an_answer_is_a_bar_on_every_page(observer, page, place) -> None:
    text = observer.get(place).text

    assert f'role="alert" data-page="{page.pk}"' in text
    assert f"/pages/{page.pk}/acknowledge/" in text


def test_the_bar_goes_with_the_answer(observer, page) -> None:
    acknowledge_page(page, factories.make_user())

    assert "data-page" not in observer.get("/notifications/alarms/").text


def test_of_many_pages_the_number_of_the_others_is_said(observer) -> None:
    for number in range(5):
        make_page(f"S26112{number}a")

    text = observer.get("/notifications/alarms/").text

    assert text.count("data-page=") == 3
    assert "2 more" in text


def test_who_may_not_answer_gets_no_button(client, page) -> None:
    client.force_login(factories.make_user())

    text = client.get("/").text

    assert f'data-page="{page.pk}"' in text
    assert "acknowledge" not in text


SAID = {
    SendState.SENT: "paged",
    SendState.UNKNOWN: "whether it arrived is not known",
    SendState.DUE: "is being paged",
    SendState.SENDING: "is being paged",
    SendState.FAILED: "nobody was paged. E-mail: no such host.",
}


@pytest.mark.parametrize("place", ["/", "/events/S261120ab/"])
@pytest.mark.parametrize("state", SAID)
def test_paged_is_said_only_where_somebody_was_paged(observer, page, state, place) -> None:
    PageSend.objects.update(state=state, reason="no such host" if state == "failed" else "")

    text = " ".join(observer.get(place).text.split())

    assert SAID[state] in text
    was_paged = state in {SendState.SENT, SendState.UNKNOWN}
    assert ("obody has answered" in text) == was_paged


def test_one_channel_that_worked_is_enough(observer, page) -> None:
    PageSend.objects.update(state=SendState.FAILED, reason="no such host")
    PageSend.objects.create(page=page, channel=Channel.WEBHOOK, state=SendState.SENT)

    assert "nobody has answered" in observer.get("/notifications/alarms/").text


def test_with_no_channel_it_says_so_and_how_to_set_one(observer, settings) -> None:
    settings.PAGE_EMAILS, settings.PAGE_WEBHOOK = [], ""
    make_page("S261120ab")

    text = " ".join(observer.get("/events/S261120ab/").text.split())

    assert "nobody was paged, for no channel is set. Set PAGE_EMAILS or PAGE_WEBHOOK" in text
    assert "nobody has answered" not in text


@pytest.fixture
def stream(settings) -> StreamHealth:
    settings.STREAMS = ["kafka://broker.example.org/igwn.gwalert"]
    return StreamHealth.objects.create(
        stream="broker.example.org", topic="igwn.gwalert", connected=True
    )


STREAMS = {
    "well": ({"connected": True, "seconds": 3}, ""),
    "refused": (
        {"connected": False, "detail": "wrong password", "seconds": 3},
        "Nothing comes from igwn.gwalert of broker.example.org: wrong password.",
    ),
    "stopped": (
        {"connected": True, "seconds": 600},
        "Nothing comes from igwn.gwalert of broker.example.org: its listener has stopped.",
    ),
    "starting": ({"connected": False, "detail": "starting", "seconds": 1}, ""),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_that_is_down_is_a_bar_with_its_reason(observer, stream, kind) -> None:
    values, said = STREAMS[kind]
    heard = timezone.now() - timedelta(seconds=values.pop("seconds"))
    StreamHealth.objects.update(last_heard=heard, **values)

    text = observer.get("/targets/").text
    values["seconds"] = (timezone.now() - heard).total_seconds()

    assert said in text
    assert ("alarm down" in text) == bool(said)


def test_a_stream_that_is_read_no_more_is_no_alarm(observer, stream, settings) -> None:
    StreamHealth.objects.update(connected=False, detail="wrong password")
    settings.STREAMS = []

    assert "alarm down" not in observer.get("/targets/").text


def test_workers_that_do_not_answer_are_a_bar(observer) -> None:
    cache.set(heartbeat.KEY, timezone.now() - timedelta(minutes=5))

    assert "The workers have not answered for 5 min" in observer.get("/events/").text
