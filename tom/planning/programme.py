"""The best set of fields by an integer programme, and a bound that no schedule exceeds.

Maximise the sum of w_j z_j, where z_j (0 to 1) says that part j is seen, and y_i (0 or 1) that
field i is observed: z_j <= the sum of y_i over the fields that see it. Time enters by conditions
that every schedule keeps. Into each span of time at most so many exposures fit as its length allows
with the least gap, so among the fields that can be observed in that span alone no more may be
chosen; and so for the whole night. The moves themselves are left out. So the best of the programme
is a bound for every schedule, and its fields need not all fit: `tom.planning.route` decides that.

Solved by HiGHS (Huangfu & Hall 2018, https://doi.org/10.1007/s12532-017-0130-5).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from tom.planning.faces import Faces
from tom.planning.route import hulls, most_exposures
from tom.planning.windows import Windows
from tom.sky.arrays import BoolArray, FloatArray, IntArray

# Parts that are left out together have less than this share of the probability; the bound has them.
NEGLIGIBLE = 1e-4
SPANS_EACH_WAY = 16


@dataclass(frozen=True, eq=False)
class Programme:
    """What HiGHS found.

    Attributes
    ----------
    fields
        The fields of its best set; empty: it found none in time.
    bound
        A probability that no schedule of these fields exceeds.
    is_best
        Whether it proved that its set is the best one.
    """

    fields: tuple[int, ...]
    bound: float
    is_best: bool


def solve_programme(
    faces: Faces,
    windows: Windows,
    *,
    exposure_s: float,
    gap_s: float,
    most: int,
    seconds: float,
    visits: int = 1,
    close_enough: float = 1e-4,
) -> Programme:
    """Choose the fields that see the most probability together.

    Parameters
    ----------
    gap_s
        The least time between two exposures.
    most
        How many fields at most.
    seconds
        After which HiGHS stops with what it has.
    visits
        How many exposures each field takes. That they lie apart is left out, as the moves are.
    close_enough
        It stops where no set is better by more than this share.
    """
    usable = np.isin(np.arange(faces.n), windows.field)
    reached = _reached(faces, usable)
    kept = _large_parts(faces, reached)
    everything = float(faces.weight[reached].sum())
    left_out = everything - float(faces.weight[kept].sum())
    if not kept.any():
        return Programme((), everything, is_best=False)
    own, shared, sees = _parts_of(faces, kept)
    cost = -np.concatenate([own, shared])
    begins, ends = hulls(windows, faces.n, exposure_s)
    rows, limits = [np.ones(faces.n)], [most]
    for inside, fits in _spans(begins, ends, exposure_s, gap_s):
        if fits // visits < min(int(inside.sum()), most):
            rows.append(inside.astype(np.float64))
            limits.append(fits // visits)
    conditions = [_is_seen(sees), _at_most(rows, limits, len(shared))]
    upper = np.concatenate([usable.astype(float), np.ones(len(shared))])
    answer = milp(
        cost,
        integrality=np.concatenate([np.ones(faces.n), np.zeros(len(shared))]),
        bounds=Bounds(0, upper),
        constraints=conditions,
        options={"time_limit": seconds, "mip_rel_gap": close_enough},
    )
    bound = everything if answer.mip_dual_bound is None else -answer.mip_dual_bound + left_out
    chosen = () if answer.x is None else np.flatnonzero(answer.x[: faces.n] > 0.5).tolist()
    return Programme(tuple(chosen), min(float(bound), everything), is_best=answer.status == 0)


def _reached(faces: Faces, usable: BoolArray) -> BoolArray:
    """Return which parts a usable field sees, `(j,)`."""
    reached = np.zeros(len(faces.weight), dtype=np.bool_)
    reached[faces.face[np.repeat(usable, np.diff(faces.first))]] = True
    return reached


def _large_parts(faces: Faces, reached: BoolArray) -> BoolArray:
    """Return which of these parts are not among the smallest, `(j,)`."""
    weight = np.where(reached, faces.weight, 0)
    order = np.argsort(weight, kind="stable")
    small = np.cumsum(weight[order]) < NEGLIGIBLE * weight.sum()
    kept = reached.copy()
    kept[order[small]] = False
    return kept


def _parts_of(faces: Faces, kept: BoolArray) -> tuple[FloatArray, FloatArray, sparse.csr_array]:
    """Split the parts: what one field alone sees is its own; the others are shared.

    Returns
    -------
    tuple
        What each field has alone, `(n,)`; the weight of each shared part, `(s,)`; which fields see
        it, `(s, n)`.
    """
    field = np.repeat(np.arange(faces.n), np.diff(faces.first))
    watchers = np.bincount(faces.face, minlength=len(faces.weight))
    is_own = kept & (watchers == 1)
    mine = is_own[faces.face]
    own = np.bincount(field[mine], faces.weight[faces.face[mine]], minlength=faces.n)
    number = np.cumsum(kept & ~is_own) - 1
    many = (kept & ~is_own)[faces.face]
    shape = (int((kept & ~is_own).sum()), faces.n)
    entries = (np.ones(int(many.sum())), (number[faces.face[many]], field[many]))
    sees = sparse.csr_array(entries, shape=shape)
    return own.astype(np.float64), faces.weight[kept & ~is_own], sees


def _is_seen(sees: sparse.csr_array) -> LinearConstraint:
    """A part is seen only if a field that sees it is observed."""
    matrix = sparse.hstack([-sees, sparse.eye_array(sees.shape[0])], format="csr")
    return LinearConstraint(matrix, -np.inf, 0)


def _spans(
    begins: FloatArray, ends: FloatArray, exposure_s: float, gap_s: float
) -> Iterator[tuple[BoolArray, int]]:
    """Yield which fields are up in a span alone, `(n,)`, and how many exposures fit into it."""
    for begin in _spread(begins):
        for end in _spread(ends):
            inside = (begins >= begin) & (ends <= end)
            yield inside, most_exposures(end - begin, exposure_s, gap_s)


def _at_most(rows: Sequence[FloatArray], limits: Sequence[int], n_shared: int) -> LinearConstraint:
    """Of the fields of each row no more than its limit are observed."""
    matrix = sparse.csr_array(np.array(rows))
    nothing = sparse.csr_array((len(rows), n_shared))
    whole = sparse.hstack([matrix, nothing], format="csr")
    return LinearConstraint(whole, -np.inf, np.array(limits, dtype=np.float64))


def _spread(moments: FloatArray) -> list[float]:
    """Choose some of the moments, evenly, the first and the last among them."""
    known = np.unique(moments[np.isfinite(moments)])
    if not len(known):
        return []
    some: IntArray = np.unique(np.linspace(0, len(known) - 1, SPANS_EACH_WAY).astype(np.int64))
    return [float(each) for each in known[some]]
