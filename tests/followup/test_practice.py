"""The practice telescope, and requests followed through their life on it."""

import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.followup.conftest import follow_requests, make_request
from tom.followup.facilities import available_facilities, get_facility
from tom.followup.facilities.practice.rows import PracticeObservation
from tom.followup.models import ObservationRequest
from tom.followup.services import (
    cancel_request,
    poll_requests,
    send_cancel,
    submit_request,
)
from tom.followup.states import RequestState

pytestmark = pytest.mark.django_db
S = RequestState


@pytest.fixture(autouse=True)
def long_steps(settings: Settings) -> None:
    """However slow the tests are, the telescope goes on when they say so."""
    settings.PRACTICE_STEP_SECONDS = 3600


def pass_steps(key: str, steps: float) -> None:
    """Let the practice telescope work for some steps."""
    row = PracticeObservation.objects.get(key=key)
    row.created -= timedelta(seconds=steps * row.step_seconds)
    row.save()


def test_a_request_goes_through_its_life(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer)
    submit_request(request)
    pass_steps(request.key, 0.1)
    seen = []

    for _ in range(4):
        poll_requests("PRACTICE", timezone.now())
        request.refresh_from_db()
        seen.append(request.state)
        pass_steps(request.key, 1)

    assert seen == [S.ACCEPTED, S.SCHEDULED, S.IN_PROGRESS, S.COMPLETED]
    assert request.record is not None
    assert request.record.status == "COMPLETED"
    assert [change.new for change in request.changes.all()][-5:] == [
        S.SUBMITTING,
        S.ACCEPTED,
        S.SCHEDULED,
        S.IN_PROGRESS,
        S.COMPLETED,
    ]


def test_requests_that_did_not_change_cost_no_queries_of_their_own(
    observer: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(8):
        submit_request(make_request(factories.make_target(), observer))
    poll_requests("PRACTICE", timezone.now())
    before = timezone.now()

    with django_assert_max_num_queries(8):
        poll_requests("PRACTICE", timezone.now())

    assert ObservationRequest.objects.filter(polled__gte=before).count() == 8


def test_it_takes_seconds_as_the_setting_says(
    target: BaseTarget, observer: User, settings: Settings
) -> None:
    settings.PRACTICE_STEP_SECONDS = 0.1
    request = make_request(target, observer)
    submit_request(request)

    deadline = time.monotonic() + 30
    while request.state != S.COMPLETED and time.monotonic() < deadline:
        follow_requests(timezone.now())
        request.refresh_from_db()
        time.sleep(0.05)

    assert request.state == S.COMPLETED


def test_the_same_key_makes_one_observation(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer)
    telescope = get_facility("PRACTICE")

    first = telescope.submit(request.body, key=request.key)
    second = telescope.submit(request.body, key=request.key)

    assert first.id == second.id
    assert PracticeObservation.objects.count() == 1


def test_a_cancel_in_time_cancels(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer)
    submit_request(request)
    request.refresh_from_db()

    cancel_request(request, observer)
    send_cancel(request)

    request.refresh_from_db()
    assert request.state == S.CANCELED
    assert get_facility("PRACTICE").status(request.remote_id).state == "CANCELED"


def test_a_cancel_too_late_ends_as_completed_after_cancel(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer)
    submit_request(request)
    request.refresh_from_db()
    pass_steps(request.key, 5)

    cancel_request(request, observer)
    send_cancel(request)

    request.refresh_from_db()
    assert request.state == S.COMPLETED_AFTER_CANCEL


def test_it_says_what_it_is_and_is_not_real() -> None:
    telescope = get_facility("PRACTICE")

    assert "observes nothing" in telescope.label
    assert not telescope.is_real


def test_it_is_not_offered_where_the_setting_is_off(settings: Settings) -> None:
    settings.PRACTICE_TELESCOPE = False

    assert "PRACTICE" not in available_facilities()


def test_every_call_is_kept_with_its_request(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer)

    submit_request(request)

    exchange = request.exchanges.get()
    assert exchange.method == "POST"
    assert request.key in exchange.sent
