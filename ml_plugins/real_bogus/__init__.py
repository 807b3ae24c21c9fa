"""Chance that an alert shows a real source, from the survey's own real/bogus scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tom.scoring.contract import (
    Batch,
    BoolArray,
    Contribution,
    FloatArray,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerSpec,
)

PRIOR = 0.5


class Network(NamedTuple):
    """The model of a survey's score; `error` is the share of each kind on the wrong side of 0.5.

    The density is sharpness * s^(sharpness - 1) for real ones, and its mirror image for bogus ones.
    """

    key: str
    error: float

    @property
    def sharpness(self) -> float:
        """The exponent for which the wrong half of the scale has the share `error`."""
        return float(np.log(self.error) / np.log(0.5))


# In order of preference. The error rates are assumed (see the card); the older forest's is larger.
NETWORKS = (Network("drb", 0.03), Network("rb", 0.10))
# The share of each kind with arbitrary scores: new artefacts, odd objects. It bounds the ratio.
UNLIKE = 0.05
# The scores of one object's alerts have similar errors: this correlation bounds their sum.
CORRELATION = 0.5


class RealBogus:
    """Pools one score of each alert, its drb or else its rb, over an object's alerts."""

    spec = ScorerSpec(
        name="real_bogus",
        version="1.1.0",
        inputs=("alert.real_bogus:drb|rb",),
        classes=("real", "bogus"),
        prior=(PRIOR, 1 - PRIOR),
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.002,
    )

    def setup(self, artefacts: Path) -> None:
        """Load nothing: the model is two stated numbers."""

    def eligible(self, batch: Batch) -> IntArray:
        """Require a score between 0 and 1 in any alert."""
        count = _count(batch, _read(batch).owner)
        return np.where(count > 0, Reason.OK, Reason.MISSING_INPUT).astype(np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return probabilities under a prior of one half."""
        readings = _read(batch)
        count = np.maximum(_count(batch, readings.owner), 1)
        log_lr = np.bincount(readings.owner, readings.log_lr, len(batch)) / _shared(count)
        chance = 1 / (1 + np.exp(-log_lr - np.log(PRIOR / (1 - PRIOR))))
        return ScoreBatch(
            probability=np.stack([chance, 1 - chance], axis=1),
            sigma=np.sqrt(_shared(count) / count),
        )

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return how far each network's scores moved the opinion, and their number of alerts."""
        readings = _read(batch)
        shared = _shared(np.maximum(_count(batch, readings.owner), 1))
        told = []
        for index, network in enumerate(NETWORKS):
            mine = readings.network == index
            owner = readings.owner[mine]
            moved = np.bincount(owner, readings.log_lr[mine], len(batch)) / shared
            count = _count(batch, owner)
            told += [
                Contribution(
                    object_id=str(batch.object_ids[row]),
                    name=network.key,
                    log_lr=float(moved[row]),
                    text=f"{network.key} of {count[row]} alert" + "s" * int(count[row] > 1),
                )
                for row in np.flatnonzero(count)
            ]
        return told


class Readings(NamedTuple):
    """One score of each alert with a score, shape (k,): row of its object, network, log ratio."""

    owner: IntArray
    network: IntArray
    log_lr: FloatArray


def _read(batch: Batch) -> Readings:
    """Return each alert's score by the first network that has one; the newest by its own scores."""
    owner = batch.point_object
    is_alert = (batch.kind == "alert") & (batch.mjd <= batch.as_of_mjd[owner])
    rows = np.flatnonzero(is_alert)
    # An object's points are in order of time: its last alert is its newest.
    newest = np.full(len(batch), -1)
    newest[owner[rows]] = rows
    network, log_lr = np.full(len(owner), -1), np.zeros(len(owner))
    for index, each in enumerate(NETWORKS):
        values = _scores(batch, each.key, newest)
        take = is_alert & (network < 0) & _is_score(values)
        network[take] = index
        log_lr[take] = _log_ratio(values[take], each)
    found = np.flatnonzero(network >= 0)
    return Readings(owner[found], network[found], log_lr[found])


def _scores(batch: Batch, key: str, newest: IntArray) -> FloatArray:
    """Return a network's score of each point; the newest alert's own score replaces its point's.

    `newest` is the row of each object's newest alert; -1: it has none.
    """
    unknown = np.full(len(batch.mjd), np.nan)
    values: FloatArray = np.array(batch.point_values.get(key, unknown))
    own = batch.alert_values.get(key, np.full(len(batch), np.nan))
    told = _is_score(own) & (newest >= 0)
    values[newest[told]] = own[told]
    return values


def _count(batch: Batch, owner: IntArray) -> IntArray:
    return np.bincount(owner, minlength=len(batch)).astype(np.int64)


def _shared(count: IntArray) -> FloatArray:
    """Return the number by which to divide a sum of correlated log ratios, shape (n,)."""
    shared: FloatArray = 1 + CORRELATION * (count - 1)
    return shared


def _is_score(values: FloatArray) -> BoolArray:
    with np.errstate(invalid="ignore"):
        inside: BoolArray = (values >= 0) & (values <= 1)
    return inside


def _log_ratio(score: FloatArray, network: Network) -> FloatArray:
    power = network.sharpness
    real = UNLIKE + (1 - UNLIKE) * power * score ** (power - 1)
    bogus = UNLIKE + (1 - UNLIKE) * power * (1 - score) ** (power - 1)
    ratio: FloatArray = np.log(real / bogus)
    return ratio
