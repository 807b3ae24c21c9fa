"""The stars of a table with what is known of each, as a file; and the one at a place and a date."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from tom.scoring.contract import BoolArray, FloatArray, IntArray

FILE: Final = "stars.npy"
WITHIN_ARCSEC: Final = 2.0
"""How near a star must be to be the candidate."""
COVERED_DEG: Final = 0.3
"""A place without a star of the table this near is outside of the table."""
FASTEST: Final = 2000.0
"""Stars that are said to move faster, mas/yr, are taken to stand still."""
ROW: Final = np.dtype(
    [
        *((name, "<f8") for name in ("ra", "dec")),
        *((name, "<f4") for name in ("pmra", "pmdec", "epoch", "log_ratio", "spread", "share")),
    ]
)
"""A star: degrees, mas/yr, Julian year, and what `patches.ratios_of` says (NaN: nothing)."""
_MAS: Final = np.radians(1 / 3.6e6)


class BadKnownError(ValueError):
    """The file was not made by `gaia_context.build`, or is damaged."""


@dataclass(frozen=True, eq=False)
class Known:
    """The stars of a file; `rows` has the type `ROW`, shape (n,)."""

    rows: npt.NDArray[np.void]
    _tree: cKDTree
    _fastest: float

    @classmethod
    def read(cls, path: Path) -> "Known":
        """Read a file; raise BadKnownError if it is none of ours, OSError if it cannot be read."""
        try:
            rows = np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as error:
            message = f"{path.name} cannot be read: make it again ({error})"
            raise BadKnownError(message) from error
        if not isinstance(rows, np.ndarray) or rows.dtype != ROW or rows.ndim != 1 or not len(rows):
            message = f"{path.name} is no table of stars that gaia_context.build made"
            raise BadKnownError(message)
        return cls.of(rows)

    @classmethod
    def of(cls, rows: npt.NDArray[np.void]) -> "Known":
        """Make it of at least one star."""
        speed = np.hypot(rows["pmra"], rows["pmdec"], dtype=float)
        return cls(rows, cKDTree(_direction(rows["ra"], rows["dec"])), float(speed.max()))

    def covers(self, ra: FloatArray, dec: FloatArray) -> BoolArray:
        """Return whether places (degrees, shape (k,), finite) are inside of the table."""
        distance, _ = self._tree.query(_direction(ra, dec))
        return np.asarray(distance < _chord(COVERED_DEG * 3600))

    def nearest(self, ra: FloatArray, dec: FloatArray, year: FloatArray) -> IntArray:
        """Return the row of the star nearest to each place at that Julian year; -1: none is near.

        Places in ICRS degrees, shape (k,), finite. Each star is moved there by its proper motion.
        """
        here = _direction(ra, dec)
        epoch = self.rows["epoch"]
        years = np.maximum(np.abs(year - epoch.min()), np.abs(year - epoch.max()))
        reach = _chord(WITHIN_ARCSEC + self._fastest / 1000 * years)
        found = np.full(len(here), -1)
        for place, near in enumerate(self._tree.query_ball_point(here, reach)):
            if near:
                rows = np.array(near)
                apart = np.linalg.norm(self._moved(rows, year[place]) - here[place], axis=1)
                best = int(apart.argmin())
                if apart[best] < _chord(WITHIN_ARCSEC):
                    found[place] = rows[best]
        return found

    def _moved(self, rows: IntArray, year: float) -> FloatArray:
        """Return the directions of stars in a year, shape (m, 3)."""
        stars = self.rows[rows]
        ra, dec = np.radians(stars["ra"]), np.radians(stars["dec"])
        east = np.stack([-np.sin(ra), np.cos(ra), np.zeros_like(ra)], axis=1)
        north = np.stack(
            [-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], axis=1
        )
        step = (year - stars["epoch"].astype(float))[:, None] * _MAS
        moved = _direction(stars["ra"], stars["dec"]) + step * (
            stars["pmra"][:, None] * east + stars["pmdec"][:, None] * north
        )
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True))


def make_rows(**columns: FloatArray) -> npt.NDArray[np.void]:
    """Return stars as rows of the type `ROW`, of each of its columns by name, shape (n,).

    A proper motion that is missing or beyond `FASTEST`, and an epoch that is missing, count as
    none: such a star stands still.
    """
    rows = np.zeros(len(columns["ra"]), ROW)
    for name in ROW.names or ():
        rows[name] = columns[name]
    speed = np.hypot(rows["pmra"], rows["pmdec"])
    still = ~((speed <= FASTEST) & np.isfinite(rows["epoch"]))
    for name, value in (("pmra", 0.0), ("pmdec", 0.0), ("epoch", 2016.0)):
        rows[name][still] = value
    return rows


def write_rows(path: Path, rows: npt.NDArray[np.void]) -> None:
    """Write stars as a file, in place of an older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as opened:
        np.save(opened, rows, allow_pickle=False)
    unfinished.replace(path)


def _direction(ra: FloatArray, dec: FloatArray) -> FloatArray:
    along, up = np.radians(np.asarray(ra, float)), np.radians(np.asarray(dec, float))
    return np.stack([np.cos(up) * np.cos(along), np.cos(up) * np.sin(along), np.sin(up)], axis=-1)


def _chord(arcsec: FloatArray | float) -> FloatArray:
    """Return how far apart two directions are that are `arcsec` apart on the sky."""
    return np.asarray(2 * np.sin(np.radians(np.asarray(arcsec) / 3600) / 2))
