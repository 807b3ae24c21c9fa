"""The fit: shares that hold whatever was drawn, rises in order, a temper that earns its place."""

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_plugins.fast_transient.features import Features
from ml_plugins.fast_transient.mixture import Mixture
from ml_plugins.fast_transient.model import Model, contributions, without
from ml_plugins.fast_transient.training import train
from ml_plugins.injections import samples
from ml_plugins.injections.samples import Sample
from ml_plugins.injections.shares import KILONOVA, PRIOR, SHARES, class_weights
from ml_plugins.injections.sources import Flare, Source
from ml_plugins.injections.split import Data
from tests.ml_plugins.test_samples import DEPTHS, FLARE
from tests.ml_plugins.test_samples import make_source as make_star
from tests.scoring.curves import make_curve

CLASSES = [label for label in SHARES if label != "unlike"]


def make_features(value: list[list[float]], variance: float = 0.01, **known: object) -> Features:
    rows = np.array(value, float)
    features = {
        "value": np.nan_to_num(rows),
        "variance": np.where(np.isnan(rows), np.inf, variance),
        "fade": np.full((len(rows), 2), np.nan),
        "rise": np.full(len(rows), np.nan),
    }
    return Features(**(features | known))


def blob(mean: float, *, spread: float = 1.0) -> Mixture:
    return Mixture(np.ones(1), np.full((1, 3), mean), np.eye(3)[None] * spread)


def make_model(apart: float = 2.0, temper: float = 1.0) -> Model:
    return Model(
        densities={KILONOVA: blob(apart), "supernova": blob(0.0), "unlike": train.UNLIKE},
        shares={"supernova": 0.97, "unlike": 0.03},
        rise_rate=np.array([0.0, 1.0]),
        rise_chance=np.array([1.0, 0.25]),
        temper=temper,
        spread=np.ones(3),
    )


# --- Weights and shares -------------------------------------------------------------------------
def test_the_shares_of_what_is_no_kilonova_sum_to_one() -> None:
    assert sum(SHARES.values()) == pytest.approx(1)
    assert set(train.FAST_RISERS) < SHARES.keys()
    assert train.N_PARTS.keys() == {KILONOVA, *CLASSES}


@given(st.dictionaries(st.sampled_from(CLASSES), st.integers(1, 900), min_size=1))
def test_weights_make_the_prior_and_the_shares_whatever_was_drawn(drawn: dict[str, int]) -> None:
    counts = drawn | {KILONOVA: 7}

    weights = class_weights(counts)

    total = {label: weights[label] * count for label, count in counts.items()}
    assert total[KILONOVA] == pytest.approx(PRIOR)
    assert sum(total.values()) == pytest.approx(1)
    first = next(iter(drawn))
    for label in drawn:
        assert total[label] / total[first] == pytest.approx(SHARES[label] / SHARES[first])


# --- Rises --------------------------------------------------------------------------------------
def make_source(*points: tuple[float, str, float]) -> Source:
    day, band, flux = (np.array(column) for column in zip(*points, strict=True))
    return Source("star", "supernova", day, band, flux, np.ones(len(day)), 0.0)


@pytest.mark.parametrize(
    ("points", "rates"),
    [
        ([(0.0, "g", 100.0), (2.0, "g", 1e4)], [2.5]),  # 5 mag in two days
        ([(0.0, "g", 100.0), (0.7, "g", 1e4)], []),  # too soon
        ([(0.0, "g", 100.0), (3.0, "g", 1e4)], []),  # too late
        ([(0.0, "g", 100.0), (0.5, "g", 1.0), (1.0, "g", 1e3), (2.0, "g", 9.0)], [2.5]),
        ([(0.0, "g", -5.0), (1.0, "g", 100.0), (2.0, "g", 10.0)], [-2.5]),  # of what shines
        ([(0.0, "r", 10.0), (0.0, "g", 10.0), (1.0, "g", 100.0), (1.0, "r", 10.0)], [2.5, 0.0]),
        ([(0.0, "i", 10.0), (1.0, "i", 100.0)], []),
        ([(0.0, "g", 10.0)], []),
    ],
)
def test_the_first_rise_is_between_the_first_visits_of_a_band(points, rates) -> None:
    assert train._first_rise(make_source(*points)) == pytest.approx(rates)


@given(st.lists(st.floats(-1, 5), min_size=1, max_size=20))
def test_fewer_rise_the_faster_the_rise(rates: list[float]) -> None:
    shares = train._at_least(np.array(rates))

    assert shares[0] == 1.0
    assert np.all(np.diff(shares) <= 0)
    assert shares[6] == np.mean(np.array(rates) >= 1.0)  # the grid's seventh step


