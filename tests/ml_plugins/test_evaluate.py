"""The figures of the card, each against a sum done by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_plugins.fast_transient import FastTransient
from ml_plugins.fast_transient.training import evaluate
from ml_plugins.injections import figures
from ml_plugins.injections.figures import Scored
from ml_plugins.injections.samples import Sample
from ml_plugins.injections.shares import KILONOVA
from ml_plugins.injections.split import Data
from tests.scoring.curves import make_curve
from tom.scoring.contract import Batch
from tom.scoring.registry import load_scorers
from tom.sky.kilonova import AT2017GFO, absolute_magnitude

chances = st.lists(st.floats(0.001, 0.999), min_size=1, max_size=12)


def make_scored(chance, *, group=None, n_detections=2.0, magnitude=19.5, n_abstained=0) -> Scored:
    chance = np.asarray(chance, float)
    return Scored(
        chance,
        np.arange(len(chance), dtype=float) if group is None else np.asarray(group, float),
        np.broadcast_to(np.asarray(n_detections, float), chance.shape),
        np.broadcast_to(np.asarray(magnitude, float), chance.shape),
        n_abstained,
    )


@pytest.fixture(scope="module")
def scorer() -> FastTransient:
    (loaded,) = load_scorers(["ml_plugins.fast_transient.FastTransient"])
    assert isinstance(loaded, FastTransient)
    return loaded


# --- Scores -------------------------------------------------------------------------------------
def test_samples_the_scorer_abstains_from_are_counted_and_left_out(scorer: FastTransient) -> None:
    fading = [(0.0, "g", 18.0), (1.0, "g", 19.0), (1.02, "r", 18.5)]
    made = [
        Sample(make_curve("a", fading), "x", "second"),
        Sample(make_curve("b", fading[:1]), "x", "gone"),
        Sample(make_curve("c", [*fading, (2.0, "g", 20.0)]), "x", "first"),
        Sample(make_curve("d", fading, kinds=["alert", "alert", "limit"]), "x", "second"),
    ]

    scored = figures.score(scorer, made)

    assert scored.n_abstained == 1
    assert scored.n_detections.tolist() == [3, 4, 2]
    np.testing.assert_allclose(scored.magnitude, [18.5, 20.0, 19.0])  # of the newest detection
    assert scored.group.tolist() == [1, 0, 1]
    # What fades a magnitude a day and reddens is a kilonova sooner than what is seen twice in g.
    assert 0 < scored.chance[2] < scored.chance[0] < 1
    told = scorer.score(Batch.build([made[0].curve])).probability[0]
    assert scored.chance[0] == pytest.approx(told[0])


def test_some_rows_of_a_class_keep_what_belongs_to_them() -> None:
    part = make_scored([0.1, 0.2, 0.3], n_detections=[2, 3, 4], magnitude=[18, 19, 20])

    some = part.take(np.array([True, False, True]))

    assert some.chance.tolist() == [0.1, 0.3]
    assert some.group.tolist() == [0, 2]
    assert some.n_detections.tolist() == [2, 4]
    assert some.magnitude.tolist() == [18, 20]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 99))
def test_a_resample_has_as_many_objects_each_with_all_of_its_samples(
    group: list[int], seed: int
) -> None:
    part = make_scored(np.linspace(0.1, 0.9, len(group)), group=group)

    drawn = part.resampled(np.random.default_rng(seed))

    whole = {g: sorted(part.chance[part.group == g]) for g in set(group)}
    times = {g: np.sum(drawn.group == g) / len(whole[g]) for g in set(group)}
    assert sum(times.values()) == len(whole)
    for each, n in times.items():
        assert sorted(drawn.chance[drawn.group == each]) == sorted(whole[each] * int(n))


# --- Figures ------------------------------------------------------------------------------------
@given(chances, chances)
def test_the_area_is_the_share_of_pairs_in_the_right_order(low: list[float], high: list[float]):
    kinds = {KILONOVA: make_scored(high), "supernova": make_scored(low)}
    pairs = [(k > s) + 0.5 * (k == s) for k in high for s in low]

    area = figures.area_under_curve(kinds, kinds[KILONOVA])

    assert area == pytest.approx(np.mean(pairs), abs=1e-9)


def test_classes_count_by_their_shares_and_not_by_their_samples() -> None:
    # All flares are above the kilonova, all supernovae below: 0.10 and 0.45 of what there is.
    kinds = {
        KILONOVA: make_scored([0.5]),
        "supernova": make_scored([0.1] * 2),
        "flare": make_scored([0.9] * 50),
    }

    area = figures.area_under_curve(kinds, kinds[KILONOVA])

    assert area == pytest.approx(0.45 / 0.55)


def test_the_threshold_is_passed_by_a_hundredth_of_the_unrelated() -> None:
    kinds = {KILONOVA: make_scored([0.99] * 500), "supernova": make_scored(np.arange(1000) / 1000)}

    line = figures.threshold(kinds)

    assert np.sum(kinds["supernova"].chance > line) in (9, 10)


@given(st.lists(chances, min_size=2, max_size=2))
def test_the_log_loss_is_the_mean_of_each_class_under_its_share(told: list[list[float]]) -> None:
    found, other = told

    loss = figures.log_loss({KILONOVA: make_scored(found), "variable": make_scored(other)})

    by_hand = -0.05 * np.mean(np.log(found)) - 0.95 * np.mean(np.log1p(-np.array(other)))
    assert loss == pytest.approx(by_hand)


def test_scores_that_say_too_much_are_out_by_how_much_they_say_too_much() -> None:
    # 5% are kilonovae; everything is said to be one at 45%.
    kinds = {KILONOVA: make_scored([0.45] * 20), "supernova": make_scored([0.45] * 80)}

    assert figures.calibration_error(kinds) == pytest.approx(0.40)


def test_two_errors_in_bins_of_their_own_do_not_cancel() -> None:
    # Said 0.001 and 0.999 where both are a coin's toss: weights 0.05 and 0.95, halves of each.
    kinds = {
        KILONOVA: make_scored([0.001, 0.999] * 50),
        "supernova": make_scored([0.001, 0.999] * 50),
    }

    # Low half: 0.025 true of 0.5. High half: 0.025 true of 0.5, said to be 0.4995.
    assert figures.calibration_error(kinds) == pytest.approx(0.0245 + 0.4745, abs=1e-6)


def test_reliability_tells_of_each_bin_what_was_said_and_what_was_true() -> None:
    kinds = {
        KILONOVA: make_scored([0.5, 0.04]),
        "supernova": make_scored([0.01, 0.011, 0.4, 0.3]),
    }

    rows = figures.reliability(kinds)

    assert [n for _, _, n in rows] == [1, 2, 0, 3, 0]
    assert rows[0] == (pytest.approx(0.01), 0.0, 1)
    # 0.025 of a kilonova said 0.04, and 0.2375 of a supernova said 0.011.
    said = (0.025 * 0.04 + 0.2375 * 0.011) / 0.2625
    assert rows[1] == (pytest.approx(said), pytest.approx(0.025 / 0.2625), 2)
    assert rows[2] == (0.0, 0.0, 0)
    assert rows[3][1] == pytest.approx(0.025 / 0.5)


@pytest.mark.parametrize(
    ("chance", "place"),
    [(0.01, 0), (0.0101, 1), (0.05, 1), (0.051, 2), (0.2, 2), (0.21, 3), (0.5, 3), (0.51, 4)],
)
def test_a_bin_of_reliability_holds_its_upper_end(chance: float, place: int) -> None:
    kinds = {KILONOVA: make_scored([chance]), "supernova": make_scored([1.0] * 2)}

    counts = [n for _, _, n in figures.reliability(kinds)]

    assert counts == [(n == place) + 2 * (n == 4) for n in range(5)]


def test_an_interval_holds_its_figure_and_is_the_same_each_time() -> None:
    kinds = {KILONOVA: make_scored(np.linspace(0.01, 0.99, 60))}
    mean = lambda drawn: float(np.mean(drawn[KILONOVA].chance))  # noqa: E731

    value, low, high = figures.interval(kinds, mean)

    assert value == pytest.approx(0.5)
    assert low < value < high
    # 1.64 standard errors of a uniform sample on each side.
    assert (high - low) / 2 == pytest.approx(1.645 * 0.283 / np.sqrt(60), rel=0.2)
    assert figures.interval(kinds, mean) == (value, low, high)


# --- The tables ---------------------------------------------------------------------------------
def test_slices_count_each_sample_once_by_epoch_and_once_by_magnitude() -> None:
    part = make_scored(
        [0.9, 0.1, 0.9, 0.9, 0.1],
        n_detections=[2, 3, 4, 5, 9],
        magnitude=[18.9, 19.0, 19.9, 20.0, 21.0],
    )

    lines = figures.slices({"x": part, "none": make_scored([])}, 0.5)

    assert lines[-2:] == [
        "| x | 1.000 (1) | 0.500 (2) | 0.500 (2) | 1.000 (1) | 0.500 (2) | 0.500 (2) |",
        "| none | - | - | - | - | - | - |",
    ]
    assert lines[1].split(" | ")[1:4] == ["2 detections", "3-4 detections", "5 or more"]


def test_a_chance_at_the_threshold_is_not_above_it() -> None:
    assert figures.share_above(make_scored([0.5, 0.6, 0.7, 0.1]), 0.5) == 0.5


def test_the_overall_table_tells_made_kilonovae_from_the_real_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "N_BOOTSTRAPS", 5)
    rng = np.random.default_rng(1)
    kinds = {KILONOVA: make_scored([0.9] * 9), "supernova": make_scored(rng.uniform(0, 0.5, 200))}

    lines = evaluate._overall(kinds, make_scored([0.001] * 9))

    told = {line.split("|")[1].strip(): float(line.split("|")[2]) for line in lines}
    assert told["AUC, model kilonovae"] == 1.0
    assert told["AUC, AT2017gfo"] < 0.02
    assert told["found at 1% false positives, model"] == 1.0
    assert told["found at 1% false positives, AT2017gfo"] == 0.0
    assert told["log loss, model"] < told["log loss, AT2017gfo"]
    assert told["log loss of the prior"] == 0.1985


def test_the_model_lies_off_its_photometry_by_what_was_added_to_it() -> None:
    days = np.array([0.5, 1.0, 2.0, 4.4, 4.6, 9.0])
    seen = {
        band: (days, absolute_magnitude(AT2017GFO, days, band) + off + 9.0 * (days > 4.5))
        for band, off in (("g", 0.25), ("r", -0.5))
    }

    lines = evaluate.offsets(Data([], [], [], seen, {}))

    assert lines[1:] == ["| g | +0.25 | 0.00 (4) |", "| r | -0.50 | 0.00 (4) |"]


@given(chances)
@settings(max_examples=20)
def test_nothing_is_above_the_greatest_and_all_is_above_none(told: list[float]) -> None:
    part = make_scored(told)

    assert figures.share_above(part, max(told)) == 0.0
    assert figures.share_above(part, 0.0) == 1.0
