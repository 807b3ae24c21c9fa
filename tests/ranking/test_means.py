"""Over the sources of a list each term is 1 in the mean, whatever its shares were."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_event, make_target
from tests.ranking.one import col
from tom.candidates.services import match_event
from tom.ranking.means import JOINTLY, LARGEST, USUAL_COUNT, divide, fit_means, log_jointly
from tom.ranking.services import rank_event, unlike
from tom.ranking.terms import sky_map, star
from tom.ranking.weighing import FloatArray, Weighed
from tom.targets.models import TargetSummary


def a_term(logs: FloatArray, *, name: str = "star", missing: int = 0) -> Weighed:
    unknown = np.arange(len(logs)) < missing
    at = np.where(unknown, 0.0, logs)
    return Weighed(
        name=name,
        inputs=frozenset({name}),
        log_lr=at,
        low=at - 1,
        high=at + 1,
        value=at,
        missing=unknown,
        reason=lambda row: "",
        mark=np.zeros(len(at), np.int64),
    )


def everybody(term: Weighed) -> np.ndarray:
    return np.ones(len(term), bool)


@given(st.integers(0, 2**31), st.floats(-2, 2), st.floats(0, 1.5), st.integers(0, 100))
def test_the_mean_ratio_over_many_sources_is_one_after_it(
    seed: int, middle: float, spread: float, missing: int
) -> None:
    random = np.random.default_rng(seed)
    term = a_term(random.normal(middle, spread, 2000), missing=missing)

    (found,) = divide([term], fit_means([term], everybody(term), None))

    known = np.exp(found.log_lr[~found.missing])
    error = 3 * known.max() / len(known) + 0.02 * (1 + abs(math.expm1(middle)))
    assert known.mean() == pytest.approx(1, abs=error)
    assert found.log_lr[found.missing].tolist() == [0.0] * missing
    assert np.allclose(found.high - found.log_lr, term.high - term.log_lr)


def test_the_mean_of_the_star_term_is_one_though_its_share_of_stars_is_wrong() -> None:
    """A tenth of the list are stars, where the term assumes four of ten."""
    separation = np.where(np.arange(1000) < 100, 0.3, np.inf)
    term = star.weigh(separation_arcsec=separation, star_score=np.full(1000, 1.0))

    (found,) = divide([term], fit_means([term], everybody(term), None))

    assert np.exp(term.log_lr).mean() > 1.4
    assert np.exp(found.log_lr).mean() == pytest.approx(1, abs=0.01)


def test_the_one_that_may_be_the_counterpart_does_not_count() -> None:
    logs = np.append(np.zeros(50), 9.0)
    term = a_term(logs)

    means = fit_means([term], everybody(term), None)

    assert means["star"] == [0.0, 51, True]


def test_the_mean_of_a_scorer_of_the_sought_class_is_noted_and_does_not_divide() -> None:
    term = a_term(np.log(np.full(40, 3.0)), name="fast")

    means = fit_means([term], everybody(term), None, as_they_are=["fast"])

    assert means["fast"][0] > 0.8
    assert divide([term], means)[0] is term


def test_of_few_sources_the_mean_is_about_one() -> None:
    term = a_term(np.log([3.0, 3.0]))

    means = fit_means([term], everybody(term), None)

    assert math.exp(means["star"][0]) == pytest.approx((3 + USUAL_COUNT) / (1 + USUAL_COUNT))


def test_what_nobody_else_sees_moves_no_mean() -> None:
    term = a_term(np.log([1.0, 1.0, 1.0, 50.0, 50.0]))

    means = fit_means([term], np.array([True, True, True, False, False]), None)

    assert means["star"] == [0.0, 3, True]


def test_the_place_on_the_map_has_no_mean() -> None:
    term = sky_map.weigh(probdensity=col(3.0, 4.0))

    means = fit_means([term], everybody(term), None)

    assert means == {JOINTLY: [0.0, 2, True]}
    assert divide([term], means) == [term]


def test_means_are_kept_until_twice_as_many_are_known() -> None:
    first = fit_means([a_term(np.ones(100))], np.ones(100, bool), None)

    same = fit_means([a_term(np.zeros(210))], np.ones(210, bool), first)
    anew = fit_means([a_term(np.zeros(211))], np.ones(211, bool), first)
    other = fit_means([a_term(np.zeros(100), name="other")], np.ones(100, bool), first)

    assert same == first
    assert anew["star"] == [0.0, 211, True]
    assert other.keys() == {"other", JOINTLY}


def test_terms_that_agree_count_jointly_for_none_of_these() -> None:
    """Two terms of mean 1 that say the same of a source: their product has another mean."""
    logs = np.log(np.where(np.arange(1000) % 2, 1.8, 0.2))
    terms = [a_term(logs, name="one"), a_term(logs, name="same again")]

    means = fit_means(terms, everybody(terms[0]), None)

    found = divide(terms, means)
    product = np.exp(sum(term.log_lr for term in found) - log_jointly(means))
    assert product.mean() == pytest.approx(1, abs=0.02)
    assert math.exp(log_jointly(means)) == pytest.approx(1.64, abs=0.02)


def test_a_few_large_products_do_not_make_the_mean() -> None:
    logs = np.append(np.zeros(98), [12.0, 13.0])
    means = fit_means([a_term(logs)], np.ones(100, bool), None, as_they_are=["star"])

    assert math.exp(log_jointly(means)) <= (98 + LARGEST + USUAL_COUNT) / (99 + USUAL_COUNT)


@pytest.mark.django_db
def test_a_ranking_stores_the_means_and_is_made_again_with_them() -> None:
    event = make_event()
    for at in range(12):
        make_target(f"t{at:02}")
    match_event(event)
    first = rank_event(event)
    TargetSummary.objects.update(
        surroundings_time=event.time, star_separation_arcsec=None, star_score=None
    )

    second = rank_event(event)

    log_mean, count, _ = second.basis["means"]["star"]
    assert (first.basis["means"]["star"], count) == ([0.0, 0, True], 12)
    divided = {name: divides for name, (*_, divides) in second.basis["means"].items()}
    fast = next(name for name in divided if name.startswith("fast_transient"))
    assert {name for name, divides in divided.items() if not divides} == {fast, "later light"}
    assert log_mean > 0.2
    terms = [
        next(term for term in place.read_terms() if term["name"] == "star")
        for place in second.places.all()
    ]
    # All have the same ratio: the mean of 11 of them and of `USUAL_COUNT` ratios of 1 is known.
    ratio = (math.exp(log_mean) * (11 + USUAL_COUNT) - USUAL_COUNT) / 11
    assert [term["log_lr"] for term in terms] == pytest.approx([math.log(ratio) - log_mean] * 12)
    assert unlike(first) == unlike(second) == 0
