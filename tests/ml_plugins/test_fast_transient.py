"""Fast, reddening sources come out high, all others low, and ignorance never pays."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ml_plugins.fast_transient as plugin
from ml_plugins.fast_transient.features import NAMES, measure
from ml_plugins.fast_transient.model import Model, contributions, without
from ml_plugins.injections.shares import PRIOR
from tests.scoring.curves import make_curve
from tom.scoring.batch import Batch, Curve
from tom.scoring.contract import Reason
from tom.scoring.registry import load_scorers
from tom.scoring.runner import Abstention, Breaker, Opinion, run_scorer

# AT2017gfo at 60 Mpc, rounded from Villar et al. 2017, https://doi.org/10.3847/2041-8213/aa9c84:
# days after the merger, band, AB magnitude.
KILONOVA = [
    (0.5, "g", 18.3),
    (0.52, "r", 18.3),
    (1.5, "g", 19.4),
    (1.52, "r", 18.9),
    (2.5, "g", 21.0),
    (2.52, "r", 20.0),
]
SUPERNOVA = [(day, band, 19.0 - 0.08 * day) for day in range(5) for band in "gr"]
AGED_SUPERNOVA = [
    (day, band, 18.0 + 0.05 * day + 0.6 * (band == "g")) for day in range(5) for band in "gr"
]
FLARE = [(0.0, "g", 17.5), (0.03, "r", 18.6), (0.06, "g", 19.2), (0.09, "r", 19.9)]
DWARF_NOVA = [(day, band, 17.0 + 0.15 * day) for day in range(5) for band in "gr"]
NUCLEUS = [(day, band, 19.0 + 0.02 * (-1) ** day) for day in range(5) for band in "gr"]


@pytest.fixture(scope="module")
def scorer():
    return load_scorers(["ml_plugins.fast_transient.FastTransient"])[0]


def judge(scorer, *curves: Curve):
    return run_scorer(scorer, Batch.build(list(curves)), breaker=Breaker())


def chance(scorer, points, **known) -> float:
    (outcome,) = judge(scorer, make_curve("one", points, **known))
    assert isinstance(outcome, Opinion)
    return outcome.probability[0]


def test_a_kilonova_followed_for_two_days_is_found(scorer):
    assert chance(scorer, KILONOVA) > 0.5


@pytest.mark.parametrize("points", [SUPERNOVA, AGED_SUPERNOVA, FLARE, DWARF_NOVA, NUCLEUS])
def test_other_sources_are_not(scorer, points):
    assert chance(scorer, points) < PRIOR * 2


@pytest.mark.parametrize("points", [SUPERNOVA, AGED_SUPERNOVA, NUCLEUS])
def test_slow_sources_are_ruled_out(scorer, points):
    assert chance(scorer, points) < 0.005


@pytest.mark.parametrize("points", [[], KILONOVA[:1], [(0.5, "i", 18.0), (1.5, "i", 19.0)]])
def test_fewer_than_two_detections_are_no_opinion(scorer, points):
    (outcome,) = judge(scorer, make_curve("one", points))

    assert isinstance(outcome, Abstention)
    assert outcome.reason == Reason.TOO_FEW_POINTS


def test_two_points_minutes_apart_in_one_band_are_no_opinion(scorer):
    (outcome,) = judge(scorer, make_curve("one", [(0.5, "g", 18.0), (0.504, "g", 18.0)]))

    assert isinstance(outcome, Abstention)


def test_each_night_of_a_kilonova_adds_to_the_evidence(scorer):
    first, second, third = (chance(scorer, KILONOVA[:n]) for n in (2, 4, 6))

    assert first < second <= third


def test_without_its_colour_a_kilonova_is_no_surer_and_less_known(scorer):
    one_band = [point for point in KILONOVA if point[1] == "g"]

    blind, full = judge(scorer, make_curve("blind", one_band), make_curve("full", KILONOVA))

    assert blind.probability[0] < full.probability[0]
    assert blind.sigma > full.sigma


def test_a_deep_limit_just_before_the_rise_speaks_for_it(scorer):
    without = chance(scorer, KILONOVA[:2])
    limit = (-0.4, "g", 20.8)
    shallow = (-0.4, "g", 18.0)

    assert chance(scorer, [limit, *KILONOVA[:2]], kinds=["limit", "alert", "alert"]) > without
    assert chance(scorer, [shallow, *KILONOVA[:2]], kinds=["limit", "alert", "alert"]) == without


def test_a_deep_limit_after_the_last_detection_bounds_the_fading(scorer):
    seen, gone = KILONOVA[:2], (2.0, "g", 20.8)
    faded = chance(scorer, [*seen, gone], kinds=["alert", "alert", "limit"])

    assert faded > chance(scorer, seen)


def test_dropping_early_points_before_a_deep_limit_does_not_raise_it(scorer):
    slow = [(0.0, "g", 18.3), (0.02, "r", 18.3), (1.0, "g", 18.5), (1.02, "r", 18.4)]
    gone = [(2.0, "g", 21.0), (2.02, "r", 20.9)]
    kinds = ["alert"] * 4 + ["limit"] * 2

    whole = chance(scorer, [*slow, *gone], kinds=kinds)

    assert whole >= chance(scorer, [*slow[2:], *gone], kinds=kinds[2:])


def test_a_limit_takes_the_place_of_a_rate_only_where_it_is_surely_faster():
    seen = [(0.0, "g", 18.0), (1.0, "g", 19.0)]
    curves = [
        make_curve(str(depth), [*seen, (2.0, "g", depth)], kinds=["alert", "alert", "limit"])
        for depth in (19.5, 20.15, 21.5)
    ]

    features = measure(Batch.build(curves))

    assert features.measured[:, 0].tolist() == [True, True, False]
    assert np.isnan(features.fade[:2, 0]).all()
    assert np.sinh(features.fade[2, 0]) * 0.3 == pytest.approx(2.44, abs=0.02)


def test_each_object_of_a_batch_has_the_features_that_it_has_alone():
    lines = [KILONOVA, [], FLARE, KILONOVA[:1], SUPERNOVA, KILONOVA[1::2]]
    limits = [(-0.4, "g", 20.8), (5.5, "r", 21.5), (-3.0, "r", 20.0)]
    curves = [
        make_curve(str(at), [*limits, *line], kinds=["limit"] * 3 + ["alert"] * len(line))
        for at, line in enumerate(lines)
    ]

    together = measure(Batch.build(curves))

    for at, curve in enumerate(curves):
        alone = measure(Batch.build([curve]))
        for name in ("value", "variance", "fade", "rise"):
            found = getattr(together, name)[at]
            assert np.array_equal(found, getattr(alone, name)[0], equal_nan=True), (at, name)


def test_a_rate_over_minutes_is_exact():
    rate, minutes = 8.0, np.array([0, 14, 17, 31])  # mag a day
    line = [(day, "g", 19 + rate * day) for day in (minutes / 1440).tolist()]

    features = measure(Batch.build([make_curve("one", line)]))

    assert np.sinh(features.value[0, 0]) * 0.3 == pytest.approx(rate, rel=1e-7)


def test_a_detection_without_a_finite_error_measures_nothing(scorer):
    curve = make_curve("one", [(0.0, "g", 18.0), (1.0, "g", 19.0)])

    (outcome,) = judge(scorer, replace(curve, flux_error=[np.inf, np.inf]))

    assert isinstance(outcome, Abstention)
    assert outcome.reason == Reason.TOO_FEW_POINTS


def test_detections_older_than_the_episode_do_not_count(scorer):
    old = [(-20.0, "g", 17.0), (-19.0, "r", 17.0)]

    assert chance(scorer, [*old, *KILONOVA]) == chance(scorer, KILONOVA)


def test_dust_makes_a_source_redder_than_it_is(scorer):
    behind_dust = Batch.build([make_curve("one", KILONOVA, ebv=0.5)])
    clear = Batch.build([make_curve("one", KILONOVA, ebv=0.0)])

    reddening = measure(clear).value[0, 2] - measure(behind_dust).value[0, 2]

    # PS1's g and r of Schlafly & Finkbeiner 2011 differ by 0.90 per magnitude of E(B-V).
    assert reddening == pytest.approx(0.5 * 0.901, abs=0.01)


def test_no_reason_claims_more_than_the_samples_allow(scorer):
    flare = Batch.build([make_curve("one", FLARE)])

    told = {piece.name: piece for piece in scorer.explain(flare)}

    assert told["colour g-r"].text == "colour g-r: at least 100 to 1 against a kilonova"
    assert max(abs(piece.log_lr) for piece in told.values()) <= np.log(100)


def test_unknown_dust_leaves_the_colour_less_certain(scorer):
    known, unknown = (
        measure(Batch.build([make_curve("one", KILONOVA, ebv=ebv, ebv_sigma=0.0)]))
        for ebv in (0.04, float("nan"))
    )

    assert unknown.variance[0, 2] > known.variance[0, 2]


def test_a_forced_point_at_an_alert_changes_nothing(scorer):
    doubled = [*KILONOVA, (0.5, "g", 18.3)]
    kinds = ["alert"] * 6 + ["forced"]

    assert chance(scorer, doubled, kinds=kinds) == pytest.approx(chance(scorer, KILONOVA))


def test_rates_are_those_of_a_straight_line():
    line = [(day, band, 18.0 + 0.3 * day) for day in (0.0, 1.0, 2.5) for band in "gr"]

    features = measure(Batch.build([make_curve("one", line)]))

    np.testing.assert_allclose(features.value[0, :2], np.arcsinh(0.3 / 0.3), atol=1e-6)


def test_rates_are_those_of_the_newest_two_nights_with_a_detection():
    peaked = [(0.0, "g", 20.0), (1.0, "g", 18.0), (1.1, "g", 18.0), (2.0, "g", 19.0)]

    features = measure(Batch.build([make_curve("one", peaked)]))

    rate = np.sinh(features.value[0, 0]) * 0.3
    assert rate == pytest.approx(1.05, abs=0.05)
    assert features.rise[0] == pytest.approx(2.0, abs=0.15)


@given(st.floats(0.02, 0.6))
@settings(max_examples=20, deadline=None)
def test_the_noisier_the_data_the_nearer_the_prior(noise):
    model = _model()
    quiet, noisy = (
        model.density_ratio(measure(Batch.build([make_curve("one", KILONOVA, error_fraction=e)])))
        for e in (noise, 50.0)
    )

    assert abs(noisy[0]) < abs(quiet[0])
    assert abs(noisy[0]) < 0.3


tracks = st.lists(
    st.tuples(st.floats(0, 5), st.sampled_from("gr"), st.floats(16, 21)), min_size=2, max_size=8
)


@given(tracks)
@settings(max_examples=40, deadline=None)
def test_nothing_is_surer_than_the_samples_allow(points):
    model = _model()

    ratio = model.log_ratio(measure(Batch.build([make_curve("one", points)])))

    assert abs(ratio[0]) <= np.log(100) + 1e-9


@given(tracks, st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_forgetting_a_favourable_feature_never_raises_and_always_widens(points, column):
    model = _model()
    features = measure(Batch.build([make_curve("one", points)]))
    favour = contributions(model, features)[NAMES[column]][0]

    forgotten = without(features, column)

    assert favour <= 0 or model.log_ratio(forgotten)[0] <= model.log_ratio(features)[0]
    assert model.sigma(forgotten)[0] >= model.sigma(features)[0]


def _model() -> Model:
    return Model.read(Path(plugin.__file__).parent / "model.json")
