"""Cells that hold little are joined: the probability stays, and where much lies nothing changes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tom.sky.skymap_coarse import join_slight

LEVEL = 3
AREA = np.pi / 3 / 4**LEVEL


def flat_rows(seed: int) -> list[np.ndarray]:
    """All pixels of a level, in any order, with distances that name the pixel."""
    generator = np.random.default_rng(seed)
    ipix = generator.permutation(12 * 4**LEVEL)
    density = generator.random(len(ipix)) ** 8
    density /= density.sum() * AREA
    level = np.full(len(ipix), LEVEL, dtype=np.uint8)
    return [level, ipix, density, ipix * 1.0, ipix * 2.0, ipix * 3.0]


def probability(rows: list[np.ndarray]) -> np.ndarray:
    return rows[2] * np.pi / 3 / 4.0 ** rows[0]


@given(st.integers(0, 1000), st.floats(1e-6, 0.5), st.integers(0, LEVEL))
def test_what_holds_little_is_joined_and_nothing_else(seed, least, coarsest):
    before = flat_rows(seed)
    after = join_slight(before, least=least, coarsest=coarsest)

    sums = np.zeros(12 * 4**LEVEL)
    sums[before[1]] = probability(before)
    columns = (after[0].tolist(), after[1].tolist(), probability(after).tolist())
    for level, ipix, own in zip(*columns, strict=True):
        np.testing.assert_allclose(own, sums.reshape(-1, 4 ** (LEVEL - level))[ipix].sum())
        parent = sums.reshape(-1, 4 ** (LEVEL - level + 1))[ipix >> 2] if level else sums
        assert level == LEVEL or own < least
        assert level == coarsest or parent.sum() >= least
    np.testing.assert_allclose(probability(after).sum(), 1)


def test_a_joined_row_has_the_distance_of_its_densest_part():
    rows = flat_rows(1)
    kept = np.argmax(np.where(rows[1] < 4, rows[2], 0))

    after = join_slight(rows, least=1.0, coarsest=LEVEL - 1)

    first = np.flatnonzero(after[1] == 0)[0]
    assert [column[first] for column in after[3:]] == [column[kept] for column in rows[3:]]
