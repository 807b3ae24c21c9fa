"""A call that was given up and comes through late: one copy is kept, the others are cancelled."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.followup.conftest import follow_requests, make_request, point_at
from tests.peers.ocs import LateProxy, Operator, late_proxy, wait_for
from tests.peers.ocs_answers import Trouble, portal_in_trouble
from tom.changes.models import Address
from tom.embedded.portal import Portal
from tom.events.models import NonLocalizedEvent
from tom.followup.facilities.ocs import calls as portal_calls
from tom.followup.models import ObservationRequest
from tom.followup.services import (
    cancel_request,
    reconcile_request,
    send_cancel,
    submit_request,
)
from tom.followup.states import RequestState
from tom.followup.strays import claim_strays, seek_strays

pytestmark = [pytest.mark.django_db]
S = RequestState


@pytest.fixture
def proxy(ocs_portal: Portal) -> Iterator[LateProxy]:
    with late_proxy(ocs_portal) as proxy:
        yield proxy


@pytest.fixture
def delayed(
    ocs_portal: Portal,
    proxy: LateProxy,
    settings: Settings,
    target: BaseTarget,
    observer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> ObservationRequest:
    """A request given up while it is on its way; the quiet time is over."""
    point_at(settings, ocs_portal, proxy.url)
    settings.REQUEST_QUIET_SECONDS = 0
    request = make_request(target, observer, facility="LCO")
    with monkeypatch.context() as patch:
        patch.setattr(portal_calls, "READ_SECONDS", 1)
        submit_request(request)
    request.refresh_from_db()
    assert request.state == S.UNKNOWN
    Address.objects.update(rests_until=None)  # it has rested
    return request


def let_through(
    proxy: LateProxy, operator: Operator, request: ObservationRequest, *, groups: int
) -> None:
    """Let the late one through, and follow the requests in a minute."""
    proxy.let_through.set()
    wait_for(lambda: len(operator.groups(request.key)) == groups, seconds=60)
    follow_requests(timezone.now() + timedelta(minutes=1))
    request.refresh_from_db()


@pytest.mark.portal
@pytest.mark.timeout(600)
def test_of_a_request_sent_again_the_late_first_copy_is_cancelled_and_told(
    proxy: LateProxy,
    operator: Operator,
    delayed: ObservationRequest,
    client: Client,
    observer: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reconcile_request(delayed)
    delayed.refresh_from_db()
    kept = delayed.remote_id
    assert (delayed.state, delayed.attempts) == (S.ACCEPTED, 2)

    with caplog.at_level(logging.WARNING, "tom.followup"):
        let_through(proxy, operator, delayed, groups=2)

    states = {str(group["id"]): group["state"] for group in operator.groups(delayed.key)}
    stray = delayed.strays.get()
    assert (delayed.state, delayed.remote_id) == (S.ACCEPTED, kept)
    assert states == {kept: "PENDING", stray.remote_id: "CANCELED"}
    assert "second copy" in caplog.text
    client.force_login(observer)
    page = client.get(f"/requests/{delayed.pk}/").content.decode()
    words = " ".join(page.split())
    assert f'second copy of this request, <span class="mono">{stray.remote_id}</span>' in words


@pytest.mark.portal
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seconds_late", [10, 100, 1000])
def test_of_two_late_copies_both_are_cancelled_soon_however_late(
    ocs_portal: Portal,
    operator: Operator,
    settings: Settings,
    target: BaseTarget,
    observer: User,
    monkeypatch: pytest.MonkeyPatch,
    seconds_late: int,
) -> None:
    settings.REQUEST_QUIET_SECONDS = 0
    with late_proxy(ocs_portal, held=2) as proxy:
        point_at(settings, ocs_portal, proxy.url)
        request = make_request(target, observer, facility="LCO")
        with monkeypatch.context() as patch:
            patch.setattr(portal_calls, "READ_SECONDS", 1)
            submit_request(request)
            Address.objects.update(rests_until=None)
            reconcile_request(request)
        Address.objects.update(rests_until=None)
        reconcile_request(request)
        request.refresh_from_db()
        kept = request.remote_id
        assert (request.state, request.attempts) == (S.ACCEPTED, 3)
        # Nothing is there at a last look before the copies come.
        sent = timezone.now() - timedelta(seconds=seconds_late)
        ObservationRequest.objects.filter(pk=request.pk).update(tried_at=sent)
        seek_strays(request)
        assert not request.strays.exists()
        proxy.let_through.set()
        wait_for(lambda: len(operator.groups(request.key)) == 3, seconds=60)

        soon = timedelta(seconds=max(30, seconds_late / 4) + 5)
        follow_requests(timezone.now() + soon)

    states = {str(group["id"]): group["state"] for group in operator.groups(request.key)}
    assert states.pop(kept) == "PENDING"
    assert list(states.values()) == ["CANCELED", "CANCELED"]
    assert {stray.remote_id for stray in request.strays.all() if stray.canceled} == set(states)


@pytest.mark.portal
@pytest.mark.timeout(600)
def test_a_copy_that_comes_through_after_a_cancel_is_cancelled(
    proxy: LateProxy, operator: Operator, delayed: ObservationRequest, observer: User
) -> None:
    cancel_request(delayed, observer)
    send_cancel(delayed)
    delayed.refresh_from_db()
    assert delayed.state == S.CANCELED

    let_through(proxy, operator, delayed, groups=1)

    assert [group["state"] for group in operator.groups(delayed.key)] == ["CANCELED"]
    assert delayed.state == S.CANCELED
    assert delayed.strays.get().canceled is not None


@pytest.mark.portal
@pytest.mark.timeout(600)
def test_a_held_request_that_came_through_late_is_followed(
    proxy: LateProxy, operator: Operator, delayed: ObservationRequest
) -> None:
    event: NonLocalizedEvent = factories.make_event(retracted=True)
    ObservationRequest.objects.filter(pk=delayed.pk).update(event=event)
    reconcile_request(delayed)
    delayed.refresh_from_db()
    assert delayed.state == S.HELD

    let_through(proxy, operator, delayed, groups=1)

    assert (delayed.state, delayed.reason) == (S.ACCEPTED, "It reached the facility late")
    assert operator.groups(delayed.key)[0]["state"] == "PENDING"
    assert not delayed.strays.exists()


@pytest.fixture
def trouble(settings: Settings) -> Iterator[Trouble]:
    with portal_in_trouble() as server:
        settings.OCS_PORTAL_URL = server.url
        settings.OCS_API_TOKEN = "token"
        settings.OCS_PROPOSAL = "TOM-001"
        settings.OCS_PRACTICE = True
        yield server


def accepted(target: BaseTarget, observer: User, **fields: object) -> ObservationRequest:
    return make_request(
        target,
        observer,
        facility="LCO",
        **{"state": S.ACCEPTED, "remote_id": "1", "attempts": 2, **fields},
    )


def test_a_copy_that_cannot_be_cancelled_is_kept_with_the_reason_and_asked_for_again(
    trouble: Trouble, target: BaseTarget, observer: User
) -> None:
    request = accepted(target, observer)
    groups = [{"id": pk, "name": request.key, "state": "PENDING"} for pk in (2, 1)]
    trouble.say(200, {"count": 2, "next": None, "results": groups})

    seek_strays(request)  # the same answer to the cancel is not understood

    stray = request.strays.get()
    request.refresh_from_db()
    assert (stray.remote_id, stray.canceled) == ("2", None)
    assert stray.reason.startswith("Not cancelled so far: ")
    assert request.strays_due is not None
    assert ("POST", "/api/requestgroups/2/cancel/") in trouble.calls
    assert ("POST", "/api/requestgroups/1/cancel/") not in trouble.calls


def test_a_copy_is_looked_for_until_the_window_is_over(
    trouble: Trouble, target: BaseTarget, observer: User
) -> None:
    now = timezone.now()
    request = accepted(target, observer, tried_at=now - timedelta(hours=1), strays_due=now)
    trouble.say(200, {"count": 0, "next": None, "results": []})

    seek_strays(request)
    request.refresh_from_db()
    within = request.strays_due
    over = {"window_start": now - timedelta(hours=2), "window_end": now - timedelta(hours=1)}
    ObservationRequest.objects.filter(pk=request.pk).update(**over)
    seek_strays(request)
    request.refresh_from_db()

    assert within is not None
    assert within - now == pytest.approx(timedelta(minutes=15), abs=timedelta(minutes=1))
    assert request.strays_due is None


def test_a_request_answered_at_once_is_not_asked_for_again(
    trouble: Trouble, target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer, facility="LCO")
    trouble.say(201, {"id": 1, "name": request.key, "state": "PENDING"})

    submit_request(request)

    tomorrow = timezone.now() + timedelta(days=1)
    assert claim_strays("LCO", tomorrow, lease=timedelta(minutes=2)) == []


def test_of_a_portal_that_does_not_answer_one_copy_is_asked_for(
    trouble: Trouble, target: BaseTarget, observer: User
) -> None:
    now = timezone.now()
    for name in ("a", "b", "c"):
        accepted(factories.make_target(name), observer, strays_due=now, remote_id=name)
    trouble.say(503)

    follow_requests(now)

    assert len([call for call in trouble.calls if "name=" in call[1]]) == 1
