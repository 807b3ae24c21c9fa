"""Observation requests over the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_event, make_target
from tom.followup.models import ObservationRequest
from tom.followup.states import RequestState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def practice(settings):
    settings.PRACTICE_TELESCOPE = True
    settings.OCS_PORTAL_URL = ""


def wanted(observed, **changed):
    """What the practice telescope can observe."""
    now = timezone.now()
    return {
        "target": observed.pk,
        "facility": "PRACTICE",
        "instrument": "PRACTICE-IMAGER",
        "spec": {
            "exposures": [{"element": "g", "seconds": 60}],
            "start": now.isoformat(),
            "end": (now + timedelta(days=1)).isoformat(),
        },
        **changed,
    }


def test_an_observer_asks_and_a_worker_is_woken_after_the_commit(
    observer, nudges, django_capture_on_commit_callbacks
):
    target, event = make_target(), make_event("S261120ab")

    with django_capture_on_commit_callbacks(execute=True):
        response = observer.post("/api/requests/", wanted(target, event="S261120ab"))

    made = ObservationRequest.objects.get()
    assert response.status_code == 201
    assert response.json()["state"] == RequestState.APPROVED
    assert response.json()["event"] == "S261120ab"
    assert [change["new"] for change in response.json()["changes"]] == ["proposed", "approved"]
    assert (made.target, made.event) == (target, event)
    assert nudges() == [("tom.pipeline.submit", [made.pk])]


@pytest.mark.parametrize("cancel", [True, False])
def test_a_request_says_whether_a_retraction_cancels_it(observer, cancel):
    make_event("S261120ab")

    made = observer.post(
        "/api/requests/", wanted(make_target(), event="S261120ab", cancel_if_retracted=cancel)
    )

    assert made.json()["cancel_if_retracted"] is cancel
    assert ObservationRequest.objects.get().cancel_if_retracted is cancel


def test_one_without_the_permission_reads_but_does_not_ask(plain):
    target = make_target()

    assert plain.get("/api/requests/").status_code == 200
    assert plain.post("/api/requests/", wanted(target)).status_code == 403
    assert not ObservationRequest.objects.exists()


def test_a_second_request_takes_a_confirmation(observer):
    target = make_target()
    observer.post("/api/requests/", wanted(target))

    refused = observer.post("/api/requests/", wanted(target))
    existing = refused.json()["existing"]
    confirmed, again = (
        observer.post("/api/requests/", wanted(target, duplicate_of=existing)) for _ in range(2)
    )

    assert (refused.status_code, confirmed.status_code, again.status_code) == (409, 201, 409)
    assert "already asked for" in refused.json()["detail"]
    assert again.json()["existing"] != existing
    assert ObservationRequest.objects.count() == 2


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"target": 10**12}, "target"),
        ({"target": None}, "target"),
        ({"event": "S000000x"}, "event"),
        ({"event": "S\x00"}, "event"),
        ({"instrument": "\x00"}, "instrument"),
        ({"spec": {"\x00": "\x00"}}, "spec"),
        ({"facility": "NOWHERE"}, "facility"),
        ({"instrument": "NONE"}, "spec"),
        ({"spec": {}}, "spec"),
        ({"spec": []}, "spec"),
        ({"spec": {"exposures": [{"element": "g", "seconds": -1}]}}, "spec"),
    ],
)
def test_a_request_that_cannot_be_observed_is_a_400_that_names_the_field(observer, changed, field):
    response = observer.post("/api/requests/", wanted(make_target(), **changed))

    assert response.status_code == 400
    assert field in response.json()


def test_a_request_for_a_retracted_event_is_refused(observer):
    make_event("S261120ab", retracted=True)

    response = observer.post("/api/requests/", wanted(make_target(), event="S261120ab"))

    assert response.status_code == 409
    assert "retracted" in response.json()["detail"]


def test_a_private_target_is_asked_for_by_its_owners_alone(observer, member, team):
    target = make_target("hidden", private=True, owners=[team])

    refused = observer.post("/api/requests/", wanted(target))
    made = member.post("/api/requests/", wanted(target))

    assert (refused.status_code, made.status_code) == (400, 201)
    address = f"/api/requests/{made.json()['id']}/"
    assert observer.get(address).status_code == 404
    assert observer.post(f"{address}cancel/").status_code == 404
    assert observer.get("/api/requests/").json()["results"] == []
    assert member.get(address).json()["target_name"] == "hidden"


def test_a_request_never_sent_is_cancelled_at_once(observer):
    made = observer.post("/api/requests/", wanted(make_target())).json()

    response = observer.post(f"/api/requests/{made['id']}/cancel/")
    again = observer.post(f"/api/requests/{made['id']}/cancel/")

    assert (response.status_code, response.json()["state"]) == (202, RequestState.CANCELED)
    assert again.status_code == 409


def test_a_worker_tells_the_facility_of_a_cancel(
    observer, nudges, django_capture_on_commit_callbacks
):
    made = observer.post("/api/requests/", wanted(make_target())).json()
    ObservationRequest.objects.update(state=RequestState.ACCEPTED, remote_id="1", attempts=1)

    with django_capture_on_commit_callbacks(execute=True):
        response = observer.post(f"/api/requests/{made['id']}/cancel/")

    assert response.json()["state"] == RequestState.CANCEL_REQUESTED
    assert nudges() == [("tom.pipeline.cancel", [made["id"]])]


def test_cancelling_takes_its_permission(plain, observer):
    made = observer.post("/api/requests/", wanted(make_target())).json()

    assert plain.post(f"/api/requests/{made['id']}/cancel/").status_code == 403


def test_requests_are_told_by_state(observer):
    observer.post("/api/requests/", wanted(make_target()))

    assert observer.get("/api/requests/?state=approved").json()["count"] == 1
    assert observer.get("/api/requests/?state=completed").json()["count"] == 0
    assert observer.get("/api/requests/?state=lost").status_code == 400


@pytest.mark.parametrize("number", [1, 4])
def test_a_list_takes_as_many_queries_whatever_its_length(
    plain, observer, django_assert_num_queries, number
):
    for _ in range(number):
        observer.post("/api/requests/", wanted(make_target()))

    with django_assert_num_queries(7):
        found = plain.get("/api/requests/").json()

    assert found["count"] == number
