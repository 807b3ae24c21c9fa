"""Plans over the API: made as by the form, each person's own, sent as requests are."""

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests import factories
from tests.planning.plans import keep_coming
from tests.web.api.conftest import client_of
from tom.followup.models import ObservationRequest
from tom.pipeline import make_plan
from tom.planning.models import Plan

pytestmark = pytest.mark.django_db
PLANS = "/api/events/S261120ab/plans/"
ASKED = {
    "telescope": "DECam",
    "values": {"start": "2019-08-15 04:00", "end": "2019-08-15 10:00", "search": "0", "most": "2"},
}


@pytest.fixture(autouse=True)
def event():
    return factories.make_event("S261120ab")


@pytest.fixture
def vera() -> User:
    return factories.make_observer("vera")


@pytest.fixture
def observer(vera: User) -> APIClient:
    return client_of(vera)


def test_a_plan_is_asked_for_once_made_by_a_worker_and_read_with_its_check(
    observer, nudges, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        asked = observer.post(PLANS, ASKED, format="json")
    again = observer.post(PLANS, ASKED, format="json")
    pk = asked.json()["id"]
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    assert (again.status_code, again.json()["existing"]) == (409, str(pk))
    assert nudges() == [("tom.pipeline.make_plan", [pk])]

    make_plan(pk)

    told = observer.get(f"/api/plans/{pk}/").json()
    assert told["state"] == "done"
    assert told["task"]["telescope"]["name"] == "DECam"
    assert told["result"]["faults"] == []
    assert "pointings" in told["result"]
    (listed,) = observer.get(PLANS).json()["results"]
    assert (listed["id"], "result" in listed) == (pk, False)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"telescope": "Hubble"}, "telescope"),
        ({"values": {"most": "many"}}, "most"),
        ({"values": {"colour": "red"}}, "values"),
        ({"covered": [1]}, "covered"),
    ],
)
def test_what_cannot_be_planned_is_refused_by_its_field(observer, changes, field):
    answer = observer.post(PLANS, {**ASKED, **changes}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not Plan.objects.exists()


def test_a_retracted_event_is_not_planned_for(observer, event):
    event.retracted = True
    event.save()

    answer = observer.post(PLANS, ASKED, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["form"])


def test_a_plan_is_its_makers_alone(observer, vera, event, member):
    plan = keep_coming(event, [(10.0, -5.0)], by=vera)

    assert observer.get(f"/api/plans/{plan.pk}/").status_code == 200
    assert member.get(f"/api/plans/{plan.pk}/").status_code == 404
    assert member.post(f"/api/plans/{plan.pk}/send/", {}).status_code == 404
    assert member.get(PLANS).json()["results"] == []


def test_a_plan_is_sent_once(observer, vera, event, nudges, django_capture_on_commit_callbacks):
    plan = keep_coming(event, [(10.0 + i, -5.0) for i in range(3)], by=vera)
    how = {"facility": "PRACTICE", "instrument": "PRACTICE-IMAGER", "elements": {"r": "r"}}
    address = f"/api/plans/{plan.pk}/send/"

    wrong = observer.post(address, {**how, "seconds": 0}, format="json")
    nowhere = observer.post(address, {**how, "instrument": "none"}, format="json")
    with django_capture_on_commit_callbacks(execute=True):
        sent = observer.post(address, {**how, "cancel_if_retracted": True}, format="json")
    again = observer.post(address, how, format="json")

    request = ObservationRequest.objects.get()
    assert (wrong.status_code, list(wrong.json())) == (400, ["seconds"])
    assert (nowhere.status_code, list(nowhere.json())) == (400, ["instrument"])
    assert sent.status_code == 201
    assert [row["id"] for row in sent.json()] == [request.pk]
    assert len(request.spec["pointings"]) == 3
    assert request.cancel_if_retracted
    assert request.created_by == vera
    assert nudges() == [("tom.pipeline.submit", [request.pk])]
    assert (again.status_code, again.json()["existing"]) == (409, str(request.pk))
    assert observer.get(f"/api/plans/{plan.pk}/").json()["requests"] == [request.pk]
