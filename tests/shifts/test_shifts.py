"""Shifts begin, end, are taken over and called off; one person has one at once."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.factories import make_observer, make_target
from tom.changes.models import Change
from tom.shifts.claims import claim_target, claims_on, release_claim
from tom.shifts.models import LONGEST_NOTE, Claim, Shift
from tom.shifts.services import (
    ShiftError,
    add_shift,
    call_off,
    end_shift,
    people_on_shift,
    take_over,
    write_note,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def ada() -> User:
    return make_observer("ada")


@pytest.fixture
def bob() -> User:
    return make_observer("bob")


def shift_of(person: User, start: datetime, hours: float = 8) -> Shift:
    end = start + hours * HOUR
    return add_shift(person, start=start, end=end, by=person, now=min(start, timezone.now()))


def test_who_is_on_shift_is_a_matter_of_the_time(ada, bob, now) -> None:
    shift_of(ada, now, 8)
    shift_of(bob, now + 4 * HOUR, 8)

    on = [people_on_shift(now + hours * HOUR) for hours in (-1, 0, 5, 8, 11.9, 12)]

    assert on == [[], [ada], [ada, bob], [bob], [bob], []]


def test_nobody_who_is_switched_off_is_on_shift(ada, now) -> None:
    shift_of(ada, now)
    User.objects.update(is_active=False)

    assert people_on_shift(now) == []


@pytest.mark.parametrize(("start", "hours"), [(1, 2), (-1, 2), (7, 2), (-1, 10), (0, 8)])
def test_one_person_has_one_shift_at_once(ada, now, start, hours) -> None:
    shift_of(ada, now + 24 * HOUR)

    with pytest.raises(ShiftError, match="ada has a shift at that time"):
        shift_of(ada, now + (24 + start) * HOUR, hours)


def test_a_shift_may_follow_another_and_a_called_off_one_is_none(ada, now) -> None:
    first = shift_of(ada, now + HOUR, 2)
    shift_of(ada, now + 3 * HOUR, 2)

    assert call_off(first, now=now)
    assert shift_of(ada, now + HOUR, 2)
    assert not call_off(first, now=now)


def test_the_database_holds_one_shift_at_once(ada, now) -> None:
    shift_of(ada, now)

    with pytest.raises(IntegrityError), transaction.atomic():
        Shift.objects.create(person=ada, start=now + HOUR, end=now + 2 * HOUR)


@pytest.mark.parametrize(
    ("start", "end"), [(0, 0), (2, 1), (0, 49), (-3, -1), (-60, 1), (24 * 400, 24 * 400 + 1)]
)
def test_times_that_cannot_be_meant_are_refused(ada, now, start, end) -> None:
    with pytest.raises(ShiftError):
        add_shift(ada, start=now + start * HOUR, end=now + end * HOUR, by=ada, now=now)


def test_a_shift_that_is_ended_releases_its_persons_claims(ada, now) -> None:
    shift = shift_of(ada, now - HOUR)
    target = make_target()
    claim_target(target, by=ada, now=now)

    assert end_shift(shift, by=ada, now=now + HOUR)

    assert not end_shift(shift, by=ada, now=now + 2 * HOUR)
    assert people_on_shift(now + HOUR) == []
    assert claims_on([target.pk], now=now + HOUR) == {}
    assert Claim.objects.get().released == now + HOUR


def test_a_shift_is_called_off_only_before_it_begins(ada, now) -> None:
    assert not call_off(shift_of(ada, now - HOUR), now=now)
    assert people_on_shift(now) == [ada]


def test_whoever_takes_over_has_the_shift_and_the_claims(ada, bob, now) -> None:
    shift = shift_of(ada, now - HOUR)
    target = make_target()
    claim_target(target, by=ada, now=now)

    taken = take_over(shift, bob, end=now + 8 * HOUR, now=now + HOUR)

    assert people_on_shift(now + HOUR) == [bob]
    assert taken.taken_from == shift
    claim = claims_on([target.pk], now=now + HOUR)[target.pk]
    assert (claim.by, claim.until) == (bob, taken.end)
    assert Claim.objects.get(by=ada).released_by == bob


def test_one_of_two_takes_over(ada, bob, now) -> None:
    shift = shift_of(ada, now - HOUR)
    cyd = make_observer("cyd")
    take_over(shift, bob, end=now + HOUR, now=now)

    with pytest.raises(ShiftError, match="no longer under way"):
        take_over(shift, cyd, end=now + HOUR, now=now)
    with pytest.raises(ShiftError, match="your own"):
        take_over(shift, ada, end=now + HOUR, now=now)

    assert people_on_shift(now) == [bob]


def test_a_take_over_that_is_refused_ends_nothing(ada, bob, now) -> None:
    shift = shift_of(ada, now - HOUR)
    shift_of(bob, now + HOUR)

    with pytest.raises(ShiftError, match="bob has a shift"):
        take_over(shift, bob, end=now + 8 * HOUR, now=now)

    assert people_on_shift(now) == [ada]


def test_a_note_says_who_wrote_it_and_has_a_limit(ada, bob, now) -> None:
    shift = shift_of(ada, now)
    write_note(shift, "All quiet.", by=bob, now=now)

    with pytest.raises(ShiftError):
        write_note(shift, "x" * (LONGEST_NOTE + 1), by=bob, now=now)

    shift.refresh_from_db()
    assert (shift.note, shift.note_by, shift.note_time) == ("All quiet.", bob, now)


def test_open_pages_hear_of_each_change(ada, bob, now) -> None:
    taken = take_over(shift_of(ada, now - HOUR), bob, end=now + HOUR, now=now)
    coming = shift_of(ada, now + 9 * HOUR)
    told = Change.objects.filter(topic="shift")
    assert told.count() == 3

    write_note(taken, "All quiet.", by=bob, now=now)
    assert told.count() == 4
    assert call_off(coming, now=now)
    assert told.count() == 5
    assert end_shift(taken, by=ada, now=now + HOUR / 2)

    assert told.count() == 6
    taken.refresh_from_db()
    assert taken.ended_by == ada


def test_open_pages_hear_of_each_claim_that_ends_with_a_shift(ada, bob, now) -> None:
    shift = shift_of(ada, now - HOUR)
    told = Change.objects.filter(topic="claim")
    claim = claim_target(make_target(), by=ada, now=now)
    assert release_claim(claim, by=ada, now=now)
    claim_target(make_target(), by=ada, now=now)
    assert told.count() == 3

    taken = take_over(shift, bob, end=now + HOUR, now=now)
    assert told.count() == 4
    assert end_shift(taken, by=ada, now=now + HOUR / 2)

    assert told.count() == 5
