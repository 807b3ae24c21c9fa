"""Hypothesis strategies for directions and sky maps."""

import numpy as np
from hypothesis import strategies as st

from tom.sky import SkyMap, build_skymap

longitudes = st.one_of(
    st.sampled_from([0.0, 359.999999, 180.0]), st.floats(0, 360, exclude_max=True)
)
latitudes = st.one_of(st.sampled_from([-90.0, 90.0, 0.0]), st.floats(-90, 90))


def _make(seed: int, n_splits: int, n_values: int, *, is_3d: bool) -> SkyMap:
    """Split base pixels at random; few distinct values make ties, and zeros among them."""
    generator = np.random.default_rng(seed)
    rows = [(0, ipix) for ipix in range(12)]
    for _ in range(n_splits):
        level, ipix = rows.pop(int(generator.integers(len(rows))))
        if level == 29:
            rows.append((level, ipix))
            continue
        rows += [(level + 1, 4 * ipix + child) for child in range(4)]
    generator.shuffle(rows)
    level, ipix = np.array(rows).T
    density = generator.integers(0, n_values, len(rows)).astype(float)
    density[0] += 1
    distance = _distances(generator, len(rows)) if is_3d else None
    return build_skymap(level=level, ipix=ipix, probdensity=density, distance=distance)


def _distances(generator: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    unknown = generator.random(n) < 0.2
    mu = np.where(unknown, np.inf, generator.normal(50, 60, n))
    sigma = np.where(unknown, 1.0, generator.uniform(5, 40, n))
    norm = np.where(unknown, 0.0, generator.uniform(1e-5, 1e-3, n))
    return mu, sigma, norm


skymaps = st.builds(
    _make,
    st.integers(0, 2**32 - 1),
    st.integers(0, 60),
    st.sampled_from([2, 5, 10**6]),
    is_3d=st.booleans(),
)
