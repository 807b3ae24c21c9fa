"""`anomaly`: the forest by scikit-learn's own, what is unusual, and what it is nearest to."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import IsolationForest
from threadpoolctl import threadpool_limits

from ml_plugins.anomaly import COLUMNS, GROUPS, NEAREST, Anomaly
from ml_plugins.anomaly.training.fit import PARAMETERS, fit
from ml_plugins.anomaly.training.train import CLASSES, RARE, UNUSUAL, write_labels
from ml_plugins.outbursts.fitted import forest_numbers
from ml_plugins.outbursts.trees import Trees, as_json
from tests.ml_plugins.outbursts import some_real, supernova
from tom.scoring.contract import Batch, Reason
from tom.scoring.registry import load_scorers, trained_on


@pytest.fixture(scope="module")
def scorer() -> Anomaly:
    (loaded,) = load_scorers(["ml_plugins.anomaly.Anomaly"])
    assert isinstance(loaded, Anomaly)
    return loaded


def test_the_forest_says_what_scikit_learn_says() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(300, 5))
    values[rng.uniform(size=values.shape) < 0.2] = np.nan
    with threadpool_limits(1):
        model = IsolationForest(n_estimators=20, random_state=1).fit(values)

    forest = Trees.of(json.loads(as_json(forest_numbers(model))))

    gap = np.abs(2.0 ** -forest.sums(values)[:, 0] + model.score_samples(values))
    # Cuts are kept to five digits: a value just beside a cut may fall on its other side.
    assert np.median(gap) < 1e-4
    assert np.mean(gap < 2e-3) > 0.95
    assert gap.max() < 0.05


def test_what_no_supernova_does_is_more_unusual_than_a_supernova(scorer: Anomaly) -> None:
    usual = supernova(width=15, colour=0.0, reddens=0.03)
    strange = supernova(width=90, colour=-0.6, reddens=-0.01, first=-60.0, last=120.0)

    chance = scorer.score(Batch.build([usual, strange])).probability

    assert chance[1, 0] > chance[0, 0] + 0.1
    np.testing.assert_allclose(chance.sum(axis=1), 1)


def test_it_says_what_sets_an_object_apart_and_what_it_is_nearest_to(scorer: Anomaly) -> None:
    told = scorer.explain(Batch.build([supernova(width=90, first=-60.0, last=120.0)]))

    assert [piece.name for piece in told[: len(GROUPS)]] == list(GROUPS)
    assert any(piece.log_lr > 0.05 and "for being unusual" in piece.text for piece in told)
    nearest = told[len(GROUPS) :]
    assert len(nearest) == NEAREST
    assert all(piece.text.startswith("nearest: ZTF") and piece.lines for piece in nearest)


def test_real_light_curves_are_judged(scorer: Anomaly, real_data: Path) -> None:
    known = some_real(real_data, CLASSES)
    asked = np.flatnonzero(scorer.eligible(known.batch) == Reason.OK)

    number = scorer.score(known.batch.take(asked)).probability[:, 0]

    assert len(asked) > 20
    assert 0.3 < number.min() < number.max() < 0.8


def test_a_fit_takes_no_label_into_the_forest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PARAMETERS, "n_estimators", 10)
    rng = np.random.default_rng(3)
    curves = [supernova(f"n{k}", width=15 + rng.normal()) for k in range(40)]
    batch = Batch.build([*curves, supernova("odd", width=80.0)])

    told = [json.loads(fit(batch, [label] * 41)) for label in ("nova", "tde")]

    assert told[0]["trees"] == told[1]["trees"]
    (tmp_path / "model.json").write_text(json.dumps(told[0]))
    made = Anomaly()
    made.setup(tmp_path)
    assert made.score(batch).probability[:, 0].argmax() == 40


def test_a_fit_to_one_light_curve_is_refused() -> None:
    batch = Batch.build([supernova("long"), supernova("short", last=-12.0)])

    with pytest.raises(ValueError, match="fewer than two light curves"):
        fit(batch, ["other", "other"])


def test_rare_types_are_labelled_unusual(tmp_path: Path) -> None:
    rows = [("a", "SLSN", "SLSN-I"), ("b", "SN Ia", "SN Ia"), ("c", "SN IIn", "SN IIn")]
    frame = pl.DataFrame(rows, schema=["oid", "cls", "type"], orient="row")
    frame.write_parquet(tmp_path / "meta.parquet")

    for column, unusual in (("cls", RARE), ("type", UNUSUAL)):
        path = tmp_path / f"{column}.parquet"
        write_labels(tmp_path / "meta.parquet", path, column=column, unusual=unusual)
        told = dict(pl.read_parquet(path).select("oid", "label").rows())
        assert told == {
            "a": "unusual",
            "b": "other",
            "c": "unusual" if column == "cls" else "other",
        }


def test_its_columns_are_named_once(scorer: Anomaly) -> None:
    assert len(set(COLUMNS)) == len(COLUMNS) == 15
    assert len(trained_on(scorer)) > 3000
