"""Known outbursts by what their light curves look like, and which are nearest to another one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from ml_plugins.outbursts.features import EARLIER, LATER, NAMES, PHASES
from tom.scoring.contract import FloatArray, IntArray

COLUMNS: Final = (
    *(f"mag below the peak {days} d {side}, {band}" for band in "gr"
      for side, grid in (("earlier", EARLIER), ("later", LATER)) for days in grid),
    *(f"colour at {days:+d} d" for days in PHASES),
)  # fmt: skip
"""The features that are compared: magnitudes in g and r, and colours, at days from the peak."""
PLACES: Final = tuple(NAMES.index(name) for name in COLUMNS)
DAYS: Final = tuple(sorted((*(-day for day in EARLIER), *LATER)))
UNKNOWN: Final = 1.0
"""What a feature that one of the two lacks adds to the mean square of their differences."""
CHUNK: Final = 16
"""Objects that are compared at once: it bounds the memory."""
Line = tuple[float, str, float]


@dataclass(frozen=True, eq=False)
class Library:
    """n known outbursts.

    Attributes
    ----------
    names, labels : tuple of str, length n
    values : array, shape (n, len(COLUMNS))
        Features as measured, mag; NaN: not known.
    spread : array, shape (len(COLUMNS),)
        A feature's unit in the distance.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    values: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Make the library of what `numbers` returned."""
        rows = told["objects"]
        values = [[np.nan if value is None else value for value in row[2:]] for row in rows]
        return cls(
            tuple(row[0] for row in rows),
            tuple(row[1] for row in rows),
            np.array(values, float).reshape(-1, len(COLUMNS)),
            np.array(told["spread"], float),
        )

    def nearest(self, features: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the k nearest to each of m objects, nearest first, and their distances.

        `features` are those of `features.measure`, shape (m, d). The results have shape (m, k). The
        distance is the root of the mean square of the differences, each in units of its spread.
        """
        asked = features[:, list(PLACES)]
        parts = [self._distance(asked[at : at + CHUNK]) for at in range(0, len(asked), CHUNK)]
        distance = np.concatenate([np.empty((0, len(self.names))), *parts])
        order = np.argsort(distance, axis=1, kind="stable")[:, :k]
        return order, np.take_along_axis(distance, order, axis=1)

    def _distance(self, asked: FloatArray) -> FloatArray:
        gap = ((asked[:, None, :] - self.values) / self.spread) ** 2
        return np.asarray(np.sqrt(np.where(np.isnan(gap), UNKNOWN, gap).mean(axis=2)))

    def lines_of(self, row: int) -> list[Line]:
        """Return the light curve of one of them: days from the peak, band, magnitude below it.

        Both bands begin at 0 at their own peak; g is set off by the colour at the peak in r.
        """
        known = dict(zip(COLUMNS, self.values[row].tolist(), strict=True))
        colour = known["colour at +0 d"]
        offset = {"g": colour if np.isfinite(colour) else 0.0, "r": 0.0}
        points = []
        for band in "gr":
            at = {0: 0.0} | {days: known[_name(days, band)] for days in DAYS}
            points += [
                (float(days), band, offset[band] + at[days])
                for days in sorted(at)
                if np.isfinite(at[days])
            ]
        return points


def _name(days: int, band: str) -> str:
    side = "later" if days > 0 else "earlier"
    return f"mag below the peak {abs(days)} d {side}, {band}"


def numbers(names: Sequence[str], labels: Sequence[str], features: FloatArray) -> dict[str, Any]:
    """Return the library of these objects as an artefact holds it."""
    values = features[:, list(PLACES)]
    never = np.isnan(values).all(axis=0)
    low, high = np.nanquantile(np.where(never, 0.0, values), [0.16, 0.84], axis=0)
    rows = [
        [name, label, *(None if np.isnan(v) else round(float(v), 2) for v in row)]
        for name, label, row in zip(names, labels, values, strict=True)
    ]
    return {"spread": np.round(np.maximum((high - low) / 2, 0.05), 3).tolist(), "objects": rows}
