"""What a set of pointings covers of a map: each place once, as deep as it was seen deepest."""

import healpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.sky import (
    build_skymap,
    circle,
    covered_area,
    covered_probability,
    covered_volume,
    distance_pdf_at,
    distance_probability_fraction,
    footprint_ranges,
    pieces_of,
    probdensity_at,
    read_skymap,
    rectangle,
)
from tom.sky.healpix import merge_ranges

LEVEL = 9
WHOLE = np.array([[0, 12 << 58]])


def pixels_within(ranges):
    """The pixels of a fine grid whose centres lie in ranges."""
    shift = 2 * (29 - LEVEL)
    centres = (np.arange(12 << 2 * LEVEL) << shift) + (1 << (shift - 1))
    at = np.searchsorted(ranges[:, 0], centres, side="right") - 1
    return (at >= 0) & (centres < ranges[at, 1]), centres


@pytest.fixture(scope="module")
def gw170817(real_data):
    name = "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    return read_skymap((real_data / name).read_bytes())


@settings(max_examples=30)
@given(skymaps, st.floats(0, 359), st.floats(-90, 90), st.floats(1, 60), st.floats(0, 40))
def test_two_fields_cover_their_union(skymap, ra, dec, radius, apart):
    one = footprint_ranges(circle(radius), ra=ra, dec=dec)
    other = footprint_ranges(circle(radius), ra=(ra + apart) % 360, dec=dec)
    both = merge_ranges(np.concatenate([one, other]))
    inside, centres = pixels_within(both)
    density = np.nan_to_num(probdensity_at(skymap, centres))
    expected = density[inside].sum() * healpy.nside2pixarea(2**LEVEL)

    pieces = pieces_of(skymap, [one, other])

    assert pieces.probability.sum() == pytest.approx(expected, abs=0.01)
    assert pieces.probability.sum() == pytest.approx(covered_probability(skymap, both), abs=1e-12)
    assert covered_area(np.concatenate([one, other])) == pytest.approx(covered_area(both))


@given(skymaps)
def test_the_whole_sky_holds_everything(skymap):
    assert covered_probability(skymap, WHOLE) == pytest.approx(1)
    pieces = pieces_of(skymap, [WHOLE])
    assert np.array_equal(np.sort(pieces.row), np.arange(skymap.n))
    if distance_probability_fraction(skymap) > 0:
        seen = covered_volume(skymap, pieces, np.inf)
        assert seen == pytest.approx(1) or np.isnan(seen)


@given(skymaps)
def test_nothing_covers_nothing(skymap):
    assert covered_probability(skymap, np.empty((0, 2), dtype=np.int64)) == 0
    assert len(pieces_of(skymap, []).row) == 0


def test_a_part_of_a_row_holds_its_share():
    skymap = build_skymap(level=[0, 0], ipix=[3, 7], probdensity=[3.0, 1.0])
    quarter = np.array([[3 << 58, (3 << 58) + (1 << 56)]])

    assert covered_probability(skymap, quarter) == pytest.approx(0.75 / 4)
    assert covered_probability(skymap, quarter + (1 << 58)) == 0  # the map has no row there


def test_a_place_seen_twice_has_the_larger_depth_and_any_depth_before_none():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])
    first, second, third = (np.array([[at << 50, (at + 2) << 50]]) for at in (0, 1, 2))

    pieces = pieces_of(skymap, [first, second, third], [20.0, 21.0, np.nan])

    assert pieces.depth.tolist()[:3] == [20.0, 21.0, 21.0]
    assert np.isnan(pieces.depth[3])
    assert pieces.probability == pytest.approx(np.full(4, 4.0**-4))


@pytest.mark.parametrize("reach", [5.0, 30.0, 42.0, 60.0])
def test_what_lies_nearer_than_the_reach_is_the_integral_over_distance(gw170817, reach):
    field = footprint_ranges(rectangle(3, 2), ra=197.45, dec=-23.4)
    pieces = pieces_of(gw170817, [field])
    radii = np.linspace(1e-3, reach, 4001)
    mass = np.zeros(len(pieces.row))
    for at, row in enumerate(pieces.row):
        ids = np.full(len(radii), gw170817.start29[row])
        mass[at] = np.trapezoid(distance_pdf_at(gw170817, ids, radii), radii)
    expected = float(pieces.probability @ np.nan_to_num(mass))

    seen = covered_volume(gw170817, pieces, reach)

    whole = distance_probability_fraction(gw170817)
    assert seen == pytest.approx(expected / whole, rel=2e-3)


def test_each_piece_has_a_reach_of_its_own_and_none_sees_nothing(gw170817):
    fields = [footprint_ranges(circle(2), ra=197.0 + 5 * n, dec=-23.4) for n in range(2)]
    pieces = pieces_of(gw170817, fields, [10.0, 50.0])
    alone = pieces_of(gw170817, fields[1:])

    seen = covered_volume(gw170817, pieces, np.where(pieces.depth > 20, 50.0, np.nan))

    assert seen == pytest.approx(covered_volume(gw170817, alone, 50.0), abs=1e-12)
    assert covered_volume(gw170817, pieces, 0.0) == 0


def test_a_map_without_distance_has_no_volume():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])

    assert np.isnan(covered_volume(skymap, pieces_of(skymap, [WHOLE]), 100.0))


def test_as_many_depths_as_footprints_are_given():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])

    with pytest.raises(ValueError, match="one depth"):
        pieces_of(skymap, [WHOLE], [20.0, 21.0])
