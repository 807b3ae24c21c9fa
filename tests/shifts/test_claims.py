"""One person has a target; others see it, may take it, and nobody keeps it for ever."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from tests.factories import make_event, make_group, make_observer, make_target
from tests.reports.alarms.conftest import make_shift
from tom.changes.models import Change
from tom.shifts.claims import (
    OFF_SHIFT,
    ClaimedError,
    claim_target,
    claims_on,
    release_claim,
    take_claim,
)
from tom.shifts.models import Claim
from tom.shifts.visits import PAUSE, away_since, mark_read, note_visit

pytestmark = pytest.mark.django_db


def holder(target, now) -> str:
    claim = claims_on([target.pk], now=now).get(target.pk)
    return claim.by.get_username() if claim else ""


@pytest.fixture
def target():
    return make_target()


def test_a_second_person_is_told_who_has_it_and_may_take_it(target) -> None:
    ada, bob, now = make_observer("ada"), make_observer("bob"), timezone.now()
    event = make_event()
    claim_target(target, by=ada, now=now, event=event)

    with pytest.raises(ClaimedError, match="ada has this one"):
        claim_target(target, by=bob, now=now)
    assert holder(target, now) == "ada"

    taken = take_claim(target, by=bob, now=now + timedelta(minutes=1))
    assert holder(target, taken.created) == "bob"
    assert taken.event == event
    assert Claim.objects.get(by=ada).released_by == bob


def test_a_claim_is_released_once_and_can_be_made_again(target) -> None:
    ada, now = make_observer(), timezone.now()
    claim = claim_target(target, by=ada, now=now)
    assert claim_target(target, by=ada, now=now) == claim

    assert release_claim(claim, by=ada, now=now)
    assert not release_claim(claim, by=ada, now=now)
    assert holder(target, now) == ""
    assert claim_target(target, by=ada, now=now) != claim


def test_a_claim_made_on_shift_ends_with_the_shift(target) -> None:
    shift, now = make_shift(), timezone.now()
    claim_target(target, by=shift.person, now=now)

    assert holder(target, shift.end - timedelta(seconds=1))
    assert holder(target, shift.end) == ""


def test_a_claim_made_off_shift_ends_after_hours_and_makes_room(target) -> None:
    ada, bob, now = make_observer("ada"), make_observer("bob"), timezone.now()
    claim_target(target, by=ada, now=now)

    assert holder(target, now + OFF_SHIFT - timedelta(seconds=1)) == "ada"
    claim_target(target, by=bob, now=now + OFF_SHIFT)

    assert holder(target, now + OFF_SHIFT) == "bob"
    assert Claim.objects.get(by=ada).released == now + OFF_SHIFT


def test_a_claim_of_a_private_target_is_seen_by_its_group_alone() -> None:
    group = make_group()
    ada, bob = make_observer(groups=[group]), make_observer()
    hidden = make_target(private=True, owners=[group])
    claim = claim_target(hidden, by=ada, now=timezone.now())

    assert list(Claim.objects.visible_to(ada)) == [claim]
    assert not Claim.objects.visible_to(bob).exists()


@pytest.mark.django_db(transaction=True)
def test_of_several_people_at_once_one_has_it(target) -> None:
    people, now = [make_observer() for _ in range(4)], timezone.now()

    def claim(person) -> str:
        try:
            claim_target(target, by=person, now=now)
        except ClaimedError:
            return "refused"
        finally:
            connections.close_all()
        return "has it"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(claim, people))

    assert outcomes == ["has it", *["refused"] * 3]
    assert Change.objects.filter(topic="claim", key=str(target.pk)).count() == 1


# --- Since you were away ------------------------------------------------------------------------
def test_who_comes_back_after_a_pause_was_away_until_they_read_it() -> None:
    ada, now = make_observer(), timezone.now()
    back = now + PAUSE + timedelta(hours=7)
    note_visit(ada, now=now)
    assert away_since(ada, now=now + PAUSE / 2) is None

    assert away_since(ada, now=back) == now
    note_visit(ada, now=back)
    note_visit(ada, now=back + PAUSE / 2)
    assert away_since(ada, now=back + PAUSE / 2) == now

    mark_read(ada, now=back + PAUSE / 2)
    assert away_since(ada, now=back + PAUSE / 2) is None


def test_who_never_was_here_was_not_away() -> None:
    assert away_since(make_observer(), now=timezone.now()) is None
