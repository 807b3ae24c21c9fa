"""`kilonova`: what its light curves, hosts and places say, and that it never counts twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_plugins.injections.samples import Sample
from ml_plugins.injections.sources import Source
from ml_plugins.injections.stars import periodic_light, supernova_light
from ml_plugins.kilonova import Kilonova
from ml_plugins.kilonova.points import BEFORE_DAYS, MOST_POINTS, points_of
from ml_plugins.kilonova.shape import NAMES, shape_of
from ml_plugins.kilonova.templates import DAYS, NOW, Templates
from ml_plugins.kilonova.training import evaluate
from ml_plugins.kilonova.training.real import KNOWN, epochs_of, read_known
from ml_plugins.kilonova.training.sampling import give_host, take_limits
from tests.scoring.curves import make_curve
from tom.photometry import fluxes
from tom.scoring.contract import Batch, Curve, Host, Reason
from tom.scoring.registry import load_scorers

FADING = [(0.0, "g", 18.9), (0.01, "r", 18.7), (1.0, "g", 20.0), (1.01, "r", 19.4)]
STEADY = [(day, band, 18.5) for day in (0.0, 1.0, 3.0, 5.0) for band in "gr"]


@pytest.fixture(scope="module")
def scorer() -> Kilonova:
    (loaded,) = load_scorers(["ml_plugins.kilonova.Kilonova"])
    assert isinstance(loaded, Kilonova)
    return loaded


def chance(scorer: Kilonova, curve: Curve) -> float:
    return float(scorer.score(Batch.build([curve])).probability[0, 0])


def one_template(shape) -> Templates:
    magnitude = np.broadcast_to(shape, (2, len(DAYS)))[:, :, None].copy()
    return Templates(magnitude, np.zeros(1, np.int64), 0.1, 0.02, 0.01)


# --- Points -------------------------------------------------------------------------------------
def test_of_one_exposure_the_first_point_counts_and_of_many_the_newest() -> None:
    twice = make_curve("a", [(0.0, "g", 19.0), (0.0002, "g", 19.1), (0.01, "r", 19.0)])
    many = make_curve("b", [(0.1 * k, "gr"[k % 2], 19.0) for k in range(80)])
    old = make_curve("c", [(0.0, "g", 19.0), (BEFORE_DAYS + 1, "g", 19.0)])

    points = points_of(Batch.build([twice, many, old]))

    assert np.bincount(points.row).tolist() == [2, MOST_POINTS, 1]
    assert points.days.max() == 0
    np.testing.assert_allclose(points.days[points.row == 1].min(), -0.1 * (MOST_POINTS - 1))


def test_a_limit_counts_and_an_alert_without_flux_does_not() -> None:
    seen = [(0.0, "g", 19.0), (0.5, "r", 19.0), (1.0, "g", 20.0)]
    curve = make_curve("a", seen, kinds=["alert", "alert", "limit"])

    points = points_of(Batch.build([curve]))

    assert points.is_detection.tolist() == [True, True, False]


# --- Templates ----------------------------------------------------------------------------------
def test_a_template_fits_its_own_light_curve_best_and_tells_how_far_it_was_brought() -> None:
    fading, steady = one_template(1.0 * DAYS), one_template(0.0 * DAYS)
    points = points_of(Batch.build([make_curve("a", [(0, "g", 18), (1, "r", 19), (2, "g", 20)])]))

    right, wrong = fading.fit(points, 1), steady.fit(points, 1)

    assert right.log_density[0, 0] > wrong.log_density[0, 0] + 3
    assert right.modulus[0, 0] == pytest.approx(20.0 - fading.magnitude[0, NOW, 0], abs=0.2)


def test_a_dark_look_speaks_against_a_template_that_was_bright_then() -> None:
    seen = [(0.0, "g", 20.5), (2.0, "g", 19.0), (2.01, "r", 19.0)]
    dark = points_of(Batch.build([make_curve("a", seen, kinds=["limit", "alert", "alert"])]))
    alone = points_of(Batch.build([make_curve("a", seen[1:])]))

    def moved(template: Templates) -> float:
        return float((template.fit(dark, 1).log_density - template.fit(alone, 1).log_density)[0, 0])

    assert moved(one_template(0.0 * DAYS)) < -2  # it was as bright: only a gap can hide it
    assert moved(one_template(-3.0 * DAYS)) > -0.1  # it was not there yet


def test_the_shape_says_slopes_the_colour_and_how_deep_it_was_dark_before_and_after() -> None:
    seen = [
        (0.0, "r", 21.0),
        (2.0, "g", 19.0),
        (2.1, "r", 18.8),
        (3.0, "g", 19.8),
        (4.0, "g", 21.2),
    ]
    whole = make_curve("a", seen, kinds=["limit", "alert", "alert", "alert", "limit"])
    once = make_curve("b", [(0.0, "g", 19.0), (3.0, "r", 19.0)])

    told, little = shape_of(points_of(Batch.build([whole, once])), 2)

    of = dict(zip(NAMES, told.tolist(), strict=True))
    assert of["slope in g"] == pytest.approx(0.8)
    assert np.isnan(of["slope in r"])
    assert of["g - r"] == pytest.approx(0.2, abs=0.06)  # less the dust's
    assert of["span"] == pytest.approx(1.0)
    assert of["dark before"] == pytest.approx(2.0)
    assert of["limit before"] == pytest.approx(2.0, abs=0.06)
    assert of["limit after"] == pytest.approx(1.4)
    assert little[NAMES.index("span")] == pytest.approx(3.0)
    assert np.isnan(np.delete(little, NAMES.index("span"))).all()


# --- The scorer ---------------------------------------------------------------------------------
def test_what_fades_and_reddens_in_a_day_is_a_kilonova_and_what_stays_is_none(
    scorer: Kilonova,
) -> None:
    assert chance(scorer, make_curve("a", FADING)) > 0.3
    assert chance(scorer, make_curve("b", STEADY)) < 0.005


def test_a_host_at_the_right_distance_speaks_for_it_and_a_wrong_one_against(
    scorer: Kilonova,
) -> None:
    curve = make_curve("a", FADING)
    near, right, far = (
        chance(scorer, replace(curve, given={"host": Host("", mpc, mpc / 10)}))
        for mpc in (2.0, 100.0, 3000.0)
    )

    assert right > chance(scorer, curve)
    assert right > 2 * near
    assert right > 2 * far
    unknown = replace(curve, given={"host": Host("", float("nan"), float("nan"))})
    assert chance(scorer, unknown) == chance(scorer, curve)


def test_where_stars_are_dense_it_is_a_star_sooner_and_the_sky_tells_nothing_without_a_place(
    scorer: Kilonova,
) -> None:
    curve = replace(make_curve("a", FADING), ra=float("nan"), dec=float("nan"))
    plane, pole = replace(curve, ra=266.4, dec=-29.0), replace(curve, ra=192.86, dec=27.13)

    assert chance(scorer, plane) < chance(scorer, curve) < chance(scorer, pole)


def test_one_visit_is_too_few_and_less_known_is_less_sure(scorer: Kilonova) -> None:
    two, four = make_curve("a", FADING[:2]), make_curve("b", FADING)
    hosted = replace(four, given={"host": Host("", 100.0, 10.0)})

    reasons = scorer.eligible(Batch.build([make_curve("c", FADING[:1]), two]))
    sigma = scorer.score(Batch.build([two, four, hosted])).sigma

    assert reasons.tolist() == [Reason.TOO_FEW_POINTS, Reason.OK]
    assert sigma[0] > sigma[1] > sigma[2]


def test_its_parts_add_up_to_how_far_it_moved(scorer: Kilonova) -> None:
    curve = replace(make_curve("a", FADING), given={"host": Host("", 100.0, 10.0)}, ra=10.0, dec=40)

    told = scorer.explain(Batch.build([curve]))

    p, usual = chance(scorer, curve), scorer.spec.prior[0]
    assert [part.name for part in told] == [
        "light curve",
        "distance of the host",
        "place in the Galaxy",
    ]
    moved = np.log(p / (1 - p)) - np.log(usual / (1 - usual))
    assert sum(part.log_lr for part in told) == pytest.approx(moved)
    assert "as a kilonova best" in told[0].text


# --- What it is fitted and measured on ----------------------------------------------------------
def test_a_star_is_injected_with_its_own_light_curve() -> None:
    mjd = np.repeat(np.arange(6.0), 2)
    magnitude = 18 + 0.1 * mjd
    bands = np.array(["g", "r"] * 6)
    star = Source("a", "SN Ia", mjd, bands, fluxes(magnitude), fluxes(magnitude) / 50, 0.0)
    rng = np.random.default_rng(3)

    light = supernova_light([star])(rng, 100.0)
    seen = light(np.array([100.0, 99.0]), "g")
    assert np.log10(seen[1] / seen[0]) * 2.5 == pytest.approx(0.1, abs=0.36)

    swing = np.sin(2 * np.pi * mjd / 3.0)
    periodic = Source("b", "variable", mjd, bands, swing, np.ones(12), np.nan, period=3.0)
    flux = periodic_light([periodic])(rng, 100.0)(100 + np.array([0.0, 3.0, 1.5]), "r")
    assert flux[0] == pytest.approx(flux[1])


def test_a_host_by_chance_lies_as_far_as_one_of_a_kilonova() -> None:
    rng = np.random.default_rng(4)
    made = [give_host(Sample(make_curve("a", FADING), "flare", "a"), rng) for _ in range(300)]
    far = np.array([sample.curve.given["host"].distance_mpc for sample in made])

    assert np.mean(far < 200 * 0.5 ** (1 / 3)) == pytest.approx(0.5, abs=0.1)  # even in volume


def test_the_real_kilonovae_are_likely_by_their_second_night(
    scorer: Kilonova, real_data: Path
) -> None:
    for name, by in (("AT2017gfo", 1.45), ("GRB 211211A", 0.7)):
        whole = read_known(real_data, KNOWN[name])
        assert len(epochs_of(whole)) >= 2
        assert chance(scorer, replace(whole, as_of_mjd=58000.0 + by)) > 0.4


def test_what_is_gained_is_told_of_the_same_objects_and_nothing_over_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evaluate.figures, "N_BOOTSTRAPS", 20)
    rng = np.random.default_rng(2)

    def scored(better: float) -> evaluate.Scored:
        number = np.arange(40.0)
        return evaluate.Scored(np.clip(better + number / 100, 0, 1), number, number, number, 0)

    before = {"kilonova": scored(0.2), "flare": scored(0.1), "supernova": scored(0.0)}
    after = before | {"kilonova": scored(0.5)}

    same, gained = evaluate.gains("", before, before)[1], evaluate.gains("", before, after)[1]

    assert same.endswith("| +0.000 (+0.000 to +0.000) |")
    assert float(gained.split("(")[2].split(" ")[0]) > 0  # the lower end
    without = take_limits(give_host(seen_with_a_limit(), rng)).curve
    assert without.kind == ["alert", "alert"]
    assert without.mjd == seen_with_a_limit().curve.mjd[1:]


def seen_with_a_limit() -> Sample:
    seen = [(0.0, "r", 21.0), (1.0, "g", 19.0), (2.0, "r", 19.0)]
    return Sample(make_curve("a", seen, kinds=["limit", "alert", "alert"]), "flare", "a")


def test_the_figures_hold_on_objects_that_it_never_saw(
    scorer: Kilonova, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "NUMBER", 60)
    rng = np.random.default_rng(11)

    others, found = evaluate.held_out(evaluate.Data.read(real_data), rng)
    parts = evaluate.scores_of(scorer, others)
    families = [
        evaluate.score(scorer, found[of]) for of in found if of not in {"AT2017gfo", "nova"}
    ]
    everything = {evaluate.KILONOVA: evaluate.together(families)} | parts

    area = evaluate.figures.area_under_curve(everything, everything[evaluate.KILONOVA])
    assert area > 0.94
    assert evaluate.figures.log_loss(everything) < 0.13
    assert np.mean(parts["supernova"].chance > 0.3) < 0.02
