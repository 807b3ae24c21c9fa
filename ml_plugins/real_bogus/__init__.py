"""Chance that an alert shows something in the sky, from the survey's own real/bogus scores."""

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
    """How a survey's score is taken: `error` is the share of either kind on the wrong side of 0.5.

    The densities are sharpness * s^(sharpness - 1) for real ones and the mirror image for bogus.
    """

    key: str
    error: float

    @property
    def sharpness(self) -> float:
        """The exponent at which half of the scale holds `error` of its kind."""
        return float(np.log(self.error) / np.log(0.5))


# In order of preference. The error rates are assumed (see the card), the older forest's larger.
NETWORKS = (Network("drb", 0.03), Network("rb", 0.10))
# A share of either kind that scores as anything: new artefacts, odd objects. It bounds the ratio.
UNLIKE = 0.05
# Scores of one object's alerts err alike: this correlation bounds what many of them add.
CORRELATION = 0.5


class RealBogus:
    """Pools drb, or rb where there is none, over the alerts of an object, with caution."""

    spec = ScorerSpec(
        name="real_bogus",
        version="1.0.0",
        inputs=("alert_values:drb|rb",),
        classes=("real", "bogus"),
        prior=(PRIOR, 1 - PRIOR),
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.002,
    )

    def setup(self, artefacts: Path) -> None:
        """Need nothing: the model is two stated numbers."""

    def eligible(self, batch: Batch) -> IntArray:
        """Want a score between 0 and 1 in any alert."""
        counts = sum((_pooled(batch, network)[1] for network in NETWORKS), np.zeros(len(batch)))
        return np.where(counts > 0, Reason.OK, Reason.MISSING_INPUT).astype(np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return chances under a prior of one half."""
        log_lr, sigma, _ = _judge(batch)
        chance = 1 / (1 + np.exp(-log_lr - np.log(PRIOR / (1 - PRIOR))))
        return ScoreBatch(probability=np.stack([chance, 1 - chance], axis=1), sigma=sigma)

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Say which score was used, of how many alerts."""
        log_lr, _, used = _judge(batch)
        counts = [_pooled(batch, network)[1] for network in NETWORKS]
        return [
            Contribution(
                object_id=str(object_id),
                name=NETWORKS[used[row]].key,
                log_lr=float(log_lr[row]),
                text=f"{NETWORKS[used[row]].key} of {int(counts[used[row]][row])} alerts",
            )
            for row, object_id in enumerate(batch.object_ids)
        ]


def _judge(batch: Batch) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return log ratio, its sigma and the index of the network used, shape (n,) each."""
    log_lr, count = np.zeros(len(batch)), np.zeros(len(batch))
    used = np.zeros(len(batch), np.int64)
    for index, network in enumerate(NETWORKS):
        mean, n_alerts = _pooled(batch, network)
        take = (n_alerts > 0) & (count == 0)
        effective = n_alerts / (1 + CORRELATION * np.maximum(n_alerts - 1, 0))
        log_lr = np.where(take, mean * effective, log_lr)
        used = np.where(take, index, used)
        count = np.where(take, n_alerts, count)
    sigma = np.sqrt((1 + CORRELATION * np.maximum(count - 1, 0)) / np.maximum(count, 1))
    return log_lr, sigma, used


def _pooled(batch: Batch, network: Network) -> tuple[FloatArray, FloatArray]:
    """Return the mean log ratio of an object's alerts and their number, shape (n,) each.

    Every alert's own score where the batch has them, else the newest alert's alone.
    """
    values = batch.point_values.get(network.key, np.full(len(batch.mjd), np.nan))
    owner = batch.point_object
    usable = _is_score(values) & (batch.mjd <= batch.as_of_mjd[owner])
    number = np.bincount(owner[usable], minlength=len(batch)).astype(float)
    ratios = _log_ratio(values[usable], network)
    # Of no points at all, bincount makes integers.
    total = np.bincount(owner[usable], ratios, minlength=len(batch)).astype(float)
    newest = batch.alert_values.get(network.key, np.full(len(batch), np.nan))
    alone = (number == 0) & _is_score(newest)
    total[alone] = _log_ratio(newest[alone], network)
    number[alone] = 1
    return total / np.maximum(number, 1), number


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
