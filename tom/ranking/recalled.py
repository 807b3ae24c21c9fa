"""The later light of members whose looks this process has weighed before: not weighed again.

Between two rankings of a list few members are seen again, and to weigh ten looks at each of 25,000
takes a second. What is found of a member depends on its own looks, those beside it, and what is
known of it besides. Of the same bytes it is the same to the last bit, among whichever others.
"""

from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

from tom.ranking.curves import KINDS, Later, Members, read_later
from tom.ranking.visits import Visits
from tom.ranking.weighing import FloatArray, IntArray

# When more members than this are kept, all but those of the newest list are forgotten: some 25 MB.
MOST: Final = 100_000

_kept: dict[bytes, bytes] = {}


def recall_later(visits: Visits, members: Members, beside: Visits) -> Later:
    """Return what `read_later` returns; only members with other looks than before are weighed."""
    keys = _keys(visits, members, beside)
    found = {key: _kept.get(key) for key in keys}
    rows = np.array([row for row, key in enumerate(keys) if found[key] is None], np.int64)
    fresh = read_later(_of(visits, rows), members.take(rows), _of(beside, rows))
    numbers = _numbers(fresh)
    found |= {keys[row]: one.tobytes() for row, one in zip(rows.tolist(), numbers, strict=True)}
    if len(_kept) > MOST:
        _kept.clear()
    _kept.update((key, one) for key, one in found.items() if one is not None)
    return _later(b"".join(one for key in keys if (one := found[key]) is not None))


def _keys(visits: Visits, members: Members, beside: Visits) -> list[bytes]:
    """A digest of all that the later light of each member depends on."""
    n = len(members.modulus)
    own, others = _Lines(visits, n), _Lines(beside, n)
    known = (*members.firsts, members.modulus, members.error, own.count, others.count)
    about = np.column_stack([*known, members.loss])
    width = about.shape[1] * about.itemsize
    told = about.tobytes()
    return [
        blake2b(told[row * width : (row + 1) * width] + own[row] + others[row], digest_size=16)
        .digest()
        for row in range(n)
    ]  # fmt: skip


class _Lines:
    """The bytes of the looks at each of n members."""

    def __init__(self, looks: Visits, n: int) -> None:
        columns = np.column_stack([column.astype(float) for column in looks[1:]])
        edges = np.searchsorted(looks.row, np.arange(n + 1))
        self.count = np.diff(edges)
        self._edges = (edges * columns.shape[1] * columns.itemsize).tolist()
        self._told = columns.tobytes()

    def __getitem__(self, row: int) -> bytes:
        """Return those of a member."""
        return self._told[self._edges[row] : self._edges[row + 1]]


def _of(looks: Visits, rows: IntArray) -> Visits:
    """Return the looks at these members, which are numbered anew."""
    number = np.searchsorted(rows, looks.row)
    chosen = np.flatnonzero(np.append(rows, -1)[number] == looks.row)
    return looks.take(chosen)._replace(row=number[chosen])


def _numbers(later: Later) -> FloatArray:
    """All that is found of each member as numbers, shape (n, 5 + kinds)."""
    return np.column_stack(later)


def _later(told: bytes) -> Later:
    numbers: npt.NDArray[np.float64] = np.frombuffer(told).reshape(-1, 5 + len(KINDS))
    kilonova, other, *kinds, looks, seen, risen = numbers.T.copy()
    return Later(
        kilonova=kilonova,
        other=other,
        kinds=np.stack(kinds, axis=1),
        looks=looks.astype(np.int64),
        seen=seen.astype(np.int64),
        risen=risen,
    )
