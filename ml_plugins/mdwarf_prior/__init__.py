"""How far the place on the sky alone speaks for the flare of an M dwarf: where dwarfs are dense."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

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
from tom.sky import galactic
from tom.sky.dwarfs import dwarf_density, mean_density

FLARE_SHARE = 0.1
"""The share of flares among unrelated sources: assumed, as in `fast_transient`'s card."""
SIGMA = 0.7
"""How far the density of dwarfs is from that of simulated flares: natural log, over the sky."""


class MDwarfPrior:
    """Bayes factor of a flare against what is everywhere alike; it is 1 in the mean over the sky.

    A list of transients weighs them against a mix with `FLARE_SHARE` of flares. It moves them
    little where dwarfs are few, and down where they are dense.
    """

    spec = ScorerSpec(
        name="mdwarf_prior",
        version="1.0.0",
        inputs=("place.galactic",),
        classes=("stellar flare", "transient"),
        prior=(FLARE_SHARE, 1 - FLARE_SHARE),
        kind=ScorerKind.LIKELIHOOD_RATIO,
        licence="GPL-3.0-or-later",
        card="card.md",
        seconds_per_object=0.001,
    )

    def setup(self, artefacts: Path) -> None:
        """Load nothing: the density is a formula."""

    def eligible(self, batch: Batch) -> IntArray:
        """Require a place, and a detection there: a factor without light is none."""
        placed = np.isfinite(batch.ra) & np.isfinite(batch.dec)
        seen = np.where(batch.n_detections > 0, Reason.OK, Reason.TOO_FEW_POINTS)
        return np.where(placed, seen, Reason.MISSING_INPUT).astype(np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return the factor of a flare, and its inverse: that of a transient."""
        factor = flare_factor(*galactic(batch.ra, batch.dec))
        return ScoreBatch(
            probability=np.stack([factor, 1 / factor], axis=1), sigma=np.full(len(batch), SIGMA)
        )

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return the factor as what the place says."""
        longitude, latitude = galactic(batch.ra, batch.dec)
        factor = flare_factor(longitude, latitude)
        return [
            Contribution(
                object_id=str(name),
                name="place",
                log_lr=float(np.log(times)),
                text=f"{times:.2g} times as many M dwarfs as in the mean over the sky"
                f" (l {along:.0f}°, b {off:+.0f}°)",
                value=float(times),
            )
            for name, times, along, off in zip(
                batch.object_ids, factor, longitude, latitude, strict=True
            )
        ]


def flare_factor(longitude: FloatArray, latitude: FloatArray) -> FloatArray:
    """Return the density of flares at Galactic degrees over its mean on the sky, shape (n,).

    Something that is everywhere alike has the density 1 / (4 pi). So this ratio is a Bayes factor,
    and its mean over the sky is 1.
    """
    return np.asarray(dwarf_density(longitude, latitude) / mean_density())
