"""The parts into which fields cut the sky, each with its probability and the fields that see it.

A place that several fields see counts once, so the probability of a set of fields is that of the
parts that one of them sees. Many ranges of ids are one part: those that the same fields see.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tom.sky import SkyMap, within_ranges
from tom.sky.arrays import FloatArray, IntArray
from tom.sky.distance import distance_rows, radial_mass


@dataclass(frozen=True, eq=False)
class Faces:
    """Parts of the sky, which do not overlap.

    Attributes
    ----------
    weight
        float64, shape `(j,)`: the probability of each.
    first, face
        int64, `(n + 1,)` and `(k,)`: field i sees the parts `face[first[i]:first[i + 1]]`.
    """

    weight: FloatArray
    first: IntArray
    face: IntArray

    @property
    def n(self) -> int:
        """Number of fields."""
        return len(self.first) - 1

    def of(self, field: int) -> IntArray:
        """The parts that a field sees."""
        return self.face[self.first[field] : self.first[field + 1]]

    def probability(self, fields: Iterable[int]) -> float:
        """The probability that fields see together."""
        seen = np.zeros(len(self.weight), dtype=np.bool_)
        for field in fields:
            seen[self.of(field)] = True
        return float(self.weight[seen].sum())

    def alone(self) -> FloatArray:
        """The probability that each field sees, shape `(n,)`."""
        total = np.concatenate([[0.0], np.cumsum(self.weight[self.face])])
        return np.asarray(total[self.first[1:]] - total[self.first[:-1]], dtype=np.float64)


def row_weights(skymap: SkyMap, reach_mpc: float = float("inf")) -> FloatArray:
    """Find each row's probability that the source lies there and not beyond a distance, `(n,)`.

    An infinite reach counts everything. A finite one counts, as a share of the probability that has
    a distance, what lies nearer; NaN in all rows: no row has a distance.
    """
    if reach_mpc == float("inf"):
        return skymap.probability
    mu, sigma, norm = distance_rows(skymap, np.arange(skymap.n))
    known = np.isfinite(mu)
    whole, near = np.zeros(skymap.n), np.zeros(skymap.n)
    mu, sigma, norm = mu[known], sigma[known], norm[known]
    far = np.maximum(mu, 0) + 40 * sigma
    whole[known] = norm * radial_mass(np.zeros_like(far), far, mu, sigma)
    near[known] = norm * radial_mass(np.zeros_like(far), np.minimum(far, reach_mpc), mu, sigma)
    with np.errstate(invalid="ignore"):
        return np.asarray(
            skymap.probability * near / np.sum(skymap.probability * whole), dtype=np.float64
        )


def cut_faces(
    skymap: SkyMap,
    footprints: Sequence[IntArray],
    *,
    weights: FloatArray | None = None,
    covered: IntArray | None = None,
) -> Faces:
    """Cut the sky by the outlines of fields.

    Parameters
    ----------
    footprints
        Ranges of each field, shape `(k, 2)`, sorted and apart, as `footprint_ranges` returns them.
    weights
        What each row of the map counts, shape `(n,)`; None: its probability.
    covered
        Ranges, sorted and apart, that count nothing, since others covered them.
    """
    rows = skymap.probability if weights is None else weights
    done = np.empty((0, 2), dtype=np.int64) if covered is None else covered
    cuts, signature = _signatures([*footprints, done])
    mass = np.diff(_mass_before(skymap, rows, cuts))
    kept = np.flatnonzero((signature[:-1] != 0) & (mass > 0) & ~within_ranges(cuts[:-1], done))
    _, sample, part = np.unique(signature[kept], return_index=True, return_inverse=True)
    at = cuts[kept[sample]]
    weight = np.bincount(part, mass[kept], minlength=len(at)).astype(np.float64)
    seen = [np.flatnonzero(within_ranges(at, ranges)) for ranges in footprints]
    first = np.cumsum([0, *(len(each) for each in seen)], dtype=np.int64)
    face = np.concatenate([*seen, np.empty(0, dtype=np.int64)])
    return Faces(weight, first, face.astype(np.int64))


def mass_within(skymap: SkyMap, ranges: IntArray, weights: FloatArray | None = None) -> float:
    """Sum what rows count within ranges, sorted and apart."""
    rows = skymap.probability if weights is None else weights
    ends = _mass_before(skymap, rows, ranges.ravel()).reshape(-1, 2)
    return float(np.sum(ends[:, 1] - ends[:, 0]))


def _signatures(covers: Sequence[IntArray]) -> tuple[IntArray, npt.NDArray[np.uint64]]:
    """Sign each interval between neighbouring ends with the sum of its covers' random numbers.

    Two sets of covers have the same 64-bit sum by chance alone: once in some 10**12 plans.
    """
    numbers = np.random.default_rng(1).integers(1, 2**64, len(covers), dtype=np.uint64)
    size = [len(each) for each in covers]
    number = np.repeat(numbers, size)
    ranges = np.concatenate(covers).reshape(-1, 2)
    at = np.concatenate([ranges[:, 0], ranges[:, 1]])
    step = np.concatenate([number, np.negative(number)])
    order = np.argsort(at, kind="stable")
    total = np.cumsum(step[order], dtype=np.uint64)
    at = at[order]
    last = np.flatnonzero(np.append(at[1:] != at[:-1], True)) if len(at) else order
    return at[last], total[last]


def _mass_before(skymap: SkyMap, rows: FloatArray, ids: IntArray) -> FloatArray:
    """Sum what rows count before nested order-29 ids, in their shape."""
    before = np.concatenate([[0.0], np.cumsum(rows)])
    row = np.searchsorted(skymap.start29, ids, side="right") - 1
    at = np.maximum(row, 0)
    size = (skymap.stop29[at] - skymap.start29[at]).astype(np.float64)
    share = np.clip((ids - skymap.start29[at]).astype(np.float64) / size, 0, 1)
    return np.where(row < 0, 0.0, before[at] + rows[at] * share)
