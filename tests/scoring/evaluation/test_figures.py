"""Each figure against a sum done by hand, and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from tom.scoring.evaluation import figures
from tom.scoring.evaluation.bootstrap import difference, measure, weights

# Four objects: two of class 0, one of 1, one of 2. The second and the fourth are taken for 0 and 1.
TRUTH = np.array([0, 1, 0, 2])
CHANCE = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.5, 0.25, 0.25], [0.2, 0.5, 0.3]])
ONES = np.ones(4)


@st.composite
def answers(draw):
    """Truth with at least two objects of each of three classes, chances and whole weights."""
    n = draw(st.integers(6, 30))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = np.concatenate([[0, 0, 1, 1, 2, 2], rng.integers(0, 3, n - 6)])
    chance = np.round(rng.dirichlet(np.ones(3), n), 2) + 0.01
    weight = rng.integers(1, 4, n).astype(float)
    return truth, chance / chance.sum(axis=1, keepdims=True), weight


def test_f1_by_hand() -> None:
    # Class 0: recall 1, precision 2/3, F1 0.8. Classes 1 and 2: nothing right.
    assert figures.macro_f1(TRUTH, CHANCE, ONES) == pytest.approx(0.8 / 3)
    assert figures.accuracy(TRUTH, CHANCE, ONES) == 0.5


def test_log_loss_by_hand() -> None:
    told = -np.log([0.8, 0.3, 0.5, 0.3]).mean()

    assert figures.log_loss(TRUTH, CHANCE, ONES) == pytest.approx(told)


def test_calibration_error_by_hand() -> None:
    # Bins: 0.8 (right), 0.6 (wrong), and 0.5 twice: once right, once wrong, so no gap.
    gap = (0.2 + 0.6 + abs(1 - 0.5 - 0.5)) / 4

    assert figures.calibration_error(TRUTH, CHANCE, ONES) == pytest.approx(gap)
    assert figures.reliability(TRUTH, CHANCE) == [
        (pytest.approx(0.5), 0.5, 2),
        (pytest.approx(0.6), 0.0, 1),
        (pytest.approx(0.8), 1.0, 1),
    ]


def test_a_chance_of_one_is_in_the_last_bin() -> None:
    sure = np.array([[1.0, 0.0]])

    assert figures.calibration_error(np.array([1]), sure, np.ones(1)) == 1.0


def test_the_first_are_counted_and_those_alike_in_part() -> None:
    value, wanted = np.array([3.0, 2, 2, 1]), np.array([True, True, False, False])

    # The first, and one of the two alike, of which one is wanted.
    assert figures.precision_first(wanted, value, ONES, n=2) == pytest.approx((1 + 0.5) / 2)
    assert figures.precision_first(wanted, value, np.array([1.0, 0, 1, 1]), n=2) == 0.5
    assert figures.precision_first(wanted, value, ONES, n=50) == 0.5
    assert np.isnan(figures.precision_first([], np.empty(0), np.empty(0)))


def test_area_by_hand() -> None:
    # Of class 0, 0.8 and 0.5; of others 0.6 and 0.2: three of four pairs are in order.
    assert figures.area(0)(TRUTH, CHANCE, ONES) == 0.75


def test_average_precision_by_hand() -> None:
    # The first is found at the first place, the second at the third: (1 + 2/3) / 2.
    assert figures.average_precision(TRUTH == 0, CHANCE[:, 0], ONES) == pytest.approx(5 / 6)


@given(answers())
@settings(max_examples=60, deadline=None)
def test_every_figure_is_that_of_scikit_learn(made) -> None:
    truth, chance, weight = made
    told = chance.argmax(axis=1)

    assert figures.macro_f1(truth, chance, weight) == pytest.approx(
        metrics.f1_score(
            truth, told, labels=[0, 1, 2], average="macro", sample_weight=weight, zero_division=0
        )
    )
    assert figures.log_loss(truth, chance, weight) == pytest.approx(
        metrics.log_loss(truth, chance, labels=[0, 1, 2], sample_weight=weight)
    )
    assert figures.area(1)(truth, chance, weight) == pytest.approx(
        metrics.roc_auc_score(truth == 1, chance[:, 1], sample_weight=weight)
    )
    assert figures.average_precision(truth == 1, chance[:, 1], weight) == pytest.approx(
        metrics.average_precision_score(truth == 1, chance[:, 1], sample_weight=weight)
    )


@given(answers())
@settings(max_examples=30, deadline=None)
def test_a_weight_of_two_is_the_object_twice(made) -> None:
    truth, chance, weight = made
    often = np.repeat(np.arange(len(truth)), weight.astype(int))
    for figure in (figures.macro_f1, figures.log_loss, figures.calibration_error, figures.area(0)):
        twice = figure(truth[often], chance[often], np.ones(len(often)))

        assert figure(truth, chance, weight) == pytest.approx(twice)


def test_the_table_of_classes_by_hand() -> None:
    first, second, _ = figures.per_class(TRUTH, CHANCE)

    assert first["n"] == 2
    assert (first["recall"], first["precision"]) == (1.0, pytest.approx(2 / 3))
    assert (second["recall"], second["f1"]) == (0.0, 0.0)


def test_a_class_without_an_object_has_no_part_in_the_mean() -> None:
    assert figures.macro_f1(np.array([0, 0]), CHANCE[:2], np.ones(2)) == 1.0
    assert np.isnan(figures.area(2)(np.array([0, 0]), CHANCE[:2], np.ones(2)))


def test_true_chances_have_an_error_of_the_noise_alone() -> None:
    rng = np.random.default_rng(1)
    chance = rng.dirichlet([2, 1, 1], 800)
    truth = np.array([rng.choice(3, p=row) for row in chance])

    floor = figures.noise_floor(chance, rng)

    assert 0.005 < floor < 0.04
    assert figures.calibration_error(truth, chance, np.ones(800)) < 2 * floor


# --- Intervals ----------------------------------------------------------------------------------
def test_all_names_of_an_object_are_drawn_together() -> None:
    group = np.array([4, 4, 9, 9, 9, 2])

    drawn = weights(group, np.random.default_rng(1))

    assert len(drawn) == 500
    for weight in drawn:
        assert len(set(weight[:2])) == len(set(weight[2:5])) == 1
        assert weight[0] + weight[2] + weight[5] == 3


def test_an_interval_is_as_wide_as_its_standard_error() -> None:
    truth = np.array([0, 1] * 200)
    chance = np.tile([[0.9, 0.1], [0.7, 0.3]], (200, 1))

    value, low, high = measure(
        figures.accuracy, truth, chance, weights(np.arange(400), np.random.default_rng(2))
    )

    assert value == 0.5
    assert (high - low) / 2 == pytest.approx(1.96 * 0.5 / 20, rel=0.15)


def test_objects_of_one_group_make_the_interval_wider() -> None:
    truth = np.array([0, 1] * 200)
    chance = np.tile([[0.9, 0.1], [0.7, 0.3]], (200, 1))
    wide, narrow = (
        measure(figures.accuracy, truth, chance, weights(group, np.random.default_rng(2)))
        for group in (np.repeat(np.arange(40), 10) * 2 + truth, np.arange(400))
    )

    assert wide.high - wide.low > 1.8 * (narrow.high - narrow.low)


def test_a_paired_gain_is_surer_than_the_figures_themselves() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 300)
    old = rng.uniform(0.2, 0.8, 300)
    new = np.clip(old + np.where(truth == 1, 0.1, -0.1), 0, 1)
    old, new = (np.stack([1 - chance, chance], axis=1) for chance in (old, new))
    drawn = weights(np.arange(300), rng)

    gain = difference(figures.area(1), truth, new=new, old=old, drawn=drawn)
    alone = measure(figures.area(1), truth, new, drawn)

    assert gain.low > 0.05
    assert gain.high - gain.low < alone.high - alone.low


def test_two_equal_answers_have_no_gain() -> None:
    drawn = weights(np.arange(4), np.random.default_rng(1))

    same = difference(figures.macro_f1, TRUTH, new=CHANCE, old=CHANCE, drawn=drawn)

    assert (same.value, same.low, same.high) == (0, 0, 0)
