"""Which fixed field of its survey each point is of, found from the numbers of the images alone.

A survey that always points at the same fields sees a place with the same part of its camera in each
exposure of a field. So two exposures in which one source lies on one part are of one field.
"""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tom.ranking.weighing import BoolArray, FloatArray, IntArray

# The last digits of an image's number are the part of the camera.
PARTS = 100
# About a pole, a source may lie on one part in several fields. Then its neighbours lie on several
# parts of what passes for one field: more parts a source than this, and it counts as none.
MOST_PARTS = 1.25


def fields_of(row: IntArray, image: FloatArray, is_public: BoolArray) -> IntArray:
    """Return the number of each point's field: that of its earliest exposure, shape (m,); -1: none.

    Parameters
    ----------
    row, image
        The entry of each point, and the number of its image, shape (m,); NaN: not known.
    is_public
        Whether everybody knows an entry's points, shape (n,). The others link no exposures.
    """
    field = np.full(len(row), -1)
    known = np.flatnonzero(np.isfinite(image))
    number = image[known].astype(np.int64)
    exposure, at = np.unique(number // PARTS, return_inverse=True)
    if not len(exposure):
        return field
    links = is_public[row[known]]
    place, of = np.unique(row[known] * PARTS + number % PARTS, return_inverse=True)
    label = _components(at[links], of[links], len(exposure), len(place))
    whole = label[: len(exposure)]
    earliest = np.full(label.max() + 1, exposure[-1])
    np.minimum.at(earliest, whole, exposure)
    earliest[_mixed(label[len(exposure) :], place // PARTS)] = -1
    told = np.bincount(at[links], minlength=len(exposure)) > 0
    field[known] = np.where(told[at], earliest[whole[at]], -1)
    return field


def _components(at: IntArray, of: IntArray, exposures: int, places: int) -> IntArray:
    """Number the components of exposures and places, in this order; points link them."""
    n = exposures + places
    graph = coo_array((np.ones(len(at), bool), (at, exposures + of)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1])


def _mixed(label: IntArray, row: IntArray) -> IntArray:
    """The components of more than `MOST_PARTS` places an entry."""
    places, n = np.bincount(label), int(row.max()) + 1
    entries = np.bincount(np.unique(label * n + row) // n, minlength=len(places))
    return np.flatnonzero(places > MOST_PARTS * np.maximum(entries, 1))
