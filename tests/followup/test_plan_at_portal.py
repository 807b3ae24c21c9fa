"""A plan at the real OCS portal: one group with a request for each field, and what comes of it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from tests.factories import make_event
from tests.followup.conftest import point_at
from tests.peers.ocs import Operator, losing_proxy, opposite_the_sun, wait_for
from tests.planning.plans import keep_coming
from tom.changes.models import Address
from tom.embedded.portal import Portal
from tom.followup.models import ObservationRequest
from tom.followup.services import poll_requests, reconcile_request, submit_request
from tom.followup.states import RequestState
from tom.planning.models import Plan
from tom.planning.sending import Way, send_plan
from tom.pointings.models import Pointing, Source, Status

pytestmark = [pytest.mark.portal, pytest.mark.django_db, pytest.mark.timeout(600)]
WAY = Way(
    facility="LCO",
    instrument="1M0-SCICAM-SINISTRO",
    elements={"r": "rp"},
    seconds=60,
    leeway=timedelta(days=2),
)


@pytest.fixture
def plan(observer: User) -> Plan:
    """Three fields that are up tomorrow, wherever the Moon stands."""
    event = make_event("S261120ab", time=timezone.now() - timedelta(days=1))
    ra = opposite_the_sun(timezone.now())
    plan = keep_coming(event, [((ra + i) % 360, -5.0) for i in range(3)], by=observer)
    plan.task["telescope"]["moon_separation_min_deg"] = 0
    return plan


def poll(request: ObservationRequest) -> str:
    poll_requests("LCO", timezone.now())
    request.refresh_from_db()
    return request.state


def test_a_plan_is_one_group_and_what_was_observed_of_it_becomes_pointings(
    ocs_portal: Portal, operator: Operator, settings: Settings, plan: Plan, observer: User
) -> None:
    point_at(settings, ocs_portal)
    settings.OCS_PRACTICE = False
    (request,) = send_plan(plan, WAY, by=observer)
    submit_request(request)
    accepted = poll(request)
    (group,) = operator.groups(request.key)
    observations = [operator.schedule(group, number) for number in (0, 2)]
    scheduled = poll(request)
    for observation in observations:
        operator.execute(observation, "COMPLETED")
    partly = poll(request)
    operator.execute(operator.schedule(group, 1), "COMPLETED")
    completed = poll(request)
    poll(request)

    assert (group["operator"], len(group["requests"])) == ("MANY", 3)
    assert [accepted, scheduled, partly, completed] == [
        RequestState.ACCEPTED,
        RequestState.SCHEDULED,
        RequestState.ACCEPTED,
        RequestState.COMPLETED,
    ]
    pointings = Pointing.objects.filter(source=Source.OWN, event=plan.event)
    places = {(round(each.ra, 6), each.dec) for each in pointings}
    assert places == {(round(each["ra"], 6), -5.0) for each in plan.result["pointings"]}
    assert {(each.status, each.instrument, each.exposure_s) for each in pointings} == {
        (Status.COMPLETED, "Sinistro", 60)
    }
    assert len(pointings) == 3


def test_after_a_lost_answer_the_portal_holds_the_plan_once(
    ocs_portal: Portal, operator: Operator, settings: Settings, plan: Plan, observer: User
) -> None:
    with losing_proxy(ocs_portal, "drop") as url:
        point_at(settings, ocs_portal, url)
        (request,) = send_plan(plan, WAY, by=observer)
        submit_request(request)
        request.refresh_from_db()
        lost = request.state
        submit_request(request)  # a second nudge sends nothing
        wait_for(lambda: operator.groups(request.key), seconds=60)
        Address.objects.update(rests_until=None)  # it has rested

        reconcile_request(request)

    request.refresh_from_db()
    groups = operator.groups(request.key)
    assert [lost, request.state] == [RequestState.UNKNOWN, RequestState.ACCEPTED]
    assert [str(group["id"]) for group in groups] == [request.remote_id]
    assert len(groups[0]["requests"]) == 3
    assert request.attempts == 1


def test_a_portal_takes_as_many_fields_as_we_send_in_one_request(
    ocs_portal: Portal, settings: Settings, plan: Plan, observer: User
) -> None:
    point_at(settings, ocs_portal)
    rows = plan.result["pointings"]
    plan.result["pointings"] = [row | {"number": i} for i in range(20) for row in rows][:50]

    (request,) = send_plan(plan, WAY, by=observer)
    submit_request(request)

    request.refresh_from_db()
    assert (request.state, request.reason) == (RequestState.ACCEPTED, "")
