"""A plan becomes requests: once, for a live event, each pointing in its own window."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests import factories
from tests.planning.plans import keep_coming
from tom.events.models import NonLocalizedEvent
from tom.followup.asking import DuplicateRequestError, RefusedRequestError
from tom.followup.facilities.contract import Capabilities
from tom.followup.facilities.practice.facility import PracticeTelescope
from tom.followup.models import ObservationRequest
from tom.followup.services import poll_requests, stop_requests, submit_request
from tom.followup.spec import InvalidSpecError
from tom.followup.states import RequestState
from tom.planning.models import Plan, PlanState
from tom.planning.sending import Way, fields_to_send, send_plan

pytestmark = pytest.mark.django_db
PLACES = [(10.0 + i, -5.0) for i in range(5)]
WAY = Way(
    facility="PRACTICE",
    instrument="PRACTICE-IMAGER",
    elements={"r": "r"},
    seconds=60,
    leeway=timedelta(minutes=30),
    cancel_if_retracted=True,
)


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab")


@pytest.fixture
def vera() -> User:
    return factories.make_observer("vera")


@pytest.fixture
def plan(event: NonLocalizedEvent, vera: User) -> Plan:
    return keep_coming(event, PLACES, by=vera)


def test_a_plan_becomes_one_request_with_a_window_for_each_pointing(plan, vera):
    (request,) = send_plan(plan, WAY, by=vera)

    begun = datetime.fromisoformat(plan.result["pointings"][0]["start"])
    first = request.spec["pointings"][0]
    assert [(each["ra"], each["dec"]) for each in request.spec["pointings"]] == PLACES
    assert datetime.fromisoformat(first["start"]) == begun - timedelta(minutes=15)
    assert datetime.fromisoformat(first["end"]) == begun + timedelta(minutes=15, seconds=60)
    assert (request.state, request.target, request.event) == ("approved", None, plan.event)
    assert list(plan.requests.all()) == [request]
    assert (request.window_start, request.window_end) == (
        begun - timedelta(minutes=15),
        begun + timedelta(minutes=20 + 15, seconds=60),
    )


def test_it_goes_through_the_life_of_a_request_without_a_record(plan, vera, settings):
    settings.PRACTICE_STEP_SECONDS = 0.0001
    (request,) = send_plan(plan, WAY, by=vera)

    submit_request(request)
    submit_request(request)  # a second nudge sends nothing
    poll_requests("PRACTICE", timezone.now())
    request.refresh_from_db()

    assert (request.state, request.attempts, request.record) == ("completed", 1, None)
    assert [each.method for each in request.exchanges.all()] == ["POST"]


def test_two_clicks_send_it_once_and_a_person_sends_again_what_has_ended(plan, vera):
    (request,) = send_plan(plan, WAY, by=vera)

    with pytest.raises(DuplicateRequestError) as refused:
        send_plan(plan, WAY, by=vera)
    assert refused.value.existing == request
    assert plan.requests.count() == 1

    ObservationRequest.objects.filter(pk=request.pk).update(state="rejected", guard=None)
    assert send_plan(plan, WAY, by=vera)


def test_a_plan_is_cut_into_as_few_requests_as_the_facility_takes(plan, vera, monkeypatch):
    two = Capabilities(has_key=True, cancels=True, most_fields=2)
    monkeypatch.setattr(PracticeTelescope, "capabilities", two)

    requests = send_plan(plan, WAY, by=vera)

    assert [len(each.spec["pointings"]) for each in requests] == [2, 2, 1]
    assert len({each.key for each in requests}) == 3


def test_what_no_facility_may_get_is_refused(plan, vera, settings):
    for state in (PlanState.REFUSED, PlanState.FAILED, PlanState.WAITING):
        plan.state = state
        with pytest.raises(RefusedRequestError, match="passed its check"):
            send_plan(plan, WAY, by=vera)
    plan.state = PlanState.DONE
    plan.event.retracted = True
    with pytest.raises(RefusedRequestError, match="is retracted"):
        send_plan(plan, WAY, by=vera)
    plan.event.retracted, plan.event.test_reasons = False, ["its name begins with M"]
    settings.OCS_PORTAL_URL, settings.OCS_PRACTICE = "http://127.0.0.1:1", False
    real = replace(WAY, facility="LCO", instrument="1M0-SCICAM-SINISTRO", elements={"r": "rp"})
    with pytest.raises(RefusedRequestError, match="is a test event"):
        send_plan(plan, real, by=vera)
    assert not ObservationRequest.objects.exists()


WRONG = [
    ({"elements": {"r": "nil"}}, "it has no nil"),
    ({"seconds": 5000.0}, "at most 1200 s"),
    ({"instrument": "PRACTICE-SPECTROGRAPH"}, "choose an imager"),
    ({"mode": "RAPID_RESPONSE"}, "'NORMAL' or 'TIME_CRITICAL'"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_what_cannot_be_observed_is_refused_by_its_field(plan, vera, changes, said):
    with pytest.raises(InvalidSpecError, match=said):
        send_plan(plan, replace(WAY, **changes), by=vera)


def test_what_is_over_is_left_out(plan, vera):
    at = datetime.fromisoformat(plan.result["pointings"][2]["start"])

    left = fields_to_send(plan, WAY, now=at + timedelta(minutes=15))
    none = fields_to_send(plan, WAY, now=at + timedelta(days=1))

    assert [each["ra"] for each in left] == [13.0, 14.0]
    assert none == []


def test_windows_keep_visits_apart_wherever_in_them_each_begins(plan):
    at = datetime(2026, 11, 28, 2, tzinfo=UTC)
    apart = timedelta(minutes=40)
    plan.task["visits"] = {"n": 3}
    rows = [
        {
            "number": i,
            "visit": i,
            "ra": 1.0,
            "dec": 2.0,
            "start": (at + (i - 1) * apart).isoformat(),
        }
        for i in (1, 2, 3)
    ]
    plan.result = {"pointings": rows}

    one, two, three = fields_to_send(plan, WAY, now=at - timedelta(days=1))

    length = timedelta(seconds=60)
    for before, after in ((one, two), (two, three)):
        latest = before["end"] - length
        assert after["start"] - latest >= apart
    assert two["start"] + WAY.leeway / 2 == at + apart


RETRACTED = [
    (RequestState.APPROVED, RequestState.HELD),
    (RequestState.ACCEPTED, RequestState.CANCEL_REQUESTED),
]


@pytest.mark.parametrize(("before", "after"), RETRACTED)
def test_a_retraction_holds_or_cancels_it(plan, vera, before, after):
    (request,) = send_plan(plan, WAY, by=vera)
    if before == RequestState.ACCEPTED:
        submit_request(request)

    plan.event.retracted = True
    stop_requests(plan.event, reason="retracted")

    request.refresh_from_db()
    assert request.state == after


def test_everybody_sees_the_requests_of_a_plan(plan, vera):
    (request,) = send_plan(plan, WAY, by=vera)
    other: Callable[[str], User] = factories.make_user

    assert list(ObservationRequest.objects.visible_to(other("iris"))) == [request]
