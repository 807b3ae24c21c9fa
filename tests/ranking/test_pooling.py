"""Ignorance is neither a high rank nor a burial, and no datum counts twice."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ranking.one import as_column, col, fuse_one
from tom.ranking.pooling import Posterior, pool
from tom.ranking.weighing import Term, logistic

priors = st.floats(1e-6, 0.5)
shifts = st.floats(-8, 8)
spreads = st.floats(0, 6)


def make_term(name: str, log_lr: float, spread: float = 0.5) -> Term:
    return Term(name, log_lr, log_lr - spread, log_lr + spread, frozenset({name}), "said", 1.0)


def ignorance(name: str, worst: float = -4.0, best: float = 4.0) -> Term:
    return Term(name, 0.0, worst, best, frozenset({name}), "unknown", missing=True)


def fuse(prior, terms):
    return fuse_one(prior, *terms)


term_lists = st.lists(st.tuples(shifts, spreads), max_size=5).map(
    lambda pairs: [make_term(f"t{i}", shift, spread) for i, (shift, spread) in enumerate(pairs)]
)


@given(priors)
def test_without_evidence_the_posterior_is_the_prior(prior):
    posterior = fuse(prior, [])

    assert logistic(posterior.log_weight[0]) == pytest.approx(prior)
    assert posterior.low == posterior.high == posterior.log_weight


@given(priors, term_lists)
def test_odds_multiply(prior, terms):
    posterior = fuse(prior, terms)

    odds = prior / (1 - prior) * math.prod(math.exp(term.log_lr) for term in terms)
    assert logistic(posterior.log_weight[0]) == pytest.approx(odds / (1 + odds), rel=1e-6)


def test_intervals_of_terms_add_in_quadrature():
    wide = Term("wide", 1.0, -2.0, 1.5, frozenset({"wide"}), "said")
    narrow = Term("narrow", 0.0, -4.0, 1.2, frozenset({"narrow"}), "said")

    posterior = fuse(0.5, [wide, narrow])

    log_odds = [ends[0] for ends in (posterior.low, posterior.log_weight, posterior.high)]
    assert log_odds == pytest.approx([1.0 - 5.0, 1.0, 1.0 + 1.3])


@given(priors, term_lists)
def test_the_interval_holds_the_mean(prior, terms):
    posterior = fuse(prior, terms)

    assert posterior.low <= posterior.log_weight <= posterior.high


@given(priors, term_lists, st.floats(0, 8), spreads)
def test_removing_favourable_data_never_raises_a_candidate(prior, terms, favour, spread):
    known = fuse(prior, [*terms, make_term("last", favour, spread)])
    unknown = fuse(prior, [*terms, ignorance("last")])

    assert unknown.log_weight[0] <= known.log_weight[0]


@given(priors, term_lists, st.floats(-6, 0), st.floats(0, 6))
def test_none_beats_its_own_best_case_twin(prior, terms, worst, best):
    candidate = fuse(prior, [*terms, ignorance("last", worst, best)])
    twin = fuse(prior, [*terms, make_term("last", best)])

    assert candidate.log_weight <= twin.log_weight


@given(priors, term_lists, st.floats(-6, 0))
def test_ignorance_does_not_bury(prior, terms, worst):
    candidate = fuse(prior, [*terms, ignorance("last", worst)])
    worst_twin = fuse(prior, [*terms, make_term("last", worst)])

    assert candidate.log_weight >= worst_twin.log_weight


@given(priors, term_lists, spreads)
def test_a_missing_factor_moves_no_mean_and_widens_the_interval(prior, terms, spread):
    without = fuse(prior, terms)
    unknown = fuse(prior, [*terms, ignorance("last", -spread, spread)])

    assert unknown.log_weight == without.log_weight
    assert unknown.low <= without.low
    assert unknown.high >= without.high


@given(priors, term_lists, st.randoms())
def test_the_order_of_terms_does_not_matter(prior, terms, random):
    shuffled = random.sample(terms, len(terms))

    assert fuse(prior, shuffled).log_weight == pytest.approx(
        fuse(prior, terms).log_weight, abs=1e-9
    )


def test_terms_that_rest_on_one_datum_count_as_one():
    first, second = make_term("first", 1.0), make_term("second", 3.0)
    greedy = replace(second, inputs=frozenset({"first", "second"}))
    other = make_term("other", 0.5)

    pooled = fuse(0.1, [first, other, greedy])

    names = {term.name: term.term(0) for term in pooled.terms}
    assert list(names) == ["first + second", "other"]
    assert names["first + second"].log_lr == pytest.approx(2.0)
    assert names["first + second"].inputs == {"first", "second"}
    assert names["first + second"].reason == "first: said; second: said"


def test_terms_are_pooled_along_a_chain_of_shared_data():
    terms = [
        replace(make_term(name, 1.0), inputs=frozenset(inputs))
        for name, inputs in (("a", "x"), ("b", "y"), ("c", "xy"))
    ]

    assert len(pool([as_column(term) for term in terms])) == 1


def test_who_says_nothing_has_no_part_in_what_is_pooled():
    silent = replace(ignorance("silent"), inputs=frozenset({"first"}))

    alone, both = fuse(0.1, [make_term("first", 2.0)]), fuse(0.1, [make_term("first", 2.0), silent])
    none = fuse(0.1, [silent, replace(ignorance("first", -1.0, 9.0))])

    assert both.log_weight == alone.log_weight
    assert both.terms[0].term(0).reason == "first: said"
    assert none.terms[0].term(0).missing
    assert none.terms[0].term(0).log_lr_high == 9.0


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, math.nan])
def test_a_prior_that_no_evidence_could_move_is_refused(prior):
    with pytest.raises(ValueError, match="prior"):
        fuse(prior, [])


@pytest.mark.parametrize(
    "change",
    [{"log_lr": math.inf}, {"log_lr": math.nan}, {"log_lr_low": 2.0}, {"log_lr_high": 0.0}],
)
def test_a_term_out_of_order_or_not_finite_is_refused(change):
    with pytest.raises(ValueError, match="finite"):
        as_column(replace(make_term("one", 1.0), **change))


def test_a_term_that_rests_on_nothing_is_refused():
    with pytest.raises(ValueError, match="no input"):
        as_column(replace(make_term("one", 1.0), inputs=frozenset()))


@given(st.lists(st.floats(-900, 900), min_size=1, max_size=8))
def test_the_most_probable_comes_first_and_ties_keep_their_order(log_odds):
    weights = col(*log_odds)
    posterior = Posterior(weights, weights, weights, terms=())

    ordered = posterior.order().tolist()

    assert ordered == sorted(range(len(log_odds)), key=lambda row: -log_odds[row])
