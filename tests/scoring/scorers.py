"""Scorers that behave well and badly, for the runner's and the registry's tests."""

from pathlib import Path

import numpy as np

from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerSpec,
)


def make_spec(**changes: object) -> ScorerSpec:
    """Make a valid specification with these fields changed."""
    fields = {
        "name": "brightness",
        "version": "1.0.0",
        "inputs": ("lightcurve:any>=1",),
        "classes": ("bright", "faint"),
        "prior": (0.25, 0.75),
        "licence": "GPL-3.0-or-later",
        "card": "card.md",
        "batch_size": 8,
    }
    return ScorerSpec(**(fields | changes))


class Brightness:
    """Says bright where the first point is; breaks on the objects it is told to break on."""

    spec = make_spec()

    def __init__(self, breaks_on: dict[str, BaseException] | None = None) -> None:
        self.breaks_on = breaks_on or {}
        self.calls = 0

    def setup(self, artefacts: Path) -> None:
        """Need nothing."""

    def eligible(self, batch: Batch) -> IntArray:
        """Want one detection."""
        return np.where(batch.n_detections >= 1, Reason.OK, Reason.TOO_FEW_POINTS)

    def score(self, batch: Batch) -> ScoreBatch:
        """Score by the first point's flux."""
        self.calls += 1
        for object_id in batch.object_ids:
            if object_id in self.breaks_on:
                raise self.breaks_on[object_id]
        bright = np.where(batch.flux[batch.start[:-1]] > 40_000, 0.9, 0.1)
        return self.answer(np.stack([bright, 1 - bright], axis=1), np.full(len(batch), 0.5))

    def answer(self, probability: FloatArray, sigma: FloatArray) -> ScoreBatch:
        """Give the answer as it is."""
        return ScoreBatch(probability=probability, sigma=sigma)

    def explain(self, batch: Batch) -> list[Contribution]:
        """Explain nothing."""
        return []
