"""Scanning: which comes next, where one stopped, how far people are, and how far they agree."""

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_candidate, make_event, make_observer
from tom.candidates.agreement import count_progress, measure_agreement
from tom.candidates.models import EventCandidate, ScanPlace, Vetting
from tom.candidates.scanning import (
    MOST_PASSED,
    hand_over,
    next_open,
    passed_by,
    return_to,
    stop_at,
)
from tom.candidates.verdicts import give_verdict
from tom.strategies.listings import Listing
from tom.web.vettings import verdicts_of

NOW = timezone.now()


@given(st.lists(st.integers(1, 30), unique=True), st.sets(st.integers(1, 30)))
def test_going_on_meets_each_open_candidate_once_in_the_lists_order(
    keys: list[int], hidden: set[int]
) -> None:
    met: list[int] = []
    at = next_open(keys, hidden, after=None)
    while at is not None:
        met.append(at)
        at = next_open(keys, hidden, after=at)

    assert met == [key for key in keys if key not in hidden]


def test_a_candidate_that_left_the_list_is_followed_by_the_first_that_is_open() -> None:
    assert next_open([1, 2, 3], {1}, after=99) == 2
    assert next_open([1, 2, 3], set(), after=2) == 3
    assert next_open([1, 2, 3], {3}, after=2) is None


def test_what_left_the_list_stood_behind_the_nearest_that_is_still_there() -> None:
    before, now = [1, 2, 3, 4, 5, 6], [1, 2, 5, 6]
    passed = passed_by(before, 4)

    assert passed == [3, 2, 1]
    assert next_open(now, {5}, after=4, passed=passed) == 6
    assert next_open([6, 5], set(), after=4, passed=passed) == 6
    assert len(passed_by(range(3000), 2500)) == MOST_PASSED


@pytest.fixture
def candidates(db: None) -> list[EventCandidate]:
    event = make_event()
    return [make_candidate(event, rank=rank) for rank in range(1, 6)]


def test_progress_counts_candidates_and_agreement_those_of_several_people(
    candidates: list[EventCandidate],
) -> None:
    vera, ed = make_observer("vera"), make_observer("ed")
    for candidate, (hers, his) in zip(
        candidates,
        [
            ("promising", "promising"),
            ("rejected", "watching"),
            ("rejected", ""),
            ("", ""),
            ("", "watching"),
        ],
        strict=True,
    ):
        for person, verdict in ((vera, hers), (ed, his)):
            if verdict:
                give_verdict(candidate, Vetting(verdict), by=person)
    keys = [row.pk for row in candidates]
    said = verdicts_of(keys, vera)

    progress, agreement = count_progress(keys, said), measure_agreement(keys, said)

    assert (progress.total, progress.decided, progress.share) == (5, 4, 0.8)
    assert progress.by == [("ed", 3), ("vera", 3)]
    assert (agreement.together, agreement.alike, agreement.share) == (2, 1, 0.5)
    assert agreement.differing == [candidates[1].pk]
    assert measure_agreement(keys[2:], said).share is None


def test_a_hand_over_holds_until_the_person_goes_on(candidates: list[EventCandidate]) -> None:
    vera, ed = make_observer("vera"), make_observer("ed")
    listing = Listing(candidates[0].event, None)

    nowhere = hand_over(vera, listing, ed, note="")
    stop_at(vera, listing, candidates[2].pk, query="hide=mine", now=NOW)
    handed = hand_over(vera, listing, ed, note="two are left")
    return_to(vera, listing, candidates[1].pk, now=NOW)

    assert nowhere is None
    assert handed is not None
    assert (handed.candidate, handed.handed_to, handed.note) == (candidates[2], ed, "two are left")
    place = ScanPlace.objects.get()
    assert (place.candidate, place.handed_to, place.note) == (candidates[1], None, "")


def test_a_person_has_one_place_in_an_event_and_none_is_made_by_going_back(
    candidates: list[EventCandidate],
) -> None:
    vera, listing = make_observer("vera"), Listing(candidates[0].event, None)

    return_to(vera, listing, candidates[0].pk, now=NOW)
    made_by_going_back = ScanPlace.objects.count()
    for member in (candidates[0].pk, candidates[1].pk, None):
        stop_at(vera, listing, member, query="", now=NOW)

    assert made_by_going_back == 0
    assert ScanPlace.objects.get().candidate is None
