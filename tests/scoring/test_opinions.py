"""A scorer's word counts against the prior it was trained under."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring.scorers import make_spec
from tom.scoring.contract import Reason
from tom.scoring.fusion import fuse
from tom.scoring.opinions import UnrelatedClassesError, lineage, opinion_term
from tom.scoring.runner import Abstention, Opinion

shares = st.floats(0.001, 0.999)


def kilonova_spec(prior: float = 0.2):
    return make_spec(classes=("kilonova", "other"), prior=(prior, 1 - prior))


def real_spec(prior: float = 0.6):
    return make_spec(classes=("real", "bogus"), prior=(prior, 1 - prior), inputs=("drb",))


def says(chance: float, sigma: float = 1.0) -> Opinion:
    return Opinion("one", (chance, 1 - chance), sigma)


@given(shares, st.sampled_from([kilonova_spec, real_spec]), st.floats(0, 1))
def test_a_scorer_that_knows_nothing_moves_nothing(prior, spec_of, weight):
    spec = spec_of(prior)

    term = opinion_term(spec, says(prior), weight=weight)

    assert term.log_lr == pytest.approx(0, abs=1e-9)
    assert fuse(0.03, [term]).mean == pytest.approx(0.03)


@given(shares, shares)
def test_under_its_own_prior_a_scorers_word_is_the_posterior(prior, chance):
    term = opinion_term(kilonova_spec(prior), says(chance))

    assert fuse(prior, [term]).mean == pytest.approx(chance)


@given(shares, shares)
def test_being_real_is_never_more_evidence_than_ruling_out_the_bogus(prior, chance):
    term = opinion_term(real_spec(prior), says(chance))

    assert term.log_lr <= -math.log(prior) + 1e-9


@given(shares, st.floats(0, 1))
def test_the_weight_shrinks_the_evidence(chance, weight):
    whole = opinion_term(kilonova_spec(), says(chance))
    part = opinion_term(kilonova_spec(), says(chance), weight=weight)

    assert part.log_lr == pytest.approx(weight * whole.log_lr)


@given(shares, st.floats(0, 5), st.sampled_from([kilonova_spec, real_spec]))
def test_sigma_widens_and_never_moves(chance, sigma, spec_of):
    sure = opinion_term(spec_of(), says(chance, 0.0))
    unsure = opinion_term(spec_of(), says(chance, sigma))

    assert unsure.log_lr == sure.log_lr
    assert unsure.log_lr_low <= sure.log_lr_low
    assert unsure.log_lr_high >= sure.log_lr_high


@pytest.mark.parametrize("spec", [kilonova_spec(), real_spec()])
def test_an_abstention_is_a_missing_term_with_its_reason(spec):
    term = opinion_term(spec, Abstention("one", Reason.TOO_FEW_POINTS, "too few detections"))

    assert term.missing
    assert term.log_lr == 0
    assert term.reason == "too few detections"


@given(st.sampled_from([0.0, 1.0]))
def test_a_certain_scorer_stays_finite(chance):
    assert math.isfinite(opinion_term(kilonova_spec(), says(chance)).log_lr)


def test_a_scorer_of_other_classes_says_nothing_of_kilonovae():
    with pytest.raises(UnrelatedClassesError):
        opinion_term(make_spec(), says(0.5))


@pytest.mark.parametrize("weight", [-0.1, 1.1])
def test_a_weight_outside_zero_to_one_is_refused(weight):
    with pytest.raises(ValueError, match="weight"):
        opinion_term(kilonova_spec(), says(0.5), weight=weight)


def test_a_class_is_held_by_ever_wider_ones():
    assert lineage("kilonova") == ("kilonova", "explosive", "transient", "real")
