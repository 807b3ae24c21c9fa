"""A scorer's word counts against the prior it was trained under."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ranking.one import chance_of, fuse_one, opinion_term
from tests.scoring.scorers import make_spec
from tom.ranking.opinions import UnrelatedClassesError
from tom.scoring.contract import Reason, ScorerKind
from tom.scoring.opinions import ranked_classes
from tom.scoring.runner import Abstention, Opinion
from tom.strategies.models import SOUGHT

shares = st.floats(0.001, 0.999)


def kilonova_spec(prior: float = 0.2):
    return make_spec(classes=("kilonova", "other"), prior=(prior, 1 - prior))


def real_spec(prior: float = 0.6):
    return make_spec(classes=("real", "bogus"), prior=(prior, 1 - prior), inputs=("alert.drb",))


def ratio_spec(*classes: str, prior: tuple[float, ...] = (1.0,)):
    return make_spec(kind=ScorerKind.LIKELIHOOD_RATIO, classes=classes, prior=prior)


def says(chance: float, sigma: float = 1.0) -> Opinion:
    return Opinion("one", (chance, 1 - chance), sigma)


@given(shares, st.sampled_from([kilonova_spec, real_spec]), st.floats(0, 1))
def test_a_scorer_that_knows_nothing_moves_nothing(prior, spec_of, weight):
    spec = spec_of(prior)

    term = opinion_term(spec, says(prior), weight=weight)

    assert term.log_lr == pytest.approx(0, abs=1e-9)
    assert chance_of(fuse_one(0.03, term)) == pytest.approx(0.03)


@given(shares, shares)
def test_under_its_own_prior_a_scorers_word_is_the_posterior(prior, chance):
    term = opinion_term(kilonova_spec(prior), says(chance))

    assert chance_of(fuse_one(prior, term)) == pytest.approx(chance)


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


@given(st.floats(1e-5, 1e5), st.floats(0, 1))
def test_a_likelihood_ratio_enters_as_its_log(ratio, weight):
    term = opinion_term(ratio_spec("kilonova"), Opinion("one", (ratio,), 0.5), weight=weight)

    assert term.log_lr == pytest.approx(weight * math.log(ratio))
    assert term.log_lr_high - term.log_lr == pytest.approx(weight * 1.645 * 0.5, abs=1e-3)


@given(st.floats(1e-4, 1e4), st.floats(0.05, 0.95))
def test_a_ratio_for_being_real_moves_as_the_chance_it_makes_of_the_prior(ratio, prior):
    odds = ratio * prior / (1 - prior)
    shared = (prior, 1 - prior)

    by_ratio = opinion_term(ratio_spec("real", "bogus", prior=shared), says_ratio(ratio))
    by_chance = opinion_term(real_spec(prior), says(odds / (1 + odds)))

    assert by_ratio.log_lr == pytest.approx(by_chance.log_lr, abs=1e-3)


def says_ratio(ratio: float) -> Opinion:
    return Opinion("one", (ratio, 1 / ratio), 1.0)


@given(st.sampled_from([0.0, 1e-300, 1e300]), st.floats(0, 1e4))
def test_an_extreme_ratio_stays_finite(ratio, sigma):
    opinion = Opinion("one", (ratio,), sigma)

    for label in ("kilonova", "real"):
        assert math.isfinite(opinion_term(ratio_spec(label), opinion).log_lr)


@pytest.mark.parametrize("kind", [ScorerKind.ANOMALY, ScorerKind.RANK])
def test_an_anomaly_or_a_rank_speaks_of_no_class(kind):
    spec = make_spec(kind=kind, classes=("kilonova",), prior=(1.0,))

    assert ranked_classes(spec, [SOUGHT]) == ()
    with pytest.raises(UnrelatedClassesError):
        opinion_term(spec, Opinion("one", (-0.3,), 0.1))


# --- Several sought classes -------------------------------------------------------------------
def three_spec(*, kind: ScorerKind = ScorerKind.PROBABILITY):
    return make_spec(
        kind=kind, classes=("kilonova", "supernova Ia", "other"), prior=(0.1, 0.3, 0.6)
    )


@pytest.mark.parametrize(
    ("classes", "sought", "labels"),
    [
        (("kilonova", "supernova"), ["kilonova", "supernova Ia"], ("kilonova", "supernova")),
        (("kilonova", "other"), ["kilonova", "supernova Ia"], ()),
        (("real", "bogus"), ["kilonova", "agn"], ("real",)),
        (("transient", "kilonova"), ["kilonova", "supernova Ia"], ("transient",)),
        (("supernova", "supernova Ia"), ["supernova Ia", "supernova II"], ("supernova",)),
    ],
)
def test_a_scorer_speaks_of_several_classes_by_the_narrowest_that_hold_each(
    classes, sought, labels
):
    spec = make_spec(classes=classes, prior=(0.5, 0.5))

    assert ranked_classes(spec, sought) == labels


@given(st.floats(0.01, 0.4), st.floats(0.01, 0.5))
def test_the_chance_of_either_class_is_the_sum_against_the_sum_of_the_priors(one, other):
    opinion = Opinion("one", (one, other, 1 - one - other), 0.5)

    both = opinion_term(three_spec(), opinion, sought=["kilonova", "supernova Ia"])

    chance = one + other
    assert both.log_lr == pytest.approx(math.log(chance / (1 - chance)) - math.log(0.4 / 0.6))


@given(st.floats(0.01, 0.4), st.floats(0.01, 0.5))
def test_ratios_of_two_classes_say_what_the_chances_behind_them_say(one, other):
    priors = three_spec().prior

    def ratio(chance: float, prior: float) -> float:
        return chance / (1 - chance) / (prior / (1 - prior))

    ratios = tuple(map(ratio, (one, other, 1 - one - other), priors))
    sought = ["kilonova", "supernova Ia"]

    by_ratio = opinion_term(
        three_spec(kind=ScorerKind.LIKELIHOOD_RATIO), Opinion("one", ratios, 0.5), sought=sought
    )
    chances = Opinion("one", (one, other, 1 - one - other), 0.5)
    by_chance = opinion_term(three_spec(), chances, sought=sought)

    assert by_ratio.log_lr == pytest.approx(by_chance.log_lr, abs=1e-6)
