"""The fit and its figures: no object on two sides, a model that follows the sky, honest sums."""

from dataclasses import dataclass

import numpy as np
import pytest

from ml_plugins.fast_transient import FastTransient
from ml_plugins.fast_transient.training import evaluate
from ml_plugins.injections import figures
from ml_plugins.injections.samples import Sky, injected, published
from ml_plugins.injections.shares import KILONOVA
from ml_plugins.injections.split import Data, part_of
from tom.scoring.registry import load_scorers
from tom.sky.kilonova import AT2017GFO, Ejecta, absolute_magnitude


@dataclass(frozen=True)
class Thing:
    name: str


@pytest.fixture(scope="module")
def data(real_data) -> Data:
    return Data.read(real_data)


def scored(chance) -> figures.Scored:
    chance = np.asarray(chance, float)
    zeros = np.zeros(len(chance))
    return figures.Scored(chance, np.arange(len(chance)) * 1.0, zeros, zeros, 0)


def test_each_object_is_in_one_part_only():
    things = [Thing(f"object {n}") for n in range(500)]

    parts = [part_of(things, part) for part in ("fit", "tune", "test")]

    assert sorted(t.name for part in parts for t in part) == sorted(t.name for t in things)
    np.testing.assert_allclose([len(part) / 500 for part in parts], [0.6, 0.2, 0.2], atol=0.06)


def test_kilonovae_above_all_others_are_all_found():
    kinds = {KILONOVA: scored([0.9, 0.8]), "supernova": scored(np.linspace(0, 0.5, 200))}

    assert figures.area_under_curve(kinds, kinds[KILONOVA]) == pytest.approx(1)
    assert 0.49 < figures.threshold(kinds) <= 0.5


def test_scores_that_tell_nothing_have_half_the_area():
    kinds = {KILONOVA: scored([0.3, 0.3]), "supernova": scored([0.3] * 50)}

    assert figures.area_under_curve(kinds, kinds[KILONOVA]) == pytest.approx(0.5)


def test_the_prior_alone_costs_its_own_entropy_and_is_calibrated():
    kinds = {KILONOVA: scored([0.05] * 10), "supernova": scored([0.05] * 50)}

    assert figures.log_loss(kinds) == pytest.approx(0.1985, abs=1e-4)
    assert figures.calibration_error(kinds) == pytest.approx(0, abs=1e-9)


def test_a_bootstrap_draws_whole_objects():
    part = figures.Scored(
        np.array([0.1, 0.2, 0.9]), np.array([0.0, 0.0, 1.0]), np.zeros(3), np.zeros(3), 0
    )

    for seed in range(20):
        drawn = part.resampled(np.random.default_rng(seed)).chance.tolist()
        assert drawn.count(0.1) == drawn.count(0.2)


def test_the_kilonova_model_follows_the_published_photometry(data):
    for band in "gr":
        days, seen = data.at2017gfo[band]
        early = days < 4.5
        off = seen[early] - absolute_magnitude(AT2017GFO, days[early], band)
        assert abs(off.mean()) < 0.3
        assert off.std() < 0.3


def test_heavier_ejecta_shine_brighter_days_later():
    light, heavy = (
        absolute_magnitude([Ejecta(mass, 0.2, 1.0, 1000.0)], np.array([3.0]), "r")
        for mass in (0.01, 0.04)
    )

    assert heavy[0] < light[0] - 0.5


def test_injected_sources_have_the_epochs_of_one_real_object(data):
    rng = np.random.default_rng(2)
    cadences = part_of(data.transients, "test")
    real = {float(mjd) for source in cadences for mjd in source.mjd}

    made = list(injected(Sky(cadences, data.depths), published(data.at2017gfo), "kn", 20, rng))

    assert len(made) == 20
    for sample in made:
        assert set(sample.curve.mjd) <= real
        assert sample.curve.kind.count("alert") >= 2


def test_the_fitted_model_keeps_its_figures_on_objects_it_never_saw(data, monkeypatch):
    monkeypatch.setattr(evaluate, "NUMBER", 250)
    scorer = load_scorers(["ml_plugins.fast_transient.FastTransient"])[0]
    assert isinstance(scorer, FastTransient)

    classes, apart = evaluate.held_out(data, np.random.default_rng(8))
    known = {label: figures.score(scorer, made) for label, made in classes.items()}
    real = figures.score(scorer, apart["AT2017gfo"])

    assert figures.area_under_curve(known, real) > 0.85
    assert figures.log_loss(known | {KILONOVA: real}) < 0.165
    assert figures.calibration_error(known) < 0.04
    slow = known["supernova"].chance
    assert np.mean(slow > figures.threshold(known)) < 0.01
