"""Rows of positions: many are found as each by itself is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.sky import SkyMap, build_skymap
from tom.sky.skymap import CELL_ORDER, CELL_SHIFT, CELLS, NO_ROW, row_at


def chain(seed: int, deepest: int) -> SkyMap:
    """Split one pixel after the other down to a level, and leave a third of the rows out."""
    rng = np.random.default_rng(seed)
    rows, inner = [(0, ipix) for ipix in range(11)], 11
    for level in range(1, deepest + 1):
        children = [4 * inner + child for child in range(4)]
        inner = children.pop(int(rng.integers(4)))
        rows += [(level, child) for child in children]
    rows.append((deepest, inner))
    kept = [row for row in rows if rng.random() > 1 / 3] or rows
    level, ipix = np.array(kept).T
    return build_skymap(level=level, ipix=ipix, probdensity=np.ones(len(kept)))


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(CELL_ORDER - 2, CELL_ORDER + 6))
def test_rows_of_many_positions_are_those_of_each(seed: int, deepest: int) -> None:
    skymap = chain(seed, deepest)
    edges = np.concatenate([skymap.start29, skymap.stop29 - 1, skymap.stop29, skymap.start29 - 1])
    edges = edges[(edges >= 0) & (edges < CELLS << CELL_SHIFT)]
    anywhere = np.random.default_rng(seed).integers(0, CELLS << CELL_SHIFT, CELLS, dtype=np.int64)
    many = np.concatenate([edges, anywhere])

    rows = row_at(skymap, many)

    assert (row_at(skymap, edges) == rows[: edges.size]).all()
    some = np.arange(0, many.size, 97)
    assert (row_at(skymap, many[some]) == rows[some]).all()
    found = rows >= 0
    assert (skymap.start29[rows[found]] <= many[found]).all()
    assert (many[found] < skymap.stop29[rows[found]]).all()


def test_ids_of_no_place_have_no_row() -> None:
    skymap = chain(1, 3)
    many = np.full(CELLS, -1, dtype=np.int64)
    many[1] = CELLS << CELL_SHIFT

    assert (row_at(skymap, many) == NO_ROW).all()
    assert (row_at(skymap, many[:2]) == NO_ROW).all()
