"""A sky map: HEALPix rows of probability density, and of distance if the map is 3D."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import BoolArray, ByteArray, FloatArray, IntArray
from tom.sky.healpix import ORDER, pixel_centre

# A sum that differs from one by less is rounding; otherwise the map is rescaled.
NORMALIZATION_TOLERANCE = 1e-6
# A coarse grid of the sky by which rows are found.
CELL_ORDER = 7
CELL_SHIFT = 2 * (ORDER - CELL_ORDER)
CELLS = 12 << (2 * CELL_ORDER)
# What it holds where no row lies in a cell, and where no one row fills it.
NO_ROW, SEVERAL = -1, -2


class MalformedSkyMapError(ValueError):
    """The bytes or rows are not a sky map. To read them again does not help."""


@dataclass(frozen=True, eq=False)
class SkyMap:
    """The rows of a localization, sorted along the sky's nested order.

    Make one with `build_skymap` or `read_skymap`, which check, sort and normalize.

    Attributes
    ----------
    level
        uint8, shape `(n,)`: HEALPix level (order) of each row, 0 to 29.
    ipix
        int64, shape `(n,)`: nested pixel index at that level.
    probdensity
        float64, shape `(n,)`: probability per steradian; the rows' probabilities sum to one.
    distmu, distsigma, distnorm
        float64, shape `(n,)`: parameters of each row's distance distribution in Mpc, Mpc and
        Mpc**-2 (Singer et al. 2016, https://doi.org/10.3847/2041-8205/829/1/L15); infinite
        `distmu`: the row has no distance; all None in a 2D map.
    distance_mean, distance_std
        Mpc, as the map's author states them; NaN: not stated.
    raw_sum
        The sum of the probabilities before they were normalized.
    """

    level: ByteArray
    ipix: IntArray
    probdensity: FloatArray
    distmu: FloatArray | None = None
    distsigma: FloatArray | None = None
    distnorm: FloatArray | None = None
    distance_mean: float = float("nan")
    distance_std: float = float("nan")
    raw_sum: float = 1.0

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.ipix)

    @property
    def is_3d(self) -> bool:
        """Whether rows have distances."""
        return self.distmu is not None

    @property
    def uniq(self) -> IntArray:
        """Multi-order index `4 * 4**level + ipix` of each row, int64."""
        return self.ipix + (np.int64(4) << (2 * self.level.astype(np.int64)))

    @cached_property
    def area_sr(self) -> FloatArray:
        """Solid angle of each row in steradians, shape `(n,)`."""
        return np.asarray(np.ldexp(np.pi / 3, -2 * self.level.astype(np.int32)))

    @cached_property
    def start29(self) -> IntArray:
        """First nested order-29 id of each row, ascending."""
        return self.ipix << self._shift

    @cached_property
    def stop29(self) -> IntArray:
        """Nested order-29 id just after each row."""
        return (self.ipix + 1) << self._shift

    @property
    def probability(self) -> FloatArray:
        """Probability of each row, shape `(n,)`, sum one."""
        return self.probdensity * self.area_sr

    @cached_property
    def row_of_cell(self) -> IntArray:
        """Row that fills each nested pixel of `CELL_ORDER`, or `NO_ROW`, or `SEVERAL`."""
        start = np.arange(CELLS, dtype=np.int64) << CELL_SHIFT
        stop = start + (1 << CELL_SHIFT)
        row = np.searchsorted(self.start29, start, side="right") - 1
        last = np.searchsorted(self.start29, stop, side="left") - 1
        ends = np.where(row >= 0, self.stop29[row], 0)
        found = np.where(ends >= stop, row, SEVERAL)
        found[ends <= start] = NO_ROW
        found[last > row] = SEVERAL
        return found

    @property
    def _shift(self) -> IntArray:
        return 2 * (ORDER - self.level.astype(np.int64))


def build_skymap(
    *,
    level: npt.ArrayLike,
    ipix: npt.ArrayLike,
    probdensity: npt.ArrayLike,
    distance: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike] | None = None,
    distance_mean: float = float("nan"),
    distance_std: float = float("nan"),
) -> SkyMap:
    """Check rows, sort them along the sky and normalize them.

    Parameters
    ----------
    level, ipix, probdensity
        Shape `(n,)`, as in `SkyMap`; in any order and of any positive sum.
    distance
        `(distmu, distsigma, distnorm)`, each of shape `(n,)`, or None.
    distance_mean, distance_std
        Mpc; NaN: not known.

    Raises
    ------
    MalformedSkyMapError
        If there is no row, a pixel does not exist, pixels overlap, a density is negative or not
        finite, all are zero, or a distance is NaN or impossible.
    """
    levels = np.asarray(level, dtype=np.uint8)
    pixels = np.asarray(ipix, dtype=np.int64)
    density = np.asarray(probdensity, dtype=np.float64)
    columns = [] if distance is None else [np.asarray(c, dtype=np.float64) for c in distance]
    sizes = {levels.size, pixels.size, density.size, *(column.size for column in columns)}
    _require(len(sizes) == 1, "the columns differ in length")
    _check_pixels(levels, pixels)
    check_values(density, *columns)
    order = np.argsort(pixels << (2 * (ORDER - levels.astype(np.int64))), kind="stable")
    mu, sigma, norm = (c[order] for c in columns) if columns else (None, None, None)
    rows = SkyMap(levels[order], pixels[order], density[order], mu, sigma, norm)
    _require(bool(np.all(rows.start29[1:] >= rows.stop29[:-1])), "pixels overlap")
    total = float(rows.probability.sum())
    _require(0 < total < np.inf, "every probability is 0")
    scale = 1.0 if abs(total - 1) <= NORMALIZATION_TOLERANCE else total
    return SkyMap(
        rows.level, rows.ipix, rows.probdensity / scale, mu, sigma, norm,
        distance_mean, distance_std, total,
    )  # fmt: skip


def split_uniq(uniq: IntArray) -> tuple[ByteArray, IntArray]:
    """Split multi-order indices into level and nested pixel index.

    Raises
    ------
    MalformedSkyMapError
        If an index lies outside 4 to 4 * 4**30.
    """
    first_of_level = np.int64(4) << (2 * np.arange(ORDER + 1, dtype=np.int64))
    level = np.searchsorted(first_of_level, uniq, side="right") - 1
    _require(bool(np.all((level >= 0) & (uniq < 4 * first_of_level[-1]))), "UNIQ out of range")
    return level.astype(np.uint8), uniq - first_of_level[level]


def row_at(skymap: SkyMap, hpx29: npt.ArrayLike) -> IntArray:
    """Find the row that holds each nested order-29 id; -1 where the map does not cover it.

    A search takes longest among many ids: most of them lie in a cell that one row fills.
    """
    ids = np.asarray(hpx29, dtype=np.int64)
    if ids.size < CELLS or ids.min() < 0 or ids.max() >= CELLS << CELL_SHIFT:
        return _search_row(skymap, ids)
    row = np.asarray(skymap.row_of_cell[ids >> CELL_SHIFT], dtype=np.int64)
    rest = np.nonzero(row == SEVERAL)
    row[rest] = _search_row(skymap, ids[rest])
    return row


def _search_row(skymap: SkyMap, ids: IntArray) -> IntArray:
    row = np.searchsorted(skymap.start29, ids, side="right") - 1
    covered = (row >= 0) & (ids < skymap.stop29[row])
    return np.where(covered, row, NO_ROW).astype(np.int64)


def most_probable(skymap: SkyMap) -> tuple[float, float]:
    """Find the centre (ICRS degrees) of the densest row; of equal ones, the first along the sky."""
    row = int(np.argmax(skymap.probdensity))
    ra, dec = pixel_centre(level=skymap.level[row], ipix=skymap.ipix[row])
    return float(ra), float(dec)


def has_distance(skymap: SkyMap) -> BoolArray:
    """Return for each row whether it has a distance distribution, shape `(n,)`."""
    if skymap.distmu is None or skymap.distnorm is None:
        return np.zeros(skymap.n, dtype=np.bool_)
    return np.isfinite(skymap.distmu) & (skymap.distnorm > 0)


def _check_pixels(level: ByteArray, ipix: IntArray) -> None:
    _require(len(ipix) > 0, "there is no row")
    _require(int(level.max()) <= ORDER, "a level is above 29")
    limit = np.int64(12) << (2 * level.astype(np.int64))
    _require(bool(np.all((ipix >= 0) & (ipix < limit))), "a pixel does not exist at its level")


def check_values(density: FloatArray, *distance: FloatArray) -> None:
    """Refuse densities, and `distmu, distsigma, distnorm`, that are none: MalformedSkyMapError."""
    _require(
        bool(np.all((density >= 0) & (density < np.inf))),
        "a probability is negative, infinite or no number (NaN)",
    )
    if distance:
        _check_distances(*distance)


def _check_distances(mu: FloatArray, sigma: FloatArray, norm: FloatArray) -> None:
    _require(not np.isnan(mu).any(), "a DISTMU is NaN")
    _require(bool(np.all((norm >= 0) & (norm < np.inf))), "a DISTNORM is negative or NaN")
    used = np.isfinite(mu) & (norm > 0)
    usable = (sigma > 0) & (sigma < np.inf)
    _require(bool(np.all(usable | ~used)), "a DISTSIGMA is not positive")


def _require(truth: bool, otherwise: str) -> None:
    if not truth:
        raise MalformedSkyMapError(otherwise)
