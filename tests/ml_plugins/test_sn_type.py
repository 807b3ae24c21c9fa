"""`sn_type`: its features by known light curves, its trees by scikit-learn's own, its scope."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from ml_plugins.outbursts import train
from ml_plugins.outbursts.boosting import rows_of, weights_of
from ml_plugins.outbursts.features import GROUPS, NAMES, REDDENING, measure, nights_of
from ml_plugins.outbursts.fitted import boosted_numbers
from ml_plugins.outbursts.known import is_kept_back
from ml_plugins.outbursts.scope import CLASSES, reason_of
from ml_plugins.outbursts.trees import Trees, as_json
from ml_plugins.outbursts.typing_recipe import PARAMETERS
from ml_plugins.sn_type import PRIOR, SnType
from tests.ml_plugins.outbursts import supernova
from tests.scoring.curves import make_curve
from tom.scoring.contract import Batch, Curve, Reason, Trainable
from tom.scoring.evaluation.groups import hash_of
from tom.scoring.registry import load_scorers, trained_on
from tom.scoring.runner import Abstention, Breaker, Opinion, run_scorer


@pytest.fixture(scope="module")
def scorer() -> SnType:
    (loaded,) = load_scorers(["ml_plugins.sn_type.SnType"])
    assert isinstance(loaded, SnType)
    return loaded


def features(curve: Curve) -> dict[str, float]:
    values = measure(nights_of(Batch.build([curve]), 0))
    return dict(zip(NAMES, values.tolist(), strict=True))


# --- Features -----------------------------------------------------------------------------------
def test_features_are_those_of_the_light_curve() -> None:
    found = features(supernova(ebv=0.0))

    assert found["days from the first detection, r"] == pytest.approx(14, abs=1.5)
    assert found["days of detections"] == pytest.approx(54.02, abs=0.1)
    # (10 / 15)^2 mag ten days later, and half the flux (0.753 mag) after 13 days.
    assert found["mag below the peak 10 d later, r"] == pytest.approx(0.444, abs=0.1)
    assert found["mag below the peak 10 d earlier, r"] == pytest.approx(0.444, abs=0.1)
    assert found["days to 0.5 of the peak, r"] == pytest.approx(13.5, abs=1.5)
    assert found["colour at +0 d"] == pytest.approx(0.1, abs=0.05)
    assert found["colour at +20 d"] == pytest.approx(0.5, abs=0.07)
    assert found["change of colour"] == pytest.approx(0.02, abs=0.005)
    assert found["days between the peaks"] == pytest.approx(2.25, abs=1.5)  # g peaks first


def test_what_was_not_seen_is_nan() -> None:
    found = features(supernova(last=4.0))

    assert np.isnan(found["mag below the peak 10 d later, r"])
    assert np.isnan(found["days to 0.25 of the peak, r"])
    assert np.isnan(found["colour at +20 d"])
    assert np.isnan(found["bump in r"])


def test_the_milky_way_is_taken_away() -> None:
    clear, dusty = (features(supernova(ebv=ebv)) for ebv in (0.0, 0.2))

    gap = clear["mean colour"] - dusty["mean colour"]
    assert gap == pytest.approx(0.2 * (REDDENING[0] - REDDENING[1]), abs=0.01)


def test_distance_and_depth_do_not_matter() -> None:
    near = supernova(ebv=0.0)
    faint = [[value / 40 for value in values] for values in (near.flux, near.flux_error)]
    far = replace(near, flux=faint[0], flux_error=faint[1])

    np.testing.assert_allclose(
        list(features(near).values()), list(features(far).values()), rtol=1e-6
    )


def test_false_alerts_of_earlier_years_do_not_matter() -> None:
    clean = supernova(ebv=0.0)
    old = [(-500.0, "g", 20.0), (-400.0, "r", 20.0)]
    days = [mjd - 61000.0 for mjd in clean.mjd]
    mags = (31.4 - 2.5 * np.log10(clean.flux)).tolist()
    spoilt = make_curve(
        "one", [*old, *zip(days, clean.band, mags, strict=True)],
        error_fraction=0.02, as_of=61100.0, ebv=0.0,
    )  # fmt: skip

    np.testing.assert_allclose(
        list(features(clean).values()), list(features(spoilt).values()), rtol=1e-6
    )


def test_a_long_light_curve_costs_no_more_than_sixty_nights_a_band() -> None:
    points = [(0.6 * k, "gr"[k % 2], 18.0) for k in range(300)]

    nights = nights_of(Batch.build([make_curve("one", points, as_of=62000.0)]), 0)

    assert max(np.bincount(nights.band)) <= 60
    assert len(nights.time) > 40


def test_every_feature_is_explained_once() -> None:
    columns = [column for group in GROUPS.values() for column in group]

    assert sorted(columns) == list(range(len(NAMES)))


# --- Scope --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([(0.0, "g", 18), (1, "r", 18), (2, "g", 18), (6, "r", 18)], Reason.TOO_FEW_POINTS),
        ([(float(k), "gr"[k % 2], 18) for k in range(5)], Reason.TOO_FEW_POINTS),
        ([(2.0 * k, "g", 18) for k in range(6)], Reason.NO_COLOUR),
        ([(60.0 * k, "gr"[k % 2], 18) for k in range(12)], Reason.OUT_OF_SCOPE),
        ([(2.0 * k, "gr"[k % 2], 18) for k in range(6)], Reason.OK),
    ],
)
def test_it_judges_one_outburst_of_five_nights_in_two_bands(points, reason) -> None:
    batch = Batch.build([make_curve("one", points, as_of=62000.0)])

    assert reason_of(nights_of(batch, 0)) == reason


def test_it_judges_nothing_in_other_bands(scorer: SnType) -> None:
    curve = make_curve("one", [(2.0 * k, "iz"[k % 2], 18.0) for k in range(8)])

    (outcome,) = run_scorer(scorer, Batch.build([curve]), breaker=Breaker())

    assert isinstance(outcome, Abstention)
    assert outcome.reason == Reason.TOO_FEW_POINTS


def test_forced_points_below_five_sigma_are_no_detections() -> None:
    points = [(2.0 * k, "gr"[k % 2], 18.0) for k in range(8)]
    curve = make_curve("one", points, kinds=["forced"] * 8, error_fraction=0.3)

    assert reason_of(nights_of(Batch.build([curve]), 0)) == Reason.TOO_FEW_POINTS


# --- Trees --------------------------------------------------------------------------------------
def test_the_trees_say_what_scikit_learn_says() -> None:
    # More rows than bins: some thresholds are values of rows.
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 5, 400)
    values = rng.normal(size=(400, 6)) + truth[:, None] * [1, 0, 0.5, 0, 0, 0]
    values[rng.uniform(size=values.shape) < 0.2] = np.nan
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(**PARAMETERS | {"max_iter": 5}).fit(values, truth)

    trees = Trees.of(json.loads(as_json(boosted_numbers(model))))

    np.testing.assert_allclose(trees.chances(values), model.predict_proba(values), atol=2e-5)


def test_a_temper_above_one_makes_chances_milder() -> None:
    leaf = {
        "start": [1.0, 0.0],
        "depth": 0,
        "age_days": [1],
        "age_sigma": [1],
        "trees": [[[0.0]]] * 2,
    }

    sharp, mild = (
        Trees.of(leaf | {"temper": temper}).chances(np.zeros((1, 1)))[0, 0] for temper in (1, 2)
    )

    assert sharp == pytest.approx(1 / (1 + np.exp(-1)))
    assert mild == pytest.approx(1 / (1 + np.exp(-0.5)))


# --- The shipped model --------------------------------------------------------------------------
def test_a_fast_one_that_reddens_is_a_ia_and_a_plateau_is_a_ii(scorer: SnType) -> None:
    fast = supernova(width=12, colour=0.0, reddens=0.03)
    flat = supernova(width=60, colour=0.2, reddens=0.01, last=70.0)

    first, second = run_scorer(scorer, Batch.build([fast, flat]), breaker=Breaker())

    assert isinstance(first, Opinion)
    assert isinstance(second, Opinion)
    assert first.probability[0] > 0.8
    assert second.probability[1] > 0.5


def test_young_light_curves_may_move_further(scorer: SnType) -> None:
    young, old = (supernova(last=last) for last in (-4.0, 60.0))

    first, second = run_scorer(scorer, Batch.build([young, old]), breaker=Breaker())

    assert isinstance(first, Opinion)
    assert isinstance(second, Opinion)
    assert first.sigma > 1.5 * second.sigma


def test_it_says_what_its_opinion_rests_on(scorer: SnType) -> None:
    told = scorer.explain(Batch.build([supernova(width=60, last=70.0)]))

    assert [piece.name for piece in told] == ["colour", "rise", "fall", "width"]
    assert any(piece.log_lr < -0.5 and "to 1 against a Ia" in piece.text for piece in told)


def test_its_training_set_is_listed(scorer: SnType) -> None:
    hashes = trained_on(scorer)

    assert len(hashes) == len(set(hashes)) > 3000
    assert isinstance(scorer, Trainable)
    assert sum(PRIOR) == pytest.approx(1)


# --- The fit ------------------------------------------------------------------------------------
def made_set(n: int) -> tuple[Batch, list[str]]:
    """Light curves whose width tells the class."""
    rng = np.random.default_rng(4)
    labels = [CLASSES[k % 5] for k in range(n)]
    curves = [
        replace(
            supernova(width=15 + 8 * (k % 5) + rng.normal(), colour=0.1 * rng.normal()),
            object_id=str(k),
        )
        for k in range(n)
    ]
    return Batch.build(curves), labels


def test_a_fit_tells_what_it_was_fitted_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARAMETERS, "max_iter", 40)
    batch, labels = made_set(100)

    artefact = SnType().fit(batch, labels)

    (tmp_path / "model.json").write_bytes(artefact)
    scorer = SnType()
    scorer.setup(tmp_path)
    told = scorer.score(batch).probability.argmax(axis=1)
    assert np.mean([CLASSES[k] == label for k, label in zip(told, labels, strict=True)]) > 0.9


def test_the_command_fits_files_without_what_is_kept_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PARAMETERS, "max_iter", 2)
    batch, labels = made_set(60)
    names = batch.object_ids.tolist()
    points = {"oid": batch.object_ids[batch.point_object], "mjd": batch.mjd, "band": batch.band}
    mag = 31.4 - 2.5 * np.log10(batch.flux)
    pl.DataFrame(points | {"mag": mag, "magerr": 0.02}).write_parquet(tmp_path / "lc.parquet")
    pl.DataFrame({"oid": names, "cls": labels}).write_parquet(tmp_path / "meta.parquet")

    train.main(
        [
            "ml_plugins.sn_type.SnType",
            *(str(tmp_path / f"{k}.parquet") for k in ("lc", "meta")),
            "--folder",
            str(tmp_path),
        ]
    )

    found = hashlib.sha256((tmp_path / "model.json").read_bytes()).hexdigest()
    assert f"sha256 {found}" in capsys.readouterr().out
    listed = (tmp_path / "trained_on.txt").read_text().split()
    assert listed == sorted(hash_of(name) for name in names if not is_kept_back(name))
    assert 30 < len(listed) < 60


def test_a_fit_without_a_class_is_refused() -> None:
    batch, _ = made_set(6)

    with pytest.raises(ValueError, match="there is none of superluminous supernova, supernova II,"):
        SnType().fit(batch, [CLASSES[0]] * 6)


def test_a_fit_with_too_few_of_a_class_names_it() -> None:
    batch, labels = made_set(40)
    rare = CLASSES.index("superluminous supernova")
    others = [CLASSES[0] if label == CLASSES[rare] else label for label in labels]

    with pytest.raises(ValueError, match=f"class '{CLASSES[rare]}' has too few objects"):
        SnType().fit(batch, [CLASSES[rare], *others[1:]])  # the first one is held out


def test_a_fit_to_what_says_too_little_is_refused() -> None:
    short = Batch.build([supernova(str(k), last=-12.0) for k in range(len(CLASSES))])

    with pytest.raises(ValueError, match="no light curve says enough"):
        SnType().fit(short, CLASSES)


def test_a_fit_that_leaves_nothing_to_temper_it_on_is_refused() -> None:
    curves = [supernova(str(k), last=40.0 if k % 4 else -12.0) for k in range(8)]

    with pytest.raises(ValueError, match="too few light curves"):
        SnType().fit(Batch.build(curves), [*CLASSES, *CLASSES[:3]])


def test_each_object_weighs_as_much_as_another_of_its_class() -> None:
    batch, labels = made_set(20)
    nights = [nights_of(batch, row) for row in range(len(batch))]
    rows = rows_of(nights, labels, measure=measure, recipe=SnType.recipe)

    weight = np.bincount(rows.owner, weights_of(rows, SnType.recipe))

    assert not rows.is_end.all()
    full = np.bincount(rows.owner) > 1
    np.testing.assert_allclose(weight[full], weight[full][0])


def test_nothing_kept_back_is_trained_on() -> None:
    names = [f"n{k}" for k in range(1000)]

    assert 0.25 < np.mean([is_kept_back(name) for name in names]) < 0.35
