"""A bad object costs itself alone, a bad scorer is switched off, a fatal signal gets out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring.curves import make_curve
from tests.scoring.scorers import Brightness, make_spec
from tom.scoring.batch import Batch
from tom.scoring.contract import Contribution, Reason, ScoreBatch, ScorerKind
from tom.scoring.runner import Abstention, Breaker, Opinion, explain_batch, run_scorer


def batch_of(n: int) -> Batch:
    return Batch.build([make_curve(str(index)) for index in range(n)])


def test_each_object_gets_one_outcome_in_order():
    outcomes = run_scorer(Brightness(), batch_of(20), breaker=Breaker())

    assert [outcome.object_id for outcome in outcomes] == [str(i) for i in range(20)]
    assert all(isinstance(outcome, Opinion) for outcome in outcomes)


def test_an_empty_batch_calls_nothing():
    scorer = Brightness()

    assert run_scorer(scorer, batch_of(0), breaker=Breaker()) == []
    assert scorer.calls == 0


def test_an_ineligible_object_abstains_with_its_reason():
    batch = Batch.build([make_curve("dark", []), make_curve("seen")])

    dark, seen = run_scorer(Brightness(), batch, breaker=Breaker())

    assert dark == Abstention("dark", Reason.TOO_FEW_POINTS, "too few detections")
    assert isinstance(seen, Opinion)


class NativePanicError(BaseException):
    """Stands for pyo3's PanicException, which is no Exception."""


@given(st.sets(st.integers(0, 19), max_size=5), st.sampled_from([ValueError, NativePanicError]))
def test_only_the_failing_objects_abstain(bad, error):
    scorer = Brightness({str(index): error("NaN flux") for index in bad})

    outcomes = run_scorer(scorer, batch_of(20), breaker=Breaker(limit=20))

    failed = {int(o.object_id) for o in outcomes if isinstance(o, Abstention)}
    assert failed == bad
    details = {o.detail for o in outcomes if isinstance(o, Abstention)}
    assert details <= {f"{error.__name__}: NaN flux"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_signal_to_stop_gets_out(error):
    with pytest.raises(error):
        run_scorer(Brightness({"3": error()}), batch_of(5), breaker=Breaker())


def test_an_exception_the_caller_names_gets_out():
    with pytest.raises(TimeoutError):
        run_scorer(
            Brightness({"3": TimeoutError()}),
            batch_of(5),
            breaker=Breaker(),
            passthrough=(TimeoutError,),
        )


def test_the_breaker_opens_after_its_limit_and_the_rest_abstain():
    scorer = Brightness({str(index): ValueError("broken") for index in range(100)})
    breaker = Breaker(limit=3)

    outcomes = run_scorer(scorer, batch_of(100), breaker=breaker)

    reasons = [outcome.reason for outcome in outcomes]
    assert reasons == [Reason.FAILED] * 3 + [Reason.BREAKER_OPEN] * 97
    assert breaker.is_open
    assert scorer.calls < 20


def test_a_scorer_that_rested_is_tried_again_and_an_answer_closes_the_breaker(caplog):
    scorer = Brightness({str(index): ValueError("broken") for index in range(100)})
    now = [0.0]
    breaker = Breaker(limit=3, rest_seconds=60, clock=lambda: now[0])
    run_scorer(scorer, batch_of(100), breaker=breaker)

    now[0] = 59.0
    assert breaker.is_open
    now[0] = 61.0
    again = run_scorer(scorer, batch_of(100), breaker=breaker)
    now[0] = 122.0
    scorer.breaks_on = {}
    mended = run_scorer(scorer, batch_of(100), breaker=breaker)

    assert [o.reason for o in again] == [Reason.FAILED] + [Reason.BREAKER_OPEN] * 99
    assert all(isinstance(outcome, Opinion) for outcome in mended)
    assert not breaker.is_open
    assert breaker.failures == 0
    assert caplog.messages.count("A scorer is off until it works again") == 1
    assert caplog.messages.count("A scorer works again") == 1


def test_an_answer_between_failures_keeps_the_breaker_closed():
    scorer = Brightness({str(index): ValueError("broken") for index in range(0, 40, 4)})

    outcomes = run_scorer(scorer, batch_of(40), breaker=Breaker(limit=3))

    assert sum(isinstance(outcome, Opinion) for outcome in outcomes) == 30


class WrongShape(Brightness):
    def answer(self, probability, sigma):
        return ScoreBatch(probability=probability[:, :1], sigma=sigma)


class OutOfRange(Brightness):
    def answer(self, probability, sigma):
        return ScoreBatch(probability=probability * [2, 1], sigma=sigma)


class NotANumber(Brightness):
    def answer(self, probability, sigma):
        return ScoreBatch(probability=probability * np.nan, sigma=sigma)


class NegativeSigma(Brightness):
    def answer(self, probability, sigma):
        return ScoreBatch(probability=probability, sigma=-sigma)


class WrongReasons(Brightness):
    def eligible(self, batch):
        return np.full(len(batch), 99)


class NegativeRatio(Brightness):
    spec = make_spec(kind=ScorerKind.LIKELIHOOD_RATIO)

    def answer(self, probability, sigma):
        return ScoreBatch(probability=-probability, sigma=sigma)


@pytest.mark.parametrize(
    "kind", [WrongShape, OutOfRange, NotANumber, NegativeSigma, WrongReasons, NegativeRatio]
)
def test_an_answer_that_breaks_the_contract_is_a_failure(kind):
    (outcome,) = run_scorer(kind(), batch_of(1), breaker=Breaker())

    assert isinstance(outcome, Abstention)
    assert outcome.reason == Reason.FAILED
    assert outcome.detail.startswith("InvalidOutputError")


def test_reasons_of_other_objects_and_without_a_number_are_dropped():
    class Chatty(Brightness):
        def explain(self, batch):
            return [
                Contribution("1", "colour", 0.5, "blue"),
                Contribution("1", "rate", float("nan"), "?"),
                Contribution("elsewhere", "colour", 0.5, "blue"),
            ]

    (told,) = explain_batch(Chatty(), batch_of(2))

    assert (told.object_id, told.name) == ("1", "colour")


@pytest.mark.parametrize("error", [ValueError, NativePanicError])
def test_a_scorer_that_fails_to_explain_gives_no_reasons(error):
    class Silent(Brightness):
        def explain(self, batch):
            raise error

    assert explain_batch(Silent(), batch_of(2)) == []


def test_a_signal_to_stop_gets_out_of_an_explanation():
    class Stopped(Brightness):
        def explain(self, batch):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        explain_batch(Stopped(), batch_of(2), passthrough=(TimeoutError,))
