"""Ignorance is neither a high rank nor a burial, and no datum counts twice."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.scoring.fusion import DuplicateInputError, Posterior, Term, fuse, missing_term, rank

priors = st.floats(1e-6, 0.5)
shifts = st.floats(-8, 8)
spreads = st.floats(0, 6)


def make_term(name: str, log_lr: float, spread: float = 0.5) -> Term:
    return Term(name, log_lr, log_lr - spread, log_lr + spread, frozenset({name}), "said", 1.0)


def ignorance(name: str, worst: float = -4.0, best: float = 4.0) -> Term:
    return missing_term(name, inputs=frozenset({name}), reason="unknown", worst=worst, best=best)


term_lists = st.lists(st.tuples(shifts, spreads), max_size=5).map(
    lambda pairs: [make_term(f"t{i}", shift, spread) for i, (shift, spread) in enumerate(pairs)]
)


@given(priors)
def test_without_evidence_the_posterior_is_the_prior(prior):
    posterior = fuse(prior, [])

    assert posterior.mean == pytest.approx(prior)
    assert posterior.low == posterior.high == posterior.mean


@given(priors, term_lists)
def test_odds_multiply(prior, terms):
    posterior = fuse(prior, terms)

    odds = prior / (1 - prior) * math.prod(math.exp(term.log_lr) for term in terms)
    assert posterior.mean == pytest.approx(odds / (1 + odds), rel=1e-6)


def test_intervals_of_terms_add_in_quadrature():
    wide = Term("wide", 1.0, -2.0, 1.5, frozenset({"wide"}), "said")
    narrow = Term("narrow", 0.0, -4.0, 1.2, frozenset({"narrow"}), "said")

    posterior = fuse(0.5, [wide, narrow])

    log_odds = [math.log(p / (1 - p)) for p in (posterior.low, posterior.mean, posterior.high)]
    assert log_odds == pytest.approx([1.0 - 5.0, 1.0, 1.0 + 1.3])


@given(priors, term_lists)
def test_the_interval_holds_the_mean(prior, terms):
    posterior = fuse(prior, terms)

    assert 0 <= posterior.low <= posterior.mean <= posterior.high <= 1


@given(priors, term_lists, st.floats(0, 8), spreads)
def test_removing_favourable_data_never_raises_a_candidate(prior, terms, favour, spread):
    known = fuse(prior, [*terms, make_term("last", favour, spread)])
    unknown = fuse(prior, [*terms, ignorance("last")])

    assert unknown.mean <= known.mean
    assert rank([unknown, known])[0] == 1 or unknown.log_odds == known.log_odds


@given(priors, term_lists, st.floats(-6, 0), st.floats(0, 6))
def test_none_beats_its_own_best_case_twin(prior, terms, worst, best):
    candidate = fuse(prior, [*terms, ignorance("last", worst, best)])
    twin = fuse(prior, [*terms, make_term("last", best)])

    assert candidate.mean <= twin.mean


@given(priors, term_lists, st.floats(-6, 0))
def test_ignorance_does_not_bury(prior, terms, worst):
    candidate = fuse(prior, [*terms, ignorance("last", worst)])
    worst_twin = fuse(prior, [*terms, make_term("last", worst)])

    assert candidate.mean >= worst_twin.mean


@given(priors, term_lists, spreads)
def test_a_missing_factor_moves_no_mean_and_widens_the_interval(prior, terms, spread):
    without = fuse(prior, terms)
    unknown = fuse(prior, [*terms, ignorance("last", -spread, spread)])

    assert unknown.mean == without.mean
    assert unknown.low <= without.low
    assert unknown.high >= without.high


@given(priors, term_lists, st.randoms())
def test_the_order_of_terms_does_not_matter(prior, terms, random):
    shuffled = random.sample(terms, len(terms))

    assert fuse(prior, shuffled).log_odds == fuse(prior, terms).log_odds


def test_the_same_datum_in_two_terms_is_refused():
    first, second = make_term("first", 1.0), make_term("second", 1.0)
    greedy = replace(second, inputs=frozenset({"first", "second"}))

    with pytest.raises(DuplicateInputError, match="'first' and 'second' both rest on 'first'"):
        fuse(0.1, [first, greedy])


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
        replace(make_term("one", 1.0), **change)


def test_a_term_that_rests_on_nothing_is_refused():
    with pytest.raises(ValueError, match="no input"):
        replace(make_term("one", 1.0), inputs=frozenset())


@given(st.lists(st.floats(-900, 900), max_size=8))
def test_the_most_probable_comes_first(log_odds):
    posteriors = [Posterior(mean=0.5, low=0, high=1, log_odds=value) for value in log_odds]

    ordered = [log_odds[index] for index in rank(posteriors)]

    assert ordered == sorted(log_odds, reverse=True)


def test_ties_keep_their_order():
    same = fuse(0.1, [])

    assert rank([same, same, same]) == [0, 1, 2]


@given(st.floats(-2000, 2000))
def test_extreme_evidence_neither_overflows_nor_leaves_the_unit_interval(shift):
    posterior = fuse(0.01, [make_term("one", shift)])

    assert 0 <= posterior.mean <= 1
