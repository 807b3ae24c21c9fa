"""What it tells to settle a candidate: the entropy that it takes away, and which term is open."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.ranking.information import information_of, moderated, most_open
from tom.ranking.weighing import NO_DISTANCE_IN_MAP

odds = st.floats(-30, 30)
widths = st.floats(0, 30)


def entropy(chances: np.ndarray) -> float:
    """In bits."""
    some = chances[chances > 0]
    return float(-(some * np.log2(some)).sum())


@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=8))
def test_it_is_how_far_the_entropy_of_the_list_falls_when_one_is_settled(
    weights: list[float],
) -> None:
    """Asked of every candidate in turn, with what is left after a yes and after a no."""
    chances = np.array(weights) / sum(weights)
    for at, chance in enumerate(chances):
        others = np.delete(chances, at)
        after = (1 - chance) * entropy(others / others.sum())

        told = information_of(math.log(chance / (1 - chance)))

        assert told == pytest.approx(entropy(chances) - after, abs=1e-9)


@given(odds)
def test_it_is_largest_at_even_odds_the_same_for_and_against_and_nothing_at_the_ends(
    log_odds: float,
) -> None:
    told = information_of(log_odds)

    assert 0 <= told <= information_of(0.0) == 1.0
    assert told == information_of(-log_odds)
    assert information_of(-800.0) == information_of(800.0) == 0.0


@given(odds, widths, widths)
def test_an_uncertain_chance_is_worth_more_than_one_as_likely_and_better_known(
    log_odds: float, one: float, other: float
) -> None:
    narrow, wide = sorted((one, other))
    told = [
        information_of(moderated(log_odds, log_odds - width / 2, log_odds + width / 2))
        for width in (0.0, narrow, wide)
    ]

    assert told[0] == information_of(log_odds)
    assert told == pytest.approx(sorted(told), abs=1e-12)


@pytest.mark.parametrize("mean", [-8.0, -3.0, 0.0, 2.0])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
def test_the_chance_is_the_mean_of_what_uncertain_odds_say(mean: float, sigma: float) -> None:
    drawn = np.random.default_rng(1).normal(mean, sigma, 200_000)
    true = (1 / (1 + np.exp(-drawn))).mean()
    half = 1.6448536269514722 * sigma

    assert 1 / (1 + math.exp(-moderated(mean, mean - half, mean + half))) == pytest.approx(
        true, abs=0.02
    )


def term(name: str, low: float, high: float, *, missing: bool = True) -> dict[str, object]:
    ends = {"log_lr": 0.0, "log_lr_low": low, "log_lr_high": high}
    return {"name": name, "missing": missing, "reason": "too few points", **ends}


def test_the_missing_term_that_could_move_the_chance_most_is_named_in_any_order() -> None:
    known = term("sky map", -9.0, 9.0, missing=False)
    terms = [known, term("distance", -2.0, 2.3), term("young", -1.0, 4.0), term("star", -6.0, 0.1)]

    for rows in (terms, terms[::-1]):
        found = most_open(rows, -3.0)
        assert found is not None
        assert found.name == "young"
        assert found.supplied_by == "what young lacks (too few points)"
        assert (found.low, found.high) == pytest.approx((0.018, 0.731), abs=1e-3)
    of_distance = most_open(terms[:2], -3.0)
    assert of_distance is not None
    assert of_distance.supplied_by == "a redshift"
    assert most_open([known], -3.0) is None


def test_no_observation_of_a_candidate_supplies_the_distance_of_a_map() -> None:
    found = most_open([term("brightness", -3.9, 2.3) | {"reason": NO_DISTANCE_IN_MAP}], -3.0)

    assert found is not None
    assert found.supplied_by == "a map with distances"
