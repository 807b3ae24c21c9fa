"""Template light curves of each class, and how likely points are for each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from ml_plugins.kilonova.points import BANDS, Points
from tom.scoring.contract import FloatArray, IntArray
from tom.sky.looks import LEAST_ERROR, chance_dark, log_of_detection

DAYS = np.concatenate([-np.geomspace(10, 0.01, 26), [0.0], np.geomspace(0.01, 6, 15)])
"""When templates are told, days after the newest detection."""
NOW = int(np.flatnonzero(DAYS == 0)[0])
DARK = 15.0
"""Magnitudes below their newest one: fainter is told as this."""
CHUNK = 1200
"""So many points are weighed in one go."""


class Fit(NamedTuple):
    """How k templates fit n objects: log density of the points, shape (n, k).

    `modulus`, shape (n, k), is what was added to each template to bring it to the detections, and
    `variance`, shape (n,), its error: of absolute templates it is the distance modulus.
    """

    log_density: FloatArray
    modulus: FloatArray
    variance: FloatArray


@dataclass(frozen=True, eq=False)
class Templates:
    """Templates of one class.

    Attributes
    ----------
    magnitude : array, shape (bands, days, k)
        At `DAYS`.
    family : array of int, shape (k,)
        The family that each belongs to.
    scatter, dark, odd : float
        The error of a template, mag; the chance to see nothing though it is bright enough; the
        chance of a magnitude that follows no template.
    """

    magnitude: FloatArray
    family: IntArray
    scatter: float
    dark: float
    odd: float

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Read them from what `told` gave."""
        shape = (len(BANDS), len(DAYS), len(told["family"]))
        return cls(
            magnitude=np.array(told["centimag"], float).reshape(shape) / 100,
            family=np.array(told["family"], np.int64),
            **{name: told[name] for name in ("scatter", "dark", "odd")},
        )

    def told(self) -> dict[str, Any]:
        """Tell them as JSON, to 0.01 mag."""
        return {
            "scatter": self.scatter,
            "dark": self.dark,
            "odd": self.odd,
            "family": self.family.tolist(),
            "centimag": np.rint(self.magnitude * 100).astype(int).ravel().tolist(),
        }

    def fit(self, points: Points, n: int) -> Fit:
        """Bring each template to each object's detections, and see how likely its points are.

        The magnitude by which a template is brought has a flat prior of density 1/mag: it is
        integrated over, by Laplace's method.
        """
        k = self.magnitude.shape[2]
        found = Fit(np.zeros((n, k)), np.full((n, k), np.nan), np.full(n, np.nan))
        edges = _chunks(points.row)
        for start, stop in pairwise(edges):
            some = points.take(np.arange(start, stop))
            rows, first = np.unique(some.row, return_index=True)
            for whole, part in zip(found, self._of_some(some, first), strict=True):
                whole[rows] = part
        return found

    def _of_some(self, points: Points, first: IntArray) -> Fit:
        seen = points.is_detection
        off = points.magnitude[:, None] - self._read(points)
        variance = points.variance + LEAST_ERROR**2 + self.scatter**2
        weight = np.where(seen, 1 / variance, 0.0)
        total = np.maximum(np.add.reduceat(weight, first), 1e-9)
        modulus = np.add.reduceat(weight[:, None] * off, first, axis=0) / total[:, None]
        off -= np.repeat(modulus, np.diff(np.append(first, len(seen))), axis=0)
        spread = np.sqrt(variance[seen])[:, None]
        logs = np.empty_like(off)
        logs[seen] = log_of_detection(off[seen], spread, dark=self.dark, odd=self.odd)
        soft = variance[~seen][:, None]
        logs[~seen] = np.log(chance_dark(-off[~seen], np.zeros(1), soft, dark=self.dark))
        flat = 0.5 * np.log(2 * np.pi / total)[:, None]
        return Fit(np.add.reduceat(logs, first, axis=0) + flat, modulus, 1 / total)

    def _read(self, points: Points) -> FloatArray:
        place = np.interp(points.days, DAYS, np.arange(len(DAYS), dtype=float))
        row = np.minimum(place.astype(np.int64), len(DAYS) - 2)
        near, far = (self.magnitude[points.band, row + step] for step in (0, 1))
        return np.asarray(near + (place - row)[:, None] * (far - near))


def bounded(magnitude: FloatArray) -> FloatArray:
    """Return templates, shape (bands, days, k), that are never fainter than can be told."""
    return np.asarray(np.minimum(magnitude, magnitude[:, NOW].min(0) + DARK))


def _chunks(row: IntArray) -> list[int]:
    """Where chunks of whole objects begin, and the end."""
    edges = [0]
    ends = np.append(np.flatnonzero(np.diff(row)) + 1, len(row))
    for start, stop in zip(np.append(0, ends[:-1]).tolist(), ends.tolist(), strict=True):
        if stop - edges[-1] > CHUNK and start > edges[-1]:
            edges.append(start)
    return [*edges, len(row)] if len(row) else [0]
