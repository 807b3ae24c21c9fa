"""Run one scorer on a batch in chunks; find failing objects by bisection; stop after many."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    Reason,
    ScoreBatch,
    Scorer,
    ScorerKind,
)
from tom.scoring.faults import words_of

logger = logging.getLogger(__name__)

MAX_DETAIL = 300


class InvalidOutputError(ValueError):
    """A scorer's answer breaks the contract: shape, range or sum."""


@dataclass(frozen=True)
class Opinion:
    """A scorer's opinion on one object; `sigma` is in natural log odds of the first class."""

    object_id: str
    probability: tuple[float, ...]
    sigma: float


@dataclass(frozen=True)
class Abstention:
    """Why a scorer gave no opinion on one object."""

    object_id: str
    reason: Reason
    detail: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether the scorer failed on the object, or was not asked after too many failures."""
        return self.reason in {Reason.FAILED, Reason.BREAKER_OPEN}


Outcome = Opinion | Abstention


@dataclass
class Breaker:
    """A breaker: after `limit` failed objects in a row, the scorer is no longer called.

    After `rest_seconds` the scorer is tried again. One more failure starts another rest. One
    success ends the count.
    """

    limit: int = 20
    rest_seconds: float = 600.0
    clock: Callable[[], float] = time.monotonic
    failures: int = field(default=0, init=False)
    rests_until: float = field(default=-math.inf, init=False)

    @property
    def is_open(self) -> bool:
        """Whether the scorer is off."""
        return self.clock() < self.rests_until

    def record_failure(self) -> None:
        """Count one object on which the scorer failed."""
        self.failures += 1
        if self.failures >= self.limit:
            self.rests_until = self.clock() + self.rest_seconds

    def reset(self) -> None:
        """Reset the count of failures: the scorer answered."""
        self.failures = 0


def run_scorer(
    scorer: Scorer,
    batch: Batch,
    *,
    breaker: Breaker,
    passthrough: tuple[type[BaseException], ...] = (),
) -> list[Outcome]:
    """Return one opinion or abstention per object, in the batch's order.

    A failing object does not spoil the others. A batch that fails is halved again and again, until
    the failing object is alone. Then it gets the abstention `Reason.FAILED`. Exceptions named in
    `passthrough` (a task's time limit), KeyboardInterrupt and SystemExit are raised at once.
    """
    outcomes: list[Outcome] = []
    fatal: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, *passthrough)
    for first in range(0, len(batch), scorer.spec.batch_size):
        chunk = np.arange(first, min(first + scorer.spec.batch_size, len(batch)))
        outcomes += _bisect(scorer, batch.take(chunk), breaker, fatal)
    return outcomes


def explain_batch(
    scorer: Scorer, batch: Batch, *, passthrough: tuple[type[BaseException], ...] = ()
) -> list[Contribution]:
    """Return the parts of a scorer's opinions on these objects; an empty list if it fails."""
    fatal: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, *passthrough)
    try:
        told = list(scorer.explain(batch))
    except fatal:
        raise
    # The plugin boundary, as in `_bisect`: an opinion without its reasons is still an opinion.
    except BaseException as error:
        logger.warning(
            "A scorer failed to explain", extra={"scorer": scorer.spec.name}, exc_info=error
        )
        return []
    known = set(batch.object_ids.tolist())
    return [each for each in told if each.object_id in known and math.isfinite(each.log_lr)]


def _bisect(
    scorer: Scorer, batch: Batch, breaker: Breaker, fatal: tuple[type[BaseException], ...]
) -> list[Outcome]:
    if breaker.is_open:
        return [Abstention(str(name), Reason.BREAKER_OPEN) for name in batch.object_ids]
    try:
        outcomes = _judge(scorer, batch)
    except fatal:
        raise
    # A plugin's native code can raise errors that are no Exception (pyo3's PanicException): this is
    # the plugin boundary, where everything but the fatal ones above becomes an abstention.
    except BaseException as error:  # noqa: BLE001
        return _split_or_quarantine(scorer, batch, breaker, fatal, error)
    if any(isinstance(outcome, Opinion) for outcome in outcomes):
        if breaker.failures >= breaker.limit:
            logger.warning("A scorer works again", extra={"scorer": scorer.spec.name})
        breaker.reset()
    return outcomes


