"""After a retraction the pages say what goes on, and a page asks whether all of it is cancelled."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import factories
from tests.followup.conftest import make_request
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.followup.states import RequestState

pytestmark = pytest.mark.django_db
S = RequestState
STATES = [S.ACCEPTED, S.SCHEDULED, S.IN_PROGRESS, S.UNKNOWN, S.HELD, S.COMPLETED, S.CANCELED]
GOING_ON = STATES[:4]


@pytest.fixture
def user() -> User:
    return factories.make_observer()


@pytest.fixture
def event(user: User) -> NonLocalizedEvent:
    """A retracted event with a request in each state."""
    event = factories.make_event("S261120rr", retracted=True)
    for number, state in enumerate(STATES):
        target = factories.make_target(f"T{number}")
        make_request(
            target, user, event=event, state=state, remote_id=f"practice-{number}", attempts=1
        )
    return event


def on_one_line(page: str) -> str:
    return " ".join(page.split())


def test_the_event_page_names_what_goes_on_and_all_is_cancelled_after_a_question(
    client: Client, user: User, event: NonLocalizedEvent
) -> None:
    client.force_login(user)
    page = on_one_line(client.get(f"/events/{event.event_id}/").text)
    assert "S261120rr is retracted, and 4 accepted requests for it go on." in page
    assert "Cancel all 4" in page

    asked = on_one_line(client.get(f"/events/{event.event_id}/going-on/cancel/").text)
    assert "Cancel all 4 for" in asked
    assert all(f"<b>T{number}</b>" in asked for number in range(len(GOING_ON)))
    assert not ObservationRequest.objects.filter(state=S.CANCEL_REQUESTED).exists()

    after = on_one_line(client.post(f"/events/{event.event_id}/going-on/cancel/", follow=True).text)

    states = dict(ObservationRequest.objects.values_list("target__name", "state"))
    expected = [S.CANCEL_REQUESTED] * len(GOING_ON) + STATES[len(GOING_ON) :]
    assert states == {f"T{number}": state for number, state in enumerate(expected)}
    assert "Requests that are being cancelled: 4." in after
    assert "go on." not in after


def test_each_requests_page_says_so_too(
    client: Client, user: User, event: NonLocalizedEvent
) -> None:
    client.force_login(user)
    request = ObservationRequest.objects.get(state=S.ACCEPTED)

    page = on_one_line(client.get(f"/requests/{request.pk}/").text)

    assert "4 accepted requests for it go on." in page
    assert f'href="/events/{event.event_id}/going-on/cancel/"' in page


def test_of_an_event_that_stands_nothing_is_said_or_cancelled(
    client: Client, user: User, event: NonLocalizedEvent
) -> None:
    NonLocalizedEvent.objects.update(retracted=False)
    client.force_login(user)

    page = on_one_line(client.get(f"/events/{event.event_id}/").text)
    client.post(f"/events/{event.event_id}/going-on/cancel/")

    assert "Cancel all" not in page
    assert not ObservationRequest.objects.filter(state=S.CANCEL_REQUESTED).exists()


def test_a_request_of_a_target_that_one_may_not_see_is_neither_told_nor_cancelled(
    client: Client, user: User, event: NonLocalizedEvent
) -> None:
    hidden = factories.make_target("ZTF26secret", private=True)
    ObservationRequest.objects.filter(state=S.ACCEPTED).update(target=hidden)
    client.force_login(user)

    page = on_one_line(client.get(f"/events/{event.event_id}/").text)
    client.post(f"/events/{event.event_id}/going-on/cancel/")

    assert "ZTF26secret" not in page
    assert "3 accepted requests" in page
    assert ObservationRequest.objects.get(target=hidden).state == S.ACCEPTED


def test_without_the_permission_it_is_said_and_cannot_be_cancelled(
    client: Client, event: NonLocalizedEvent
) -> None:
    client.force_login(factories.make_user("guest"))

    page = on_one_line(client.get(f"/events/{event.event_id}/").text)
    answer = client.post(f"/events/{event.event_id}/going-on/cancel/")

    assert "4 accepted requests" in page
    assert "Cancel all" not in page
    assert answer.status_code == 403