def test_the_chance_of_a_rise_is_that_of_each_class_by_its_share() -> None:
    slow = make_source((0.0, "g", 100.0), (1.0, "g", 10**0.1 * 100.0))  # 0.25 mag a day

    chance = train._rise_chance([slow], np.array([0.8, np.nan]))

    # Dwarf novae, flares and the unlike rise at any rate: 0.27. Variables are 0.18 of all.
    assert chance[0] == pytest.approx(1.0)
    assert chance[2] == pytest.approx(1.0)  # 0.2 mag a day: both others still do
    assert chance[3] == pytest.approx(0.27 + 0.18)  # 0.3: the variable alone
    assert chance[5] == pytest.approx(0.27 + 0.18)  # 0.7
    assert chance[6:] == pytest.approx([0.27] * 4)


# --- The temper ---------------------------------------------------------------------------------
def test_a_ratio_that_says_what_it_should_keeps_its_temper() -> None:
    rng = np.random.default_rng(1)
    parts = {
        KILONOVA: make_features(rng.normal(2, 1, (400, 3)).tolist()),
        "supernova": make_features(rng.normal(0, 1, (400, 3)).tolist()),
    }

    assert train._tempered(make_model(), parts).temper > 0.75


def test_a_ratio_that_says_too_much_is_tempered() -> None:
    rng = np.random.default_rng(1)
    # The model takes them for four times as narrow as they are.
    parts = {
        KILONOVA: make_features(rng.normal(2, 4, (400, 3)).tolist()),
        "supernova": make_features(rng.normal(0, 4, (400, 3)).tolist()),
    }

    tempered = train._tempered(make_model(), parts)

    assert 0.1 <= tempered.temper < 0.4
    whole = [train._pull(make_model(), parts, column) for column in range(3)]
    np.testing.assert_allclose(tempered.spread, np.array(whole) * tempered.temper)
    assert tempered.shares == make_model().shares


def test_a_feature_that_no_sample_measured_of_a_class_pulls_by_the_others() -> None:
    parts = {
        KILONOVA: make_features([[2.0, np.nan, 2.0]]),
        "supernova": make_features([[0.0, 0.0, 0.0]]),
    }

    pull = train._pull(make_model(), parts, 1)

    features = parts["supernova"]
    moved = make_model().density_ratio(features) - make_model().density_ratio(without(features, 1))
    assert pull == pytest.approx(abs(float(moved[0])))


def test_no_pull_is_beyond_what_the_samples_support() -> None:
    far = {"supernova": make_features([[-40.0, 0.0, 0.0]]), KILONOVA: make_features([[0.0] * 3])}

    assert train._pull(make_model(30.0), far, 0) <= np.log(100) + 1e-9


def test_densities_are_fitted_to_what_measured_anything() -> None:
    rng = np.random.default_rng(2)
    rows = [*rng.normal(1.0, 0.2, (60, 3)).tolist(), *[[np.nan] * 3] * 60]

    mixture = train._density(make_features(rows), 1, rng)

    np.testing.assert_allclose(mixture.mean, np.ones((1, 3)), atol=0.1)


def test_samples_are_measured_in_their_order() -> None:
    steep = [(0.0, "g", 18.0), (1.0, "g", 20.0)]
    flat = [(0.0, "r", 18.0), (1.0, "r", 18.0)]

    features = train.measured([Sample(make_curve(str(n), p), "x", "x") for n, p in
                               enumerate((steep, flat))])  # fmt: skip

    assert features.measured[:, :2].tolist() == [[True, False], [False, True]]
    np.testing.assert_allclose(features.value[0, 0], np.arcsinh(2.0 / 0.3))


# --- The artefact -------------------------------------------------------------------------------
def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    model = make_model(temper=0.123456)

    model.write(path)
    again = Model.read(path)

    assert json.loads(path.read_text())["temper"] == 0.1235
    features = make_features([[2.0, 1.0, np.nan]], rise=np.array([0.5]))
    np.testing.assert_allclose(again.density_ratio(features), model.density_ratio(features))
    np.testing.assert_allclose(again.rise_ratio(features), model.rise_ratio(features))
    np.testing.assert_allclose(again.sigma(features), model.sigma(features))
    assert again.shares == model.shares


