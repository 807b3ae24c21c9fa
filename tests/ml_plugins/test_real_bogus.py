"""The survey's own scores count, with caution, and their absence is no verdict."""

import csv
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring.curves import make_curve
from tom.scoring.batch import Batch
from tom.scoring.contract import Reason
from tom.scoring.registry import load_scorers
from tom.scoring.runner import Abstention, Breaker, run_scorer

POINTS = [(0.0, "g", 19.0), (1.0, "r", 19.0), (2.0, "g", 19.0)]
scores = st.floats(0, 1)


@pytest.fixture(scope="module")
def scorer():
    return load_scorers(["ml_plugins.real_bogus.RealBogus"])[0]


def judge(scorer, **known):
    (outcome,) = run_scorer(
        scorer, Batch.build([make_curve("one", POINTS, **known)]), breaker=Breaker()
    )
    return outcome


def real(scorer, **known) -> float:
    return judge(scorer, **known).probability[0]


@pytest.mark.parametrize("values", [{}, {"drb": float("nan")}, {"drb": -999.0, "rb": 1.5}])
def test_without_a_score_there_is_no_opinion(scorer, values):
    outcome = judge(scorer, alert_values=values)

    assert isinstance(outcome, Abstention)
    assert outcome.reason == Reason.MISSING_INPUT


@given(first=scores, second=scores)
def test_a_higher_score_is_never_less_real(scorer, first, second):
    low, high = sorted([first, second])

    assert real(scorer, alert_values={"drb": low}) <= real(scorer, alert_values={"drb": high})


@given(score=scores)
def test_the_scale_is_symmetric_about_one_half(scorer, score):
    up, down = (real(scorer, alert_values={"drb": s}) for s in (score, 1 - score))

    assert up + down == pytest.approx(1)


def test_the_deep_network_is_preferred_to_the_forest(scorer):
    both = real(scorer, alert_values={"drb": 0.05, "rb": 0.95})

    assert both == real(scorer, alert_values={"drb": 0.05})


def test_the_forest_says_less_than_the_deep_network(scorer):
    forest, deep = (real(scorer, alert_values={key: 0.8}) for key in ("rb", "drb"))

    assert 0.5 < forest < deep


def test_no_score_is_certain(scorer):
    assert 0.005 < real(scorer, alert_values={"drb": 0.0}) < 0.05
    assert 0.95 < real(scorer, alert_values={"drb": 1.0}) < 0.995


@given(score=scores)
def test_three_alerts_count_as_one_and_a_half(scorer, score):
    one = real(scorer, alert_values={"drb": score})
    many = real(scorer, point_values={"drb": [score] * 3})

    odds = [log(p / (1 - p)) for p in (one, many)]
    assert abs(odds[1]) == pytest.approx(1.5 * abs(odds[0]), abs=1e-6)


def test_alerts_that_disagree_meet_in_between(scorer):
    mixed = real(scorer, point_values={"drb": [0.1, 0.9, float("nan")]})

    assert mixed == pytest.approx(0.5)


def test_more_alerts_are_surer(scorer):
    few = judge(scorer, alert_values={"drb": 0.9})
    many = judge(scorer, point_values={"drb": [0.9, 0.9, 0.9]})

    assert many.sigma < few.sigma


def test_real_alerts_of_a_survey_come_out_real(scorer, real_data):
    with (real_data / "ml" / "btsbot" / "candidates.csv").open() as table:
        values = [float(row["drb"]) for row in csv.DictReader(table)]

    chances = [real(scorer, alert_values={"drb": value}) for value in values]

    assert len(chances) == 39
    assert min(chances) > 0.98