def _split_or_quarantine(
    scorer: Scorer,
    batch: Batch,
    breaker: Breaker,
    fatal: tuple[type[BaseException], ...],
    error: BaseException,
) -> list[Outcome]:
    if len(batch) > 1:
        middle = len(batch) // 2
        halves = np.arange(middle), np.arange(middle, len(batch))
        return [
            outcome
            for half in halves
            for outcome in _bisect(scorer, batch.take(half), breaker, fatal)
        ]
    breaker.record_failure()
    object_id = str(batch.object_ids[0])
    logger.warning(
        "A scorer failed on an object",
        extra={"scorer": scorer.spec.name, "object_id": object_id},
        exc_info=error,
    )
    if breaker.failures == breaker.limit:
        logger.error(
            "A scorer is off until it works again",
            extra={"scorer": scorer.spec.name, "tried_every_s": breaker.rest_seconds},
        )
    detail = words_of(error, scorer.spec.name)[:MAX_DETAIL]
    return [Abstention(object_id, Reason.FAILED, detail)]


def _judge(scorer: Scorer, batch: Batch) -> list[Outcome]:
    reasons = _check_reasons(np.asarray(scorer.eligible(batch)), len(batch))
    rows = np.flatnonzero(reasons == Reason.OK)
    outcomes: list[Outcome] = [
        Abstention(str(name), Reason(int(reason)), Reason(int(reason)).text)
        for name, reason in zip(batch.object_ids, reasons, strict=True)
    ]
    if not len(rows):
        return outcomes
    probability, sigma = _check_scores(scorer, scorer.score(batch.take(rows)), len(rows))
    for row, values, spread in zip(rows, probability.tolist(), sigma.tolist(), strict=True):
        outcomes[row] = Opinion(str(batch.object_ids[row]), tuple(values), spread)
    return outcomes


def _check_reasons(reasons: IntArray, n: int) -> IntArray:
    if reasons.shape != (n,) or not np.all(np.isin(reasons, [int(reason) for reason in Reason])):
        message = f"eligible must return {n} reason codes"
        raise InvalidOutputError(message)
    return reasons


def _check_scores(scorer: Scorer, scores: ScoreBatch, n: int) -> tuple[FloatArray, FloatArray]:
    probability = np.asarray(scores.probability, float)
    sigma = np.asarray(scores.sigma, float)
    if probability.shape != (n, len(scorer.spec.classes)) or sigma.shape != (n,):
        message = f"score returned shapes {probability.shape} and {sigma.shape} for {n} objects"
        raise InvalidOutputError(message)
    check_numbers(scorer.spec.kind, probability, sigma)
    return probability, sigma


def check_numbers(kind: ScorerKind, probability: FloatArray, sigma: FloatArray) -> None:
    """Refuse numbers that a scorer of a kind cannot mean, shapes (n, n_classes) and (n,).

    Raises
    ------
    InvalidOutputError
        If one is not finite, or outside of what the kind allows.
    """
    if not np.all(np.isfinite(probability)) or not np.all(np.isfinite(sigma)) or np.any(sigma < 0):
        message = "score returned a value that is not finite, or a negative sigma"
        raise InvalidOutputError(message)
    if kind == ScorerKind.PROBABILITY and not _are_distributions(probability):
        message = "score returned probabilities outside 0 to 1 or not summing to 1"
        raise InvalidOutputError(message)
    if kind == ScorerKind.LIKELIHOOD_RATIO and np.any(probability < 0):
        message = "score returned a likelihood ratio below 0"
        raise InvalidOutputError(message)


def _are_distributions(probability: FloatArray) -> bool:
    inside = bool(np.all((probability >= 0) & (probability <= 1)))
    return inside and bool(np.allclose(probability.sum(axis=1), 1, atol=1e-6))
