"""`bright_transient`: the last days that it reads, what it says of them, and BTSbot's policies."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_plugins.bright_transient import BrightTransient
from ml_plugins.bright_transient.features import GROUPS, NAMES, measure
from ml_plugins.bright_transient.policies import POLICIES
from ml_plugins.bright_transient.training import files
from ml_plugins.bright_transient.training.evaluate import read_seen
from ml_plugins.outbursts.features import nights_of
from tests.scoring.curves import make_curve
from tom.scoring.contract import Batch, Curve, Reason
from tom.scoring.registry import load_scorers, trained_on

NAN = float("nan")


@pytest.fixture(scope="module")
def scorer() -> BrightTransient:
    (loaded,) = load_scorers(["ml_plugins.bright_transient.BrightTransient"])
    assert isinstance(loaded, BrightTransient)
    return loaded


def changing(a_day: float, *, colour: float = 0.0, last: float = 8.0) -> Curve:
    """A line in magnitudes, 18.5 in r at first, in both bands every two days."""
    points = [
        (day + lag, band, 18.5 + a_day * day + colour * (band == "g"))
        for day in np.arange(0, last + 0.1, 2.0)
        for lag, band in ((0.0, "g"), (0.02, "r"))
    ]
    return make_curve("one", points, error_fraction=0.02, ebv=0.0)


def features(curve: Curve) -> dict[str, float]:
    values = measure(nights_of(Batch.build([curve]), 0))
    return dict(zip(NAMES, values.tolist(), strict=True))


def test_features_are_those_of_the_last_days() -> None:
    old = make_curve("one", [(-300.0, "r", 15.0), (0.0, "r", 18.0), (3.0, "r", 17.4)], ebv=0.0)
    found, aged = features(changing(-0.15, colour=0.2)), features(old)

    assert found["slope, r"] == pytest.approx(-0.15, abs=0.005)
    assert found["newest, r"] == pytest.approx(18.5 - 0.15 * 8, abs=0.01)
    assert found["risen, g"] == pytest.approx(1.2, abs=0.01)
    assert found["newest colour"] == pytest.approx(0.2, abs=0.01)
    assert found["off a line, r"] == pytest.approx(0.0, abs=0.01)
    assert (aged["brightest, r"], aged["span"]) == pytest.approx((17.4, 3.0), abs=0.01)
    assert np.isnan(aged["newest, g"])
    assert sorted(k for group in GROUPS.values() for k in group) == list(range(len(NAMES)))


def test_it_waits_for_a_second_detection_and_tells_a_rise_from_a_fast_fall(scorer) -> None:
    batch = Batch.build([changing(-0.1), changing(0.5, last=4.0), changing(0.0, last=0.0)])
    one = Batch.build([make_curve("one", [(0.0, "r", 18.0)])])

    chance = scorer.score(batch).probability[:, 0]

    assert chance[0] > 0.7 > 0.3 > chance[1]
    assert scorer.eligible(one).tolist() == [Reason.TOO_FEW_POINTS]
    assert {piece.name for piece in scorer.explain(batch)} == set(GROUPS)


@pytest.mark.parametrize(
    ("scores", "gt1", "gt3"),
    [
        ([NAN, 0.2, 0.5, 0.9, 0.4, 0.6], 2, 5),
        ([0.9, 0.9], 0, None),
        ([NAN, 0.49], None, None),
    ],
)
def test_a_policy_saves_at_its_last_alert_that_scores_enough(scores, gt1, gt3) -> None:
    found = [POLICIES[name].first(np.array(scores)) for name in ("gt1", "gt3")]

    assert found == [gt1, gt3]


def test_no_object_is_fitted_and_tested_and_transients_are_saved(
    scorer, real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "NUMBER", dict.fromkeys(files.NUMBER, 9))
    files.write_files(real_data, tmp_path)
    names = [
        set(pl.read_parquet(tmp_path / f"{part}_meta.parquet")["alias"]) for part in ("fit", "test")
    ]
    some = pl.read_parquet(tmp_path / "test_meta.parquet").filter(pl.col("kind") != "SN Ia")
    some.gather_every(3).write_parquet(tmp_path / "test_meta.parquet")

    seen = read_seen(tmp_path, scorer)
    saved = [each.label for each in seen if POLICIES["gt3"].first(each.score) is not None]

    assert not names[0] & names[1]
    assert len(seen) > 70
    assert np.mean([label == "transient" for label in saved]) > 0.7
    assert saved.count("transient") / sum(each.label == "transient" for each in seen) > 0.9
    assert len(trained_on(scorer)) > 2000
