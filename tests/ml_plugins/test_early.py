"""`early`: what it reads from a rise, when it speaks, and what it says."""

from pathlib import Path

import numpy as np
import pytest

from ml_plugins.early import Early
from ml_plugins.early.features import GROUPS, NAMES, measure
from ml_plugins.early.recipe import PARAMETERS, RECIPE
from ml_plugins.early.scope import reason_of
from ml_plugins.outbursts.boosting import rows_of
from ml_plugins.outbursts.features import nights_of
from ml_plugins.outbursts.scope import CLASSES
from tests.ml_plugins.outbursts import some_real, supernova
from tests.scoring.curves import make_curve
from tom.scoring.contract import Batch, Curve, Reason
from tom.scoring.registry import load_scorers, trained_on


@pytest.fixture(scope="module")
def scorer() -> Early:
    (loaded,) = load_scorers(["ml_plugins.early.Early"])
    assert isinstance(loaded, Early)
    return loaded


def rising(*, a_day: float = -0.2, colour: float = 0.1, last: float = 8.0) -> Curve:
    """A rise that is straight in magnitudes, from 19 in r on, seen every two days."""
    points = [
        (day + lag, band, 19 + a_day * day + colour * (band == "g"))
        for day in np.arange(0, last + 0.1, 2.0)
        for lag, band in ((0.0, "g"), (0.02, "r"))
    ]
    return make_curve("one", points, error_fraction=0.02, ebv=0.0)


def features(curve: Curve) -> dict[str, float]:
    values = measure(nights_of(Batch.build([curve]), 0))
    return dict(zip(NAMES, values.tolist(), strict=True))


def test_features_are_those_of_the_rise() -> None:
    found = features(rising())

    assert found["age"] == pytest.approx(8.02)
    assert (found["nights"], found["nights, g"]) == (10, 5)
    assert found["brightest"] == pytest.approx(19 - 0.2 * 8, abs=0.01)
    assert found["slope, r"] == pytest.approx(-0.2, abs=0.01)
    assert found["first slope, g"] == pytest.approx(-0.2, abs=0.01)
    assert found["risen, r"] == pytest.approx(1.6, abs=0.01)
    assert found["days since the brightest"] == pytest.approx(0, abs=0.1)
    assert found["newest colour"] == pytest.approx(0.1, abs=0.01)
    assert found["change of colour"] == pytest.approx(0, abs=1e-3)
    assert found["bend, r"] == pytest.approx(0, abs=1e-3)


def test_an_expanding_fireball_has_its_age() -> None:
    points = [(float(day), "r", 20 - 5 * np.log10(day + 3)) for day in range(0, 9, 2)]
    found = features(make_curve("one", points, ebv=0.0))

    assert found["fireball age, r"] == pytest.approx(11, abs=0.1)  # 8 days, and 3 before
    assert np.isnan(found["slope, g"])
    assert np.isnan(found["mean colour"])


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        ((0.0, 2.0), Reason.TOO_FEW_POINTS),
        ((0.0,), Reason.TOO_FEW_POINTS),
        ((0.0, 3.5), Reason.OK),
        ((0.0, 20.0, 40.0), Reason.OUT_OF_SCOPE),
    ],
)
def test_it_speaks_from_three_days_on_while_it_is_young(days, reason) -> None:
    batch = Batch.build([make_curve("one", [(day, "r", 18.0) for day in days], as_of=61100.0)])

    assert reason_of(nights_of(batch, 0)) == reason


def test_real_light_curves_are_judged_as_they_grow(scorer: Early, real_data: Path) -> None:
    known = some_real(real_data, CLASSES)
    nights = [nights_of(known.batch, row) for row in range(len(known.batch))]
    rows = rows_of(nights, known.classes, measure=measure, recipe=RECIPE)

    chance = scorer._trees.chances(rows.features)

    assert len(rows.owner) > 60
    np.testing.assert_allclose(chance.sum(axis=1), 1)
    assert np.mean(chance.argmax(axis=1) == rows.truth) > 0.6


def test_it_says_what_its_opinion_rests_on(scorer: Early) -> None:
    told = scorer.explain(Batch.build([rising()]))

    assert [piece.name for piece in told] == list(GROUPS)
    assert all("a Ia" in piece.text or "says little" in piece.text for piece in told)


def test_every_feature_is_explained_once() -> None:
    columns = [column for group in GROUPS.values() for column in group]

    assert sorted(columns) == list(range(len(NAMES)))


@pytest.mark.soak  # that of `sn_type` goes through the same code
def test_a_fit_tells_what_it_was_fitted_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARAMETERS, "max_iter", 30)
    labels = [CLASSES[k % 5] for k in range(100)]
    rng = np.random.default_rng(4)
    batch = Batch.build(
        [
            supernova(str(k), width=15 + 8 * (k % 5) + rng.normal(), colour=0.3 * (k % 5))
            for k in range(100)
        ]
    )

    (tmp_path / "model.json").write_bytes(Early().fit(batch, labels))
    made = Early()
    made.setup(tmp_path)

    young = Batch.build(
        [supernova(str(k), width=15 + 8 * k, colour=0.3 * k, last=-2.0) for k in range(5)]
    )
    told = made.score(young).probability.argmax(axis=1)
    assert np.mean(told == np.arange(5)) >= 0.8
    with pytest.raises(ValueError, match="needs objects of each class"):
        Early().fit(batch, ["supernova Ia"] * 100)


def test_its_training_set_is_listed(scorer: Early) -> None:
    assert len(trained_on(scorer)) > 3000
