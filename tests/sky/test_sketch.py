"""What pages draw of a map: as the map has it, in few points and few cells."""

import numpy as np
import pytest
from hypothesis import given

from tests.sky.strategies import skymaps
from tom.sky import (
    MalformedSkyMapError,
    cone_localization,
    covered_probability,
    credible_area,
    read_skymap,
)
from tom.sky.healpix import ORDER, unit_vectors
from tom.sky.sketch import (
    LEVELS,
    MOST_CELLS,
    coarse_cells,
    nested_outlines,
    pack_cells,
    unpack_cells,
)

MAPS = (
    "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
    "S190425z_G330561_bayestar_nside256_nested.fits.gz",
    "S190814bv_LALInference.v1_nside1024_nested.fits.gz",
    "GRB170817A_GBM.multiorder.fits",
)


def area_of(rings) -> float:
    """What rings enclose, holes taken off, in deg2."""
    total = 0.0
    for ring in rings:
        points = unit_vectors(*np.array(ring).T)
        middle = points.mean(axis=0) / np.linalg.norm(points.mean(axis=0))
        for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
            # The signed area of a triangle on the sphere (Van Oosterom and Strackee 1983).
            turn = middle @ np.cross(a, b)
            total += 2 * np.arctan2(turn, 1 + a @ b + b @ middle + middle @ a)
    return float(abs(total) * np.degrees(1) ** 2)


@given(skymaps)
def test_cells_hold_what_the_map_has_there(skymap) -> None:
    cells = coarse_cells(skymap)

    shift = 2 * (ORDER - cells.level)
    for ipix, share in list(zip(cells.ipix, cells.probability, strict=True))[:5]:
        ranges = np.array([[ipix << shift, (ipix + 1) << shift]])
        assert share == pytest.approx(covered_probability(skymap, ranges), rel=2e-3)
    assert cells.probability.sum() == pytest.approx(1)
    assert len(cells.ipix) <= MOST_CELLS


def test_cells_survive_their_bytes_and_other_bytes_are_refused() -> None:
    cells = coarse_cells(cone_localization(ra=10.0, dec=-20.0, radius_deg=12.0))

    read = unpack_cells(pack_cells(cells))

    assert read.level == cells.level
    np.testing.assert_array_equal(read.ipix, cells.ipix)
    np.testing.assert_allclose(read.probability, cells.probability, rtol=1e-6)
    for bad in (b"", b"x" * 40, pack_cells(cells)[:-1]):
        with pytest.raises(MalformedSkyMapError):
            unpack_cells(bad)


@pytest.mark.parametrize("name", MAPS)
def test_nested_outlines_of_real_maps_enclose_their_areas_in_few_points(real_data, name) -> None:
    skymap = read_skymap((real_data / "gw/maps" / name).read_bytes())

    outlines = nested_outlines(skymap)

    assert list(outlines) == [f"{level:g}" for level in LEVELS]
    for level in (0.5, 0.9):
        area = area_of(outlines[f"{level:g}"])
        assert area == pytest.approx(credible_area(skymap, level), rel=0.08), level
    assert sum(len(ring) for rings in outlines.values() for ring in rings) < 4000
    assert len(coarse_cells(skymap).ipix) <= MOST_CELLS


def test_a_ring_has_three_points_or_more() -> None:
    outlines = nested_outlines(cone_localization(ra=0.0, dec=89.9, radius_deg=0.01))

    assert all(len(ring) >= 3 for rings in outlines.values() for ring in rings)
