"""The survey's own scores count, with caution, and their absence is not a verdict."""

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


def odds(chance: float) -> float:
    return log(chance / (1 - chance))


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

    assert odds(many) == pytest.approx(1.5 * odds(one), abs=1e-6)


def test_alerts_that_disagree_meet_in_between(scorer):
    mixed = real(scorer, point_values={"drb": [0.1, 0.9, float("nan")]})

    assert mixed == pytest.approx(0.5)


@pytest.mark.parametrize("drb", [0.05, 0.2])
def test_one_low_score_does_not_outvote_many_high_ones(scorer, drb):
    many = {"rb": [0.9, 0.95, 0.9]}

    assert real(scorer, alert_values={"drb": drb}) < 0.4
    assert real(scorer, alert_values={"drb": drb}, point_values=many) > 0.5


def test_the_newest_alert_gives_one_reading_its_own_drb(scorer):
    drb, rb = 0.7, [0.8, 0.9, 0.1]

    known = {"alert_values": {"drb": drb, "rb": rb[2]}, "point_values": {"rb": rb}}
    singly = [
        odds(real(scorer, alert_values=values))
        for values in ({"drb": drb}, *({"rb": r} for r in rb))
    ]

    # Three correlated readings say half of what they would say apart.
    assert odds(real(scorer, **known)) == pytest.approx(sum(singly[:3]) / 2)


def test_the_explanation_names_each_network_and_adds_up(scorer):
    known = {"alert_values": {"drb": 0.7}, "point_values": {"rb": [0.8, 0.9, 0.1]}}
    batch = Batch.build([make_curve("one", POINTS, **known)])

    told = scorer.explain(batch)

    assert [piece.text for piece in told] == ["drb of 1 alert", "rb of 2 alerts"]
    assert sum(piece.log_lr for piece in told) == pytest.approx(odds(real(scorer, **known)))


def test_without_an_alert_up_to_the_moment_there_is_no_opinion(scorer):
    late = make_curve("one", POINTS, as_of=60999.0, alert_values={"drb": 0.9})

    (outcome,) = run_scorer(scorer, Batch.build([late]), breaker=Breaker())

    assert outcome.reason == Reason.MISSING_INPUT


def test_more_alerts_are_surer(scorer):
    few = judge(scorer, alert_values={"drb": 0.9})
    many = judge(scorer, point_values={"drb": [0.9, 0.9, 0.9]})

    assert many.sigma < few.sigma


def test_real_alerts_of_a_survey_come_out_real(scorer, real_data):
    with (real_data / "ml" / "btsbot" / "candidates.csv").open() as table:
        values = [float(row["drb"]) for row in csv.DictReader(table)]

    chances = [real(scorer, alert_values={"drb": value}) for value in values]

    assert len(chances) == 39
    assert min(chances) > 0.989