@pytest.mark.parametrize(
    ("rise", "ratio"),
    [(np.nan, 0.0), (-1.0, 0.0), (0.0, 0.0), (0.5, -np.log(0.625)), (9.0, np.log(4))],
)
def test_a_rise_counts_by_how_few_others_rise_so_fast(rise: float, ratio: float) -> None:
    features = make_features([[0.0] * 3], rise=np.array([rise]))

    assert make_model().rise_ratio(features)[0] == pytest.approx(ratio)
    told = contributions(make_model(temper=0.5), features)["rise"][0]
    assert told == pytest.approx(0.5 * ratio)


def test_what_is_not_known_leaves_the_odds_open_by_its_usual_pull() -> None:
    nothing = make_features([[np.nan] * 3])
    everything = make_features([[0.0] * 3], variance=0.0)

    assert make_model().sigma(everything)[0] == pytest.approx(0.5)
    # The base and three features of a pull of 1.
    assert make_model().sigma(nothing)[0] == pytest.approx(np.sqrt(0.25 + 3))
    half = make_features([[0.0] * 3], variance=1.0)  # as wide as the kilonovae themselves
    assert make_model().sigma(half)[0] == pytest.approx(np.sqrt(0.25 + 1.5))


def test_forgetting_the_colour_leaves_the_bounds_on_fading() -> None:
    features = make_features([[1.0, 2.0, 3.0]], fade=np.array([[0.5, 0.7]]))

    assert without(features, 2).fade.tolist() == [[0.5, 0.7]]
    forgotten = without(features, 0)
    assert np.isnan(forgotten.fade[0, 0])
    assert forgotten.fade[0, 1] == 0.7
    assert forgotten.measured.tolist() == [[False, True, True]]
    assert features.measured.all()  # untouched


# --- The whole fit ------------------------------------------------------------------------------
@pytest.fixture
def small_fit(monkeypatch: pytest.MonkeyPatch) -> Data:
    """Some objects of each kind, in every part, and a fit of few samples and steps."""
    whole_grid, whole_fit = samples.grid_kilonova, train.fit_mixture
    monkeypatch.setattr(samples, "grid_kilonova", lambda rng, number: whole_grid(rng, 2))
    monkeypatch.setattr(train, "fit_mixture", partial(whole_fit, n_steps=3))
    monkeypatch.setattr(train, "NUMBER", 30)
    # Four visits a night, g and r in turn: each class shows its rates and its colour.
    days = [night + 0.02 * visit for night in range(6) for visit in range(4)]
    flux = [1e4 * 1.2**day for day in days]
    stars = [make_star(flux, name=f"s{n}", days=days) for n in range(20)]
    flares = [Flare(f"flare {n}", FLARE.days, FLARE.flux) for n in range(20)]
    return Data(stars, stars, flares, {}, DEPTHS)


def test_a_fit_has_each_class_its_share_and_what_is_unlike_all(small_fit: Data) -> None:
    model = train.fit(small_fit, np.random.default_rng(1))

    assert model.densities.keys() == {KILONOVA, *SHARES}
    assert model.densities["unlike"] is train.UNLIKE
    for label, parts in train.N_PARTS.items():
        assert model.densities[label].share.shape == (parts,)
        assert model.densities[label].share.sum() == pytest.approx(1)
    assert model.shares == SHARES
    assert model.rise_chance[0] == pytest.approx(1)
    assert np.all(np.diff(model.rise_chance) <= 1e-12)
    assert 0.1 <= model.temper <= 1
    assert model.spread.shape == (3,)
    assert np.all(model.spread > 0)


def test_a_fit_is_the_same_each_time_and_is_told_with_its_digest(
    small_fit: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(Data, "read", classmethod(lambda cls, folder: small_fit))

    for name in ("one.json", "two.json"):
        train.main([str(tmp_path), str(tmp_path / name)])

    said = capsys.readouterr().out.splitlines()
    one, two = ((tmp_path / name).read_bytes() for name in ("one.json", "two.json"))
    assert one == two
    assert said[1] == said[4] == f"sha256 {hashlib.sha256(one).hexdigest()}"
    temper = float(said[2].removeprefix("temper "))
    assert Model.read(tmp_path / "one.json").temper == pytest.approx(temper, abs=1e-3)


def test_what_is_fitted_on_is_drawn_deeper_and_from_another_part_than_what_is_tuned_on(
    small_fit: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, int, float]] = []
    whole_draw = train.draw_samples

    def draw(data: Data, part: str, **asked: Any) -> Any:
        drawn.append((part, asked["number"], asked["deeper"]))
        return whole_draw(data, part, **asked)

    monkeypatch.setattr(train, "draw_samples", draw)

    train.fit(small_fit, np.random.default_rng(1))

    assert drawn == [("fit", 30, 1.0), ("tune", 15, 0.0)]
