"""Asking for an observation: what is written down, and what is refused."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.followup.conftest import make_request, make_spec
from tom.events.models import NonLocalizedEvent
from tom.followup.asking import make_key
from tom.followup.models import KEY_LENGTH, ObservationRequest
from tom.followup.services import (
    DuplicateRequestError,
    InvalidSpecError,
    RefusedRequestError,
    UnknownFacilityError,
    cancel_request,
    request_observation,
)
from tom.followup.states import RequestState
from tom.targets.models import TargetSummary

pytestmark = pytest.mark.django_db


def ask(
    target: BaseTarget,
    by: User,
    *,
    event: NonLocalizedEvent | None = None,
    facility: str = "PRACTICE",
    duplicate_of: int | None = None,
    **spec: object,
) -> ObservationRequest:
    imager = {"PRACTICE": "PRACTICE-IMAGER", "LCO": "1M0-SCICAM-SINISTRO"}[facility]
    return request_observation(
        duplicate_of=duplicate_of,
        target=target,
        event=event,
        facility=facility,
        instrument=imager,
        spec=make_spec("r" if facility == "PRACTICE" else "rp", **spec),
        by=by,
    )


def test_a_request_is_approved_by_who_asks_and_its_key_is_kept(
    target: BaseTarget, observer: User
) -> None:
    request = ask(target, observer)

    request.refresh_from_db()
    assert request.state == RequestState.APPROVED
    assert request.created_by == observer
    assert request.body["name"] == request.key
    assert [change.new for change in request.changes.all()] == ["proposed", "approved"]


def test_a_request_for_an_events_candidate_names_it(observer: User) -> None:
    event = factories.make_event()
    candidate = factories.make_candidate(event)

    request = ask(candidate.target, observer, event=event)

    assert request.candidate == candidate


@pytest.mark.parametrize(
    ("event_fields", "word"),
    [({"test_reasons": ["superevent_id starts with MS"]}, "test"), ({"retracted": True}, "retr")],
)
def test_only_a_live_event_may_reach_a_real_facility(
    event_fields: dict[str, object],
    word: str,
    target: BaseTarget,
    observer: User,
    settings: Settings,
) -> None:
    settings.OCS_PORTAL_URL = "http://127.0.0.1:9"
    event = factories.make_event(**event_fields)

    with pytest.raises(RefusedRequestError, match=word):
        ask(target, observer, event=event, facility="LCO")

    assert not ObservationRequest.objects.exists()


def test_a_target_known_from_a_test_alone_reaches_no_real_facility_even_without_its_event(
    target: BaseTarget, observer: User, settings: Settings
) -> None:
    settings.OCS_PORTAL_URL = "http://127.0.0.1:9"
    TargetSummary.objects.filter(pk=target.pk).update(is_test=True)

    with pytest.raises(RefusedRequestError, match="known only from a test"):
        ask(target, observer, facility="LCO")

    assert ask(target, observer).state == RequestState.APPROVED


def test_a_test_event_may_reach_the_practice_telescope(target: BaseTarget, observer: User) -> None:
    event = factories.make_event(test_reasons=["demonstration"])

    assert ask(target, observer, event=event).state == RequestState.APPROVED


def test_a_portal_for_practice_takes_test_events_and_says_what_it_is(
    target: BaseTarget, observer: User, settings: Settings
) -> None:
    settings.OCS_PORTAL_URL = "http://127.0.0.1:9"
    settings.OCS_PRACTICE = True
    event = factories.make_event(test_reasons=["demonstration"])

    assert ask(target, observer, event=event, facility="LCO").state == RequestState.APPROVED


def test_a_second_request_for_the_same_needs_a_confirmation(
    target: BaseTarget, observer: User
) -> None:
    first = ask(target, observer)

    with pytest.raises(DuplicateRequestError) as raised:
        ask(target, observer)
    again = ask(target, observer, duplicate_of=first.pk)
    with pytest.raises(DuplicateRequestError) as confirmed_twice:
        ask(target, observer, duplicate_of=first.pk)

    assert raised.value.existing == first
    assert again.key != first.key
    assert confirmed_twice.value.existing == again


def test_a_request_that_ended_is_no_duplicate(target: BaseTarget, observer: User) -> None:
    first = ask(target, observer)
    cancel_request(first, observer)

    assert ask(target, observer).pk != first.pk


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_second", [False, True])
def test_of_clicks_at_the_same_moment_one_makes_a_request(
    target: BaseTarget, observer: User, is_second: bool
) -> None:
    start, outcomes = threading.Barrier(4), []
    duplicate_of = ask(target, observer).pk if is_second else None

    def click() -> None:
        start.wait()
        try:
            outcomes.append(ask(target, observer, duplicate_of=duplicate_of).state)
        except DuplicateRequestError:
            outcomes.append("duplicate")
        connection.close()

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()

    assert sorted(outcomes) == ["approved", "duplicate", "duplicate", "duplicate"]
    assert ObservationRequest.objects.count() == 1 + is_second


LONG = [{"element": "r", "seconds": 1200, "count": 20}]


def within(*, hours: float, until: float) -> dict[str, object]:
    """A window from and to so many hours from now."""
    now = timezone.now()
    return {
        "start": (now + timedelta(hours=hours)).isoformat(),
        "end": (now + timedelta(hours=until)).isoformat(),
    }


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"exposures": []}, "exposures"),
        ({"exposures": [{"element": "r", "seconds": -1}]}, "exposures.0.seconds"),
        ({"exposures": [{"element": "r", "seconds": float("nan")}]}, "exposures.0.seconds"),
        ({"exposures": [{"element": "r", "seconds": 5000}]}, "exposures.0.seconds"),
        ({"exposures": [{"element": "Q", "seconds": 10}]}, "exposures.0.element"),
        ({"exposures": [{"element": "r", "seconds": 10, "count": 0}]}, "exposures.0.count"),
        ({"start": "soon"}, "start"),
        ({"start": "2026-11-21T00:00:00"}, "start"),  # in which time zone?
        ({"start": "0001-01-01T00:00:00+01:00"}, "start"),  # before any year in UTC
        ({"end": "9999-12-31T23:59:59-01:00"}, "end"),
        ({"end": "2020-01-01T00:00:00Z"}, "end"),
        ({"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}, "end"),
        ({"mode": "NOW"}, "mode"),
        ({"mode": "RAPID_RESPONSE"}, "end"),  # its window is three days
        ({"mode": "RAPID_RESPONSE", **within(hours=3, until=20)}, "start"),
        ({"mode": "RAPID_RESPONSE", **within(hours=-10, until=27)}, "end"),
        ({"exposures": LONG, **within(hours=0, until=6)}, "end"),
        ({"exposures": LONG, **within(hours=-48, until=6)}, "end"),  # as much of it as is left
        (within(hours=0, until=24 * 185), "end"),
        ({"max_airmass": 0.5}, "max_airmass"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_observed_is_refused_with_the_field_at_fault(
    wrong: dict[str, object], field: str, target: BaseTarget, observer: User
) -> None:
    with pytest.raises(InvalidSpecError) as raised:
        ask(target, observer, **wrong)

    assert list(raised.value.errors) == [field]
    assert raised.value.errors[field][0]
    assert not ObservationRequest.objects.exists()


def test_an_unknown_facility_or_instrument_is_said(target: BaseTarget, observer: User) -> None:
    asked = {"target": target, "event": None, "spec": make_spec("r"), "by": observer}

    with pytest.raises(UnknownFacilityError, match="KECK"):
        request_observation(facility="KECK", instrument="PRACTICE-IMAGER", **asked)
    with pytest.raises(InvalidSpecError, match="MUSE"):
        request_observation(facility="PRACTICE", instrument="MUSE", **asked)


def test_a_target_without_a_position_cannot_be_asked_for(observer: User) -> None:
    target = BaseTarget.objects.create(name="comet", type="NON_SIDEREAL")

    with pytest.raises(RefusedRequestError, match="no position"):
        ask(target, observer)


def test_requests_of_private_targets_are_seen_by_who_sees_the_target(observer: User) -> None:
    friend = factories.make_user("friend")
    target = factories.make_target(private=True, owners=[friend])
    request = make_request(target, observer)

    stranger = factories.make_user("stranger")

    assert list(ObservationRequest.objects.visible_to(friend)) == [request]
    assert not ObservationRequest.objects.visible_to(stranger)


def test_the_window_is_that_of_the_spec(target: BaseTarget, observer: User) -> None:
    request = ask(target, observer)

    assert request.window_end - request.window_start == timedelta(days=3)
    assert request.window_end > timezone.now()


@given(st.text(max_size=80))
def test_a_key_fits_every_portal_and_every_header_and_is_never_the_same(name: str) -> None:
    key, other = make_key(name), make_key(name)

    assert key != other
    assert len(key) <= KEY_LENGTH
    assert key.isascii()
    assert key.isprintable()
