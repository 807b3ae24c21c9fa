"""The most probable field next, as long as it fits: at once, and near the best that is possible.

The probability of a union grows less the more is covered (it is submodular). So a field's gain that
was computed earlier is an upper limit of its gain now, and most need not be computed again (Minoux
1978, https://doi.org/10.1007/BFb0006528). Without limits of time the result has at least 1 - 1/e of
the best (Nemhauser et al. 1978, https://doi.org/10.1007/BF01588971).
"""

import heapq
from collections.abc import Sequence

import numpy as np

from tom.planning.faces import Faces
from tom.planning.route import Route
from tom.sky.arrays import BoolArray, FloatArray

# A field that adds less is not observed.
LEAST_GAIN = 1e-6


def fill_route(route: Route, faces: Faces, *, most: int) -> list[int]:
    """Put the field that adds most into a route with all of its visits, again and again.

    Parameters
    ----------
    most
        How many exposures the route has at most.

    Returns
    -------
    list of int
        Fields that would still add something but do not fit.
    """
    seen = seen_by(faces, route.fields)
    gains = faces.alone()
    queue = [(-gain, field) for field, gain in enumerate(gains.tolist()) if gain > LEAST_GAIN]
    heapq.heapify(queue)
    unfit: list[int] = []
    while queue and route.has_room(most):
        _, field = heapq.heappop(queue)
        gain = gain_of(faces, field, seen)
        if gain <= LEAST_GAIN:
            continue
        if queue and gain < -queue[0][0]:
            heapq.heappush(queue, (-gain, field))
        elif route.insert(field):
            seen[faces.of(field)] = True
        else:
            unfit.append(field)
    left = [field for _, field in queue if gain_of(faces, field, seen) > LEAST_GAIN]
    return sorted(unfit + left)


def seen_by(faces: Faces, fields: Sequence[int]) -> BoolArray:
    """Return which parts fields see together, `(j,)`."""
    seen = np.zeros(len(faces.weight), dtype=np.bool_)
    for field in fields:
        seen[faces.of(field)] = True
    return seen


def gain_of(faces: Faces, field: int, seen: BoolArray) -> float:
    """Find what a field adds to what is seen."""
    parts = faces.of(field)
    return float(faces.weight[parts[~seen[parts]]].sum())


def gains_in_order(faces: Faces, fields: Sequence[int]) -> FloatArray:
    """Find what each field adds to those before it, shape `(n,)`."""
    seen = np.zeros(len(faces.weight), dtype=np.bool_)
    gains = np.zeros(len(fields))
    for i, field in enumerate(fields):
        gains[i] = gain_of(faces, field, seen)
        seen[faces.of(field)] = True
    return gains


def quick_bound(faces: Faces, chosen: Sequence[int], *, most: int) -> float:
    """Find a probability that no `most` fields exceed: that of the chosen and the largest gains."""
    seen = seen_by(faces, chosen)
    left = sorted((gain_of(faces, field, seen) for field in range(faces.n)), reverse=True)
    everything = float(faces.weight.sum())
    return min(float(faces.weight[seen].sum()) + sum(left[:most]), everything)
