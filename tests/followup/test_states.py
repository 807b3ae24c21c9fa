"""The table of states."""

import itertools

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from tom_targets.base_models import BaseTarget

from tests.followup.conftest import make_request
from tom.changes.models import Change, Topic
from tom.followup.facilities.contract import Progress
from tom.followup.models import ObservationRequest, StateChange
from tom.followup.progress import state_after
from tom.followup.states import ENDS, LEGAL, SENDABLE, UNDER_WAY, RequestState
from tom.outbox.moves import move
from tom.outbox.table import IllegalMoveError

S = RequestState
# The request's life as the design draws it, one line for each arrow.
ARROWS = {
    (S.PROPOSED, S.APPROVED),
    (S.APPROVED, S.SUBMITTING),
    (S.SUBMITTING, S.ACCEPTED),
    (S.SUBMITTING, S.REJECTED),
    (S.SUBMITTING, S.RETRY_AT),
    (S.SUBMITTING, S.UNKNOWN),
    (S.RETRY_AT, S.SUBMITTING),
    (S.UNKNOWN, S.ACCEPTED),
    (S.UNKNOWN, S.SUBMITTING),
    (S.ACCEPTED, S.SCHEDULED),
    (S.SCHEDULED, S.IN_PROGRESS),
    (S.IN_PROGRESS, S.COMPLETED),
    (S.IN_PROGRESS, S.EXPIRED),
    (S.IN_PROGRESS, S.FAILED),
    (S.CANCEL_REQUESTED, S.CANCELED),
    (S.CANCEL_REQUESTED, S.COMPLETED_AFTER_CANCEL),
    (S.CANCELED, S.COMPLETED_AFTER_CANCEL),
    (S.COMPLETED, S.ACCEPTED),
}
NEVER = {
    (S.PROPOSED, S.SUBMITTING),  # not without approval
    (S.HELD, S.SUBMITTING),  # not without a person
    (S.UNKNOWN, S.RETRY_AT),  # never sent again blindly
    (S.UNKNOWN, S.APPROVED),
    (S.UNKNOWN, S.CANCELED),  # it may be there
    (S.SUBMITTING, S.CANCELED),
    (S.ACCEPTED, S.SUBMITTING),
    (S.REJECTED, S.SUBMITTING),
    (S.CANCELED, S.SUBMITTING),
    (S.COMPLETED_AFTER_CANCEL, S.ACCEPTED),
}


@pytest.mark.parametrize(("old", "new"), sorted(ARROWS))
def test_every_arrow_of_the_design_is_legal(old: RequestState, new: RequestState) -> None:
    assert new in LEGAL[old]


@pytest.mark.parametrize(("old", "new"), sorted(NEVER))
def test_no_request_goes_where_it_could_be_sent_twice(old: RequestState, new: RequestState) -> None:
    assert new not in LEGAL[old]


def test_only_what_is_approved_due_again_or_settled_is_ever_sent() -> None:
    senders = {old for old, new in LEGAL.items() if S.SUBMITTING in new}

    assert senders == SENDABLE | {S.UNKNOWN}


def test_every_state_that_a_facility_may_know_of_is_cancelled_through_the_facility() -> None:
    never_sent = {S.PROPOSED}  # one approved, held or due again may have been sent before

    for state in UNDER_WAY - never_sent - {S.CANCEL_REQUESTED}:
        assert S.CANCEL_REQUESTED in LEGAL[state]


def test_every_state_has_its_line_and_no_state_leads_to_itself() -> None:
    assert set(LEGAL) == set(S)
    assert not [state for state, following in LEGAL.items() if state in following]
    assert not UNDER_WAY & ENDS


@pytest.mark.parametrize(("old", "progress"), list(itertools.product(S, Progress)))
def test_what_a_facility_says_leads_only_where_it_may(
    old: RequestState, progress: Progress
) -> None:
    new = state_after(old, progress)

    assert new == old or new in LEGAL[old]


@pytest.mark.django_db
def test_an_illegal_move_raises_and_changes_nothing(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer, state=S.REJECTED)

    with pytest.raises(IllegalMoveError, match="rejected to submitting"):
        move(request, S.SUBMITTING)

    assert not StateChange.objects.filter(request=request, new=S.SUBMITTING).exists()


@pytest.mark.django_db
def test_a_move_from_a_state_that_is_past_does_nothing(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer)
    stale = ObservationRequest.objects.get(pk=request.pk)

    first = move(request, S.SUBMITTING)
    second = move(stale, S.SUBMITTING)

    assert (first, second) == (True, False)
    assert request.changes.filter(new=S.SUBMITTING).count() == 1


@pytest.mark.django_db
def test_a_move_is_kept_with_who_and_why_and_pages_are_told(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer)
    Change.objects.all().delete()

    move(request, S.HELD, reason="clouds", by=observer)

    change = request.changes.last()
    assert change is not None
    assert (change.old, change.new, change.reason, change.by) == (
        S.APPROVED,
        S.HELD,
        "clouds",
        observer,
    )
    assert Change.objects.filter(topic=Topic.REQUEST, key=str(request.pk)).count() == 1


@pytest.mark.django_db
def test_the_database_knows_the_states(target: BaseTarget, observer: User) -> None:
    request = make_request(target, observer)

    with pytest.raises(IntegrityError), transaction.atomic():
        ObservationRequest.objects.filter(pk=request.pk).update(state="lost")


@pytest.mark.django_db
def test_the_database_refuses_an_accepted_request_without_the_facilitys_id(
    target: BaseTarget, observer: User
) -> None:
    request = make_request(target, observer)

    with pytest.raises(IntegrityError), transaction.atomic():
        ObservationRequest.objects.filter(pk=request.pk).update(state=S.ACCEPTED)
