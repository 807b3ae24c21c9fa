"""The real OCS portal: a request's whole life, every instrument, and lost answers."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests.followup.conftest import make_spec, point_at
from tests.peers.ocs import Operator, losing_proxy, wait_for
from tom.changes.models import Address
from tom.embedded.portal import Portal
from tom.followup.facilities.ocs import calls as portal_calls
from tom.followup.facilities.ocs.instruments import CARDS
from tom.followup.models import ObservationRequest
from tom.followup.services import (
    cancel_request,
    poll_requests,
    reconcile_request,
    request_observation,
    send_cancel,
    submit_request,
)
from tom.followup.states import RequestState

# The first one waits until the portal has started.
pytestmark = [pytest.mark.portal, pytest.mark.django_db, pytest.mark.timeout(600)]
INSTRUMENTS = [
    (card.name, instrument.name, element, mode)
    for card in CARDS
    for instrument in card.instruments
    for element, mode in zip(
        (instrument.elements[0], instrument.elements[-1]), instrument.modes[:2], strict=False
    )
]


def ask(target: BaseTarget, by: User) -> ObservationRequest:
    return request_observation(
        target=target,
        event=None,
        facility="LCO",
        instrument="1M0-SCICAM-SINISTRO",
        spec=make_spec(),
        by=by,
    )


@pytest.fixture
def request_(
    ocs_portal: Portal, settings: Settings, target: BaseTarget, observer: User
) -> ObservationRequest:
    """A request to the portal, approved and not yet sent."""
    point_at(settings, ocs_portal)
    return ask(target, observer)


def poll(request: ObservationRequest) -> str:
    poll_requests("LCO", timezone.now())
    request.refresh_from_db()
    return request.state


def test_a_request_goes_from_pending_to_completed(
    ocs_portal: Portal, operator: Operator, request_: ObservationRequest
) -> None:
    submit_request(request_)
    accepted = poll(request_)
    observation = operator.schedule(operator.groups(request_.key)[0])
    scheduled = poll(request_)
    operator.execute(observation, "ATTEMPTED")
    running = poll(request_)
    operator.execute(observation, "COMPLETED")
    completed = poll(request_)

    assert [accepted, scheduled, running, completed] == [
        RequestState.ACCEPTED,
        RequestState.SCHEDULED,
        RequestState.IN_PROGRESS,
        RequestState.COMPLETED,
    ]
    assert request_.record is not None
    assert request_.record.status == request_.remote_state == "COMPLETED"
    assert ocs_portal.token not in str(list(request_.exchanges.values()))


def test_bad_data_reopen_a_completed_request(
    operator: Operator, request_: ObservationRequest
) -> None:
    submit_request(request_)
    observation = operator.schedule(operator.groups(request_.key)[0])
    operator.execute(observation, "COMPLETED")
    assert poll(request_) == RequestState.COMPLETED

    operator.spoil(observation)

    assert poll(request_) == RequestState.ACCEPTED


def test_a_failed_observation_leaves_the_request_pending(
    operator: Operator, request_: ObservationRequest
) -> None:
    submit_request(request_)
    observation = operator.schedule(operator.groups(request_.key)[0])
    assert poll(request_) == RequestState.SCHEDULED

    operator.execute(observation, "FAILED")

    assert poll(request_) == RequestState.ACCEPTED


@pytest.mark.parametrize(
    ("how", "patience_seconds"), [("drop", 20), ("502", 20), ("cut", 20), ("hang", 2)]
)
def test_after_a_lost_answer_the_portal_holds_one_group_and_ours_finds_it(
    how: str,
    patience_seconds: float,
    ocs_portal: Portal,
    operator: Operator,
    settings: Settings,
    target: BaseTarget,
    observer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with losing_proxy(ocs_portal, how) as url:
        point_at(settings, ocs_portal, url)
        request = ask(target, observer)
        with monkeypatch.context() as patch:
            patch.setattr(portal_calls, "READ_SECONDS", patience_seconds)
            submit_request(request)
        request.refresh_from_db()
        assert request.state == RequestState.UNKNOWN
        assert request.reason
        submit_request(request)  # a second nudge sends nothing
        wait_for(lambda: operator.groups(request.key), seconds=60)  # it may be slower than we
        Address.objects.update(rests_until=None)  # it has rested

        reconcile_request(request)

    request.refresh_from_db()
    groups = operator.groups(request.key)
    assert request.state == RequestState.ACCEPTED
    assert [str(group["id"]) for group in groups] == [request.remote_id]
    assert request.attempts == 1


def test_a_request_of_an_earlier_proposal_is_found_and_followed_to_its_end(
    ocs_portal: Portal,
    operator: Operator,
    settings: Settings,
    target: BaseTarget,
    observer: User,
) -> None:
    with losing_proxy(ocs_portal, "502") as url:
        point_at(settings, ocs_portal, url)
        request = ask(target, observer)
        submit_request(request)
        settings.OCS_PROPOSAL = "NEXT-SEMESTER"

        reconcile_request(request)

    request.refresh_from_db()
    found = request.state
    point_at(settings, ocs_portal)
    settings.OCS_PROPOSAL = "NEXT-SEMESTER"
    observation = operator.schedule(operator.groups(request.key)[0])
    scheduled = poll(request)
    operator.execute(observation, "COMPLETED")

    assert [found, scheduled, poll(request)] == [
        RequestState.ACCEPTED,
        RequestState.SCHEDULED,
        RequestState.COMPLETED,
    ]


def test_a_cancel_reaches_the_portal(
    operator: Operator, request_: ObservationRequest, observer: User
) -> None:
    submit_request(request_)
    request_.refresh_from_db()

    cancel_request(request_, observer)
    send_cancel(request_)

    request_.refresh_from_db()
    assert request_.state == RequestState.CANCELED
    assert operator.groups(request_.key)[0]["state"] == "CANCELED"


def test_a_cancel_too_late_ends_as_completed_after_cancel(
    operator: Operator, request_: ObservationRequest, observer: User
) -> None:
    submit_request(request_)
    operator.execute(operator.schedule(operator.groups(request_.key)[0]), "COMPLETED")
    request_.refresh_from_db()

    cancel_request(request_, observer)
    send_cancel(request_)

    request_.refresh_from_db()
    assert request_.state == RequestState.COMPLETED_AFTER_CANCEL


def test_what_the_portal_refuses_is_rejected_with_its_reason(
    ocs_portal: Portal, settings: Settings, target: BaseTarget, observer: User
) -> None:
    point_at(settings, ocs_portal)
    target.dec = 89.0  # never above airmass 1.6 at these sites
    request = ask(target, observer)

    submit_request(request)

    request.refresh_from_db()
    assert request.state == RequestState.REJECTED
    assert "airmass" in request.reason.lower() or "visible" in request.reason.lower()


def test_a_wrong_token_is_a_definite_no(
    ocs_portal: Portal, settings: Settings, target: BaseTarget, observer: User
) -> None:
    point_at(settings, ocs_portal)
    settings.OCS_API_TOKEN = "wrong"
    request = ask(target, observer)

    submit_request(request)

    request.refresh_from_db()
    assert request.state == RequestState.REJECTED
    assert request.reason.startswith("40")


@pytest.mark.parametrize(("facility", "instrument", "element", "mode"), INSTRUMENTS)
def test_the_portal_takes_every_instrument_of_ours(
    facility: str,
    instrument: str,
    element: str,
    mode: str,
    ocs_portal: Portal,
    settings: Settings,
    target: BaseTarget,
    observer: User,
) -> None:
    point_at(settings, ocs_portal)
    request = request_observation(
        target=target,
        event=None,
        facility=facility,
        instrument=instrument,
        spec=make_spec(element, mode=mode),
        by=observer,
    )

    submit_request(request)

    request.refresh_from_db()
    assert (request.state, request.reason) == (RequestState.ACCEPTED, "")


def test_the_portal_takes_a_rapid_response(
    ocs_portal: Portal, settings: Settings, target: BaseTarget, observer: User
) -> None:
    point_at(settings, ocs_portal)
    end = (timezone.now() + timedelta(hours=23)).isoformat()
    request = request_observation(
        target=target,
        event=None,
        facility="LCO",
        instrument="1M0-SCICAM-SINISTRO",
        spec=make_spec(mode="RAPID_RESPONSE", end=end),
        by=observer,
    )

    submit_request(request)

    request.refresh_from_db()
    assert (request.state, request.reason) == (RequestState.ACCEPTED, "")
