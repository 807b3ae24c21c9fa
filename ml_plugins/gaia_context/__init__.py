"""Whether a candidate is a known star of a stream, or of another overdensity."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml_plugins.gaia_context.known import FILE, Known
from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerKind,
    ScorerSpec,
)

YEAR_2000_MJD = 51544.5
DAYS_A_YEAR = 365.25


class GaiaContext:
    """Looks up the star at a candidate's place in the table that the site gave.

    Its number is the share of the stars of that part of the sky that stand in a lower ratio of
    densities than this one. The ranking does not use it.
    """

    spec = ScorerSpec(
        name="gaia_context",
        version="1.0.0",
        inputs=("place.stars",),
        classes=("star of an overdensity", "other star"),
        prior=(0.01, 0.99),
        kind=ScorerKind.ANOMALY,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.002,
    )
    _known: Known | None = None

    def setup(self, artefacts: Path) -> None:
        """Read the stars, if the site gave any."""
        file = artefacts / FILE
        if file.exists():
            self.use(Known.read(file))

    def use(self, known: Known) -> None:
        """Look up these stars from now on."""
        self._known = known

    def eligible(self, batch: Batch) -> IntArray:
        """Require a detection, and a star of the table at its place that was compared."""
        if self._known is None:
            return np.full(len(batch), Reason.NOT_GIVEN, np.int64)
        reasons = np.where(batch.n_detections > 0, Reason.OK, Reason.TOO_FEW_POINTS)
        reasons[~(np.isfinite(batch.ra) & np.isfinite(batch.dec))] = Reason.MISSING_INPUT
        asked = np.flatnonzero(reasons == Reason.OK)
        reasons[asked] = self._reasons_of(self._known, batch.take(asked))
        return reasons.astype(np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return the share of its patch's stars below each, and the rest to 1."""
        _, spread, share = self._said(batch)
        return ScoreBatch(probability=np.stack([share, 1 - share], axis=1), sigma=spread)

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return the ratio of densities at each star."""
        return [
            Contribution(
                object_id=str(name),
                name="stars",
                log_lr=float(log),
                text=f"{np.exp(log):.2g} times as many stars like the one here as foretold"
                f" (two ways of counting: {np.exp(log - off):.2g} to {np.exp(log + off):.2g}); "
                f"{100 * share:.1f}% of the stars around have less",
                value=float(np.exp(log)),
            )
            for name, log, off, share in zip(batch.object_ids, *self._said(batch), strict=True)
        ]

    def _reasons_of(self, known: Known, batch: Batch) -> IntArray:
        star = stars_of(known, batch)
        there = np.where(np.isnan(known.rows["share"][star]), Reason.OUT_OF_SCOPE, Reason.OK)
        covered = known.covers(batch.ra, batch.dec)
        absent = np.where(covered, Reason.NOTHING_HERE, Reason.OUT_OF_SCOPE)
        return np.where(star >= 0, there, absent)

    def _said(self, batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return log ratio, half the difference of the two cuts, and share, shape (n,) each."""
        if self._known is None:
            raise MissingTableError
        rows = self._known.rows[stars_of(self._known, batch)]
        log_ratio, spread, share = (
            rows[name].astype(float) for name in ("log_ratio", "spread", "share")
        )
        return log_ratio, spread, share


class MissingTableError(RuntimeError):
    """An opinion was asked for without a table of stars."""


def stars_of(known: Known, batch: Batch) -> IntArray:
    """Return the row of the star at each object's place when last seen, shape (n,); -1: none."""
    last = np.full(len(batch), YEAR_2000_MJD)
    seen = batch.is_detection
    np.maximum.at(last, batch.point_object[seen], batch.mjd[seen])
    return known.nearest(batch.ra, batch.dec, 2000 + (last - YEAR_2000_MJD) / DAYS_A_YEAR)
