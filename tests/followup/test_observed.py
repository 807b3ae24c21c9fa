"""What a real portal says was observed becomes pointings: once, and of public requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests.factories import make_event
from tests.followup.conftest import make_spec, point_at
from tests.peers.ocs import Operator
from tom.embedded.portal import Portal
from tom.events.models import NonLocalizedEvent
from tom.followup.facilities.ocs.answers import read_observation
from tom.followup.models import ObservationRequest
from tom.followup.services import poll_requests, request_observation, submit_request
from tom.followup.states import RequestState
from tom.outbox.errors import UnknownOutcomeError
from tom.pointings.models import Pointing, Source, Status

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


@pytest.fixture
def event(db: None) -> NonLocalizedEvent:
    return make_event("S261120ab", time=timezone.now() - timedelta(days=1))


@pytest.fixture
def request_(
    ocs_portal: Portal,
    settings: Settings,
    event: NonLocalizedEvent,
    target: BaseTarget,
    observer: User,
) -> ObservationRequest:
    """A request for a live event at what stands for a real facility, accepted there."""
    point_at(settings, ocs_portal)
    settings.OCS_PRACTICE = False
    asked = request_observation(
        target=target,
        event=event,
        facility="LCO",
        instrument="1M0-SCICAM-SINISTRO",
        spec=make_spec(),
        by=observer,
    )
    submit_request(asked)
    return asked


def poll(request: ObservationRequest) -> str:
    poll_requests("LCO", timezone.now())
    request.refresh_from_db()
    return request.state


def carry_out(operator: Operator, request: ObservationRequest) -> dict[str, Any]:
    observation = operator.schedule(operator.groups(request.key)[0])
    operator.execute(observation, "COMPLETED")
    return observation


@pytest.mark.portal
def test_what_was_observed_becomes_a_pointing_once_and_bad_data_take_it_back(
    operator: Operator, request_: ObservationRequest
) -> None:
    observation = carry_out(operator, request_)
    assert poll(request_) == RequestState.COMPLETED
    poll(request_)

    pointing = Pointing.objects.get()
    assert (pointing.source, pointing.status) == (Source.OWN, Status.COMPLETED)
    assert (pointing.instrument, pointing.facility) == ("Sinistro", "LCO cpt")
    assert pointing.event == request_.event
    assert pointing.group is None
    assert (pointing.ra, pointing.dec) == pytest.approx((request_.target.ra, request_.target.dec))
    assert (pointing.band, pointing.exposure_s) == ("rp", 240)
    assert timedelta(0) < timezone.now() - pointing.time < timedelta(minutes=10)
    assert pointing.external_id.startswith(request_.key)

    operator.spoil(observation)
    assert poll(request_) == RequestState.ACCEPTED
    pointing.refresh_from_db()
    assert pointing.status == Status.CANCELLED


@pytest.mark.portal
def test_a_private_request_becomes_no_pointing(
    operator: Operator, request_: ObservationRequest
) -> None:
    ObservationRequest.objects.filter(pk=request_.pk).update(is_public=False)
    carry_out(operator, request_)

    assert poll(request_) == RequestState.COMPLETED
    assert not Pointing.objects.exists()


@pytest.mark.portal
def test_a_portal_for_practice_observes_nothing(
    operator: Operator, request_: ObservationRequest, settings: Settings
) -> None:
    settings.OCS_PRACTICE = True
    carry_out(operator, request_)

    assert poll(request_) == RequestState.COMPLETED
    assert not Pointing.objects.exists()


def told(**changed: Any) -> dict[str, Any]:
    configuration = {
        "configuration_status": 7,
        "state": "COMPLETED",
        "target": {"ra": 360.0, "dec": -5.0},
        "summary": {"start": "2026-11-27T01:02:03Z"},
        "instrument_configs": [
            {"exposure_time": 60, "exposure_count": 2, "optical_elements": {"filter": "rp"}},
            {"exposure_time": 30.5, "exposure_count": 1, "optical_elements": {}},
        ],
    }
    return {"site": "cpt", "request": {"configurations": [configuration | changed]}}


def test_each_filter_of_a_configuration_is_read() -> None:
    one, other = read_observation(told())

    assert (one.id, one.element, one.seconds) == ("7-0", "rp", 120)
    assert (other.id, other.element, other.seconds) == ("7-1", "", 30.5)
    assert (one.ra, one.dec, one.site) == (0, -5, "cpt")
    assert one.start == datetime(2026, 11, 27, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize("changed", [{"state": "FAILED"}, {"summary": {}}])
def test_what_was_not_carried_out_is_left_out(changed: dict[str, Any]) -> None:
    assert read_observation(told(**changed)) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"target": {"ra": "nowhere", "dec": 0}},
        {"target": {"ra": float("nan"), "dec": 0}},
        {"target": None},
        {"summary": {"start": "yesterday"}},
        {"summary": {"start": 5}},
        {"configuration_status": None},
        {"instrument_configs": [{"exposure_time": 1e999, "exposure_count": 1}]},
        {"instrument_configs": {"exposure_time": 1}},
    ],
)
def test_an_answer_that_is_odd_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(UnknownOutcomeError):
        read_observation(told(**changed))
