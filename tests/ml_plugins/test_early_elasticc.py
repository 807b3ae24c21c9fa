"""`early_elasticc`: what it says of labelled alerts."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from ml_plugins.early_elasticc import CLASSES, EarlyElasticc
from ml_plugins.early_elasticc.alerts import curve_of
from ml_plugins.early_elasticc.features import GROUPS, NAMES, measure
from ml_plugins.early_elasticc.training.files import alerts_in
from ml_plugins.outbursts.fitted import boosted_numbers
from ml_plugins.outbursts.known import is_kept_back
from ml_plugins.outbursts.trees import Trees, as_json
from ml_plugins.outbursts.wide import wide_of
from tests.ml_plugins.test_tde import outburst
from tom.scoring.contract import Batch
from tom.scoring.registry import load_scorers


@pytest.fixture(scope="module")
def scorer() -> EarlyElasticc:
    (loaded,) = load_scorers(["ml_plugins.early_elasticc.EarlyElasticc"])
    assert isinstance(loaded, EarlyElasticc)
    return loaded


def alert(days: list[float], *, number: int = 7) -> dict:
    """An alert in g and r by turns, of 20000 nJy at its newest point, whose object brightens."""
    points = [
        {
            "diaSourceId": 2000 * number + k,
            "diaObjectId": number,
            "midPointTai": 60000.0 + day,
            "filterName": "gr"[k % 2],
            "psFlux": 20000.0 * (1 + day) / (1 + days[-1]),
            "psFluxErr": 100.0,
        }
        for k, day in enumerate(days)
    ]
    host = {"mwebv": 0.02, "hostgal_zspec": -9.0, "hostgal_zphot": 0.3}
    own, before = points[-1], points[:-1]
    return {"alertId": own["diaSourceId"], "diaSource": own, "prvDiaSources": before,
            "prvDiaForcedSources": None, "diaObject": host}  # fmt: skip


def test_features_tell_how_bright_it_is_and_how_it_changes() -> None:
    curve = curve_of(alert([0.0, 0.1, 4.0, 4.1, 9.0, 9.1]))
    found = measure(wide_of(Batch.build([curve]), 0))
    told = dict(zip(NAMES, found.tolist(), strict=True))

    assert told["age"] == pytest.approx(9.1)
    assert told["brightest, r"] == pytest.approx(20.65, abs=0.1)  # 20000 nJy, AB 31.4
    assert told["risen, r"] == pytest.approx(2.5 * np.log10(10.1 / 1.1), abs=0.01)
    assert told["newest slope, r"] < 0
    assert told["redshift"] == pytest.approx(0.3)
    assert sorted(k for group in GROUPS.values() for k in group) == list(range(len(NAMES)))


def test_labelled_alerts_of_objects_that_it_does_not_know(scorer, real_data: Path) -> None:
    folder = real_data / "elasticc" / "fink_2023-02-08"
    kept = [
        (CLASSES.index(label), each)
        for label, each in alerts_in(folder)
        if is_kept_back(str(each["diaSource"]["diaObjectId"])) and len(each["prvDiaSources"]) > 8
    ]
    truth = np.array([column for column, _ in kept[::4]])
    batch = Batch.build([curve_of(each) for _, each in kept[::4]])

    told = scorer.score(batch).probability.argmax(axis=1)

    assert len(truth) > 100
    assert np.mean(told == truth) > 0.8


def test_trees_of_two_classes_keep_the_chances_of_the_fit() -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(200, 3))
    truth = (features[:, 0] + rng.normal(size=200) > 0.4).astype(int)
    model = HistGradientBoostingClassifier(max_iter=20).fit(features, truth)

    trees = Trees.of(json.loads(as_json(boosted_numbers(model))))

    np.testing.assert_allclose(
        trees.chances(features), model.predict_proba(features), atol=1e-4, rtol=0
    )


def test_it_says_what_its_opinion_rests_on(scorer: EarlyElasticc) -> None:
    told = scorer.explain(Batch.build([outburst()]))

    assert [piece.name for piece in told] == list(GROUPS)
