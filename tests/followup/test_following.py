"""What is due, what was interrupted, and how requests are held and cancelled."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.followup.conftest import follow_requests, make_request
from tom.events.models import NonLocalizedEvent
from tom.followup.exchanges import forget_polls, keep_call
from tom.followup.facilities.contract import Call
from tom.followup.facilities.practice.rows import PracticeObservation
from tom.followup.models import ObservationRequest
from tom.followup.services import (
    IllegalMoveError,
    RefusedRequestError,
    cancel_request,
    due_requests,
    release_request,
    stop_requests,
    stop_sending,
    submit_request,
)
from tom.followup.states import RequestState
from tom.outbox.moves import move

pytestmark = pytest.mark.django_db
S = RequestState


def test_an_approved_request_whose_nudge_was_lost_is_due(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer)
    now = timezone.now()

    at_once, later = due_requests(now), due_requests(now + timedelta(seconds=11))

    assert at_once.submit == []
    assert later.submit == [request.pk]


def test_what_was_handed_out_is_not_handed_out_again_at_once(
    target: BaseTarget, observer: User
) -> None:
    now = timezone.now()
    request = make_request(target, observer, state=S.RETRY_AT, due_at=now)

    first, second = due_requests(now), due_requests(now + timedelta(seconds=5))
    third = due_requests(now + timedelta(minutes=1))

    assert (first.submit, second.submit, third.submit) == ([request.pk], [], [request.pk])


def test_a_cancel_whose_nudge_was_lost_is_due_even_while_sending_is_stopped(
    target: BaseTarget, observer: User
) -> None:
    now = timezone.now()
    cancel = make_request(target, observer, state=S.CANCEL_REQUESTED, due_at=now)
    make_request(factories.make_target(), observer, due_at=now)
    stop_sending(observer, reason="storm")

    due = due_requests(now)

    assert (due.submit, due.cancel) == ([], [cancel.pk])


@pytest.mark.parametrize("state", sorted(set(S) - {S.APPROVED, S.RETRY_AT, S.CANCEL_REQUESTED}))
def test_nothing_else_is_ever_handed_out(
    state: RequestState, target: BaseTarget, observer: User
) -> None:
    make_request(target, observer, state=state, remote_id="1")
    now = timezone.now() + timedelta(days=1)

    due = due_requests(now)

    assert (due.submit, due.cancel) == ([], [])


def test_what_a_killed_worker_was_sending_is_unknown_then_found_by_its_key(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer)
    now = timezone.now()
    PracticeObservation.objects.create(  # it arrived, and nobody heard the answer
        key=request.key, body=request.body, created=now, step_seconds=60
    )
    ObservationRequest.objects.filter(pk=request.pk).update(
        state=S.SUBMITTING, attempts=1, tried_at=now - timedelta(seconds=100), due_at=None
    )

    follow_requests(now)

    request.refresh_from_db()
    assert request.state == S.ACCEPTED
    assert [change.new for change in request.changes.all()][-2:] == [S.UNKNOWN, S.ACCEPTED]
    assert PracticeObservation.objects.count() == 1


def test_what_is_just_being_sent_is_left_alone(target: BaseTarget, observer: User) -> None:
    now = timezone.now()
    request = make_request(target, observer)
    claimed = {"attempts": 1, "tried_at": now, "due_at": now + request.patience.deadline}
    assert move(request, S.SUBMITTING, **claimed)

    follow_requests(now + timedelta(seconds=30))

    request.refresh_from_db()
    assert request.state == S.SUBMITTING


@pytest.mark.django_db(transaction=True)
def test_of_workers_at_the_same_moment_one_sends(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer)
    start, sent = threading.Barrier(4), []

    def work() -> None:
        start.wait()
        sent.append(submit_request(request))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(sent) == [False, False, False, True]
    assert request.exchanges.filter(method="POST").count() == 1


def test_a_retraction_holds_what_is_unsent_and_cancels_what_was_asked_for_so(
    observer: User,
) -> None:
    event = factories.make_event(retracted=True)

    def ask(state: S, **fields: object) -> ObservationRequest:
        return make_request(
            factories.make_target(), observer, **{"event": event, "state": state, **fields}
        )

    unsent = [
        ask(state, cancel_if_retracted=cancel)
        for state in (S.PROPOSED, S.APPROVED, S.RETRY_AT)
        for cancel in (True, False)
    ]
    there = ask(S.SCHEDULED, remote_id="7")
    to_cancel = [
        ask(state, remote_id="8", attempts=1, cancel_if_retracted=True)
        for state in (S.ACCEPTED, S.SCHEDULED, S.IN_PROGRESS, S.SUBMITTING, S.UNKNOWN)
    ]
    ended = ask(S.COMPLETED, remote_id="9", cancel_if_retracted=True)
    other = ask(S.APPROVED, event=factories.make_event(), cancel_if_retracted=True)

    stop_requests(event, reason="The event was retracted")

    states = dict(ObservationRequest.objects.values_list("pk", "state"))
    assert {states[request.pk] for request in unsent} == {S.HELD}
    assert {states[request.pk] for request in to_cancel} == {S.CANCEL_REQUESTED}
    assert [states[each.pk] for each in (there, ended, other)] == [
        S.SCHEDULED,
        S.COMPLETED,
        S.APPROVED,
    ]
    change = to_cancel[0].changes.get(new=S.CANCEL_REQUESTED)
    assert (change.by, change.reason) == (None, "The event was retracted")
    due = due_requests(timezone.now())
    assert sorted(due.cancel) == [request.pk for request in to_cancel]


def test_a_held_request_is_sent_only_after_a_person_released_it(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer, state=S.HELD)

    before = submit_request(request)
    release_request(request, observer)
    after = submit_request(request)

    assert (before, after) == (False, True)
    assert request.changes.filter(new=S.APPROVED).last().by == observer


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"retracted": True}, "is retracted"), ({"test_reasons": ["group is Test"]}, "test event")],
)
def test_what_would_be_held_again_at_once_is_not_released(
    fields: dict[str, object],
    reason: str,
    target: BaseTarget,
    observer: User,
    settings: Settings,
) -> None:
    settings.OCS_PORTAL_URL = "http://127.0.0.1:9"
    event = factories.make_event()
    request = make_request(target, observer, facility="LCO", state=S.HELD, event=event)
    NonLocalizedEvent.objects.filter(pk=event.pk).update(**fields)

    with pytest.raises(RefusedRequestError, match=reason):
        release_request(ObservationRequest.objects.get(pk=request.pk), observer)

    request.refresh_from_db()
    assert request.state == S.HELD


def test_a_request_of_a_facility_no_longer_configured_is_not_released(
    target: BaseTarget, observer: User, settings: Settings
) -> None:
    request = make_request(target, observer, state=S.HELD)
    settings.PRACTICE_TELESCOPE = False

    with pytest.raises(RefusedRequestError, match="PRACTICE"):
        release_request(request, observer)


def test_a_released_request_that_may_have_been_sent_is_cancelled_through_the_facility(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer, state=S.HELD, attempts=1)
    release_request(request, observer)

    assert cancel_request(request, observer)

    assert request.state == S.CANCEL_REQUESTED


def test_an_unsent_request_is_cancelled_at_once(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer)

    cancel_request(request, observer)

    assert request.state == S.CANCELED
    assert not submit_request(request)


def test_a_request_that_may_have_been_sent_is_cancelled_through_the_facility(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer, state=S.RETRY_AT, attempts=1)

    cancel_request(request, observer)

    assert request.state == S.CANCEL_REQUESTED


def test_what_has_ended_cannot_be_cancelled(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer, state=S.COMPLETED, remote_id="1")

    with pytest.raises(IllegalMoveError):
        cancel_request(request, observer)


def test_an_ended_request_is_still_followed_for_a_week_past_its_window(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer)
    submit_request(request)
    ObservationRequest.objects.filter(pk=request.pk).update(state=S.EXPIRED)
    row = PracticeObservation.objects.get()
    row.created -= timedelta(minutes=30)
    row.save()

    follow_requests(timezone.now() + timedelta(days=11))
    request.refresh_from_db()
    after_that = request.state
    follow_requests(timezone.now() + timedelta(days=9))
    request.refresh_from_db()

    assert (after_that, request.state) == (S.EXPIRED, S.COMPLETED)


def test_a_slow_worker_does_not_send_after_another_attempt_in_between(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer, state=S.UNKNOWN, attempts=1)
    slow = ObservationRequest.objects.get(pk=request.pk)
    move(request, S.SUBMITTING, attempts=2)
    move(request, S.UNKNOWN)

    assert not move(slow, S.SUBMITTING, attempts=2)


def test_polls_are_forgotten_and_what_was_said_of_one_request_is_not(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer)
    submit_request(request)
    poll = Call("GET", "/", "", 200, "x" * 5000, "", 0.1)
    keep_call(poll, facility="LCO", request=None)

    forgotten = forget_polls(timezone.now())

    assert forgotten == 1
    assert request.exchanges.count() == 1
