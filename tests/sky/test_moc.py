"""Regions as MOC: the same places as their ranges, in few cells."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.sky import cone_localization, credible_area, read_skymap
from tom.sky.healpix import ORDER, merge_ranges
from tom.sky.moc import MOST_CELLS, Moc, moc_of, region_mocs
from tom.sky.regions import credible_ranges

FULL_SKY_DEG2 = 4 * np.pi * np.degrees(1) ** 2


def ranges_of(moc: Moc) -> np.ndarray:
    """The order-29 ranges of all cells."""
    return np.concatenate(
        [
            np.column_stack([ipix, np.add(ipix, 1)]) << 2 * (ORDER - int(order))
            for order, ipix in ((int(o), np.array(p, dtype=np.int64)) for o, p in moc.items())
        ]
    )


def area_of(moc: Moc) -> float:
    return FULL_SKY_DEG2 * sum(len(p) / (12 * 4 ** int(o)) for o, p in moc.items())


@given(st.sets(st.integers(0, 12 * 4**3 - 1), min_size=1))
def test_cells_are_exactly_the_region_and_the_largest_that_fit(pixels) -> None:
    ids = np.array(sorted(pixels), dtype=np.int64)
    ranges = merge_ranges(np.column_stack([ids, ids + 1]) << 2 * (ORDER - 3))

    moc = moc_of(ranges, order=3)

    np.testing.assert_array_equal(merge_ranges(ranges_of(moc)), ranges)
    assert len(ranges_of(moc)) == len(np.unique(ranges_of(moc)[:, 0]))
    for order, ipix in moc.items():  # no four sisters: their parent would be the larger cell
        parents = np.bincount(np.array(ipix) >> 2)
        assert order == "0" or parents.max() < 4


@given(skymaps)
def test_a_map_s_region_is_that_of_its_ranges(skymap) -> None:
    moc = region_mocs(skymap, (0.9,))["0.9"]

    found, expected = merge_ranges(ranges_of(moc)), credible_ranges(skymap, 0.9)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "name",
    [
        "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
        "S190425z_G330561_bayestar_nside256_nested.fits.gz",
    ],
)
def test_a_real_map_s_regions_have_few_cells_and_the_right_area(real_data, name) -> None:
    skymap = read_skymap((real_data / "gw/maps" / name).read_bytes())

    for level, moc in region_mocs(skymap, (0.1, 0.5, 0.9)).items():
        assert sum(map(len, moc.values())) <= MOST_CELLS
        assert area_of(moc) == pytest.approx(credible_area(skymap, float(level)), rel=0.02)


def test_a_region_smaller_than_every_row_is_its_densest_row() -> None:
    skymap = cone_localization(ra=10.0, dec=-20.0, radius_deg=12.0)

    assert region_mocs(skymap, (1e-9,))["1e-09"]
