"""How coverage grows: its last step is the coverage of all, whatever the order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.sky import (
    build_skymap,
    circle,
    covered_probability,
    covered_volume,
    follow_coverage,
    footprint_ranges,
    pieces_of,
    probability_left,
    read_skymap,
)

places = st.tuples(st.floats(0, 359), st.floats(-90, 90), st.floats(1, 40))
WHOLE = np.array([[0, 12 << 58]])


def fields_of(chosen):
    return [
        footprint_ranges(circle(radius), ra=ra, dec=dec, fineness=1 / 16)
        for ra, dec, radius in chosen
    ]


@settings(max_examples=30)
@given(skymaps, st.lists(places, min_size=1, max_size=4), st.data())
def test_the_last_step_covers_what_all_cover_together(skymap, chosen, data):
    fields = fields_of(chosen)
    reach = np.array(data.draw(st.lists(st.floats(1, 500), min_size=len(fields), max_size=4)))
    reach = np.resize(reach, len(fields))

    growth = follow_coverage(skymap, fields, reach)

    union = covered_probability(skymap, np.concatenate(fields))
    pieces = pieces_of(skymap, fields, reach)
    seen = covered_volume(skymap, pieces, pieces.depth)
    assert growth.probability[-1] == pytest.approx(union, abs=1e-9)
    assert np.all(np.diff(growth.probability) >= -1e-12)
    assert growth.within_reach[-1] == pytest.approx(seen, abs=1e-9, nan_ok=True)
    alone = [covered_probability(skymap, field) for field in fields]
    assert growth.alone == pytest.approx(alone, abs=1e-9)
    assert growth.probability[0] == pytest.approx(alone[0], abs=1e-9)


@settings(max_examples=30)
@given(skymaps, st.lists(places, max_size=3), st.integers(0, 5))
def test_what_is_left_and_what_is_covered_make_the_whole(skymap, chosen, level):
    fields = fields_of(chosen)
    growth = follow_coverage(skymap, fields, np.full(len(fields), 100.0))

    whole, left = probability_left(skymap, growth, level=level)

    covered = growth.probability[-1] if len(fields) else 0
    assert whole.shape == left.shape == (12 * 4**level,)
    assert whole.sum() == pytest.approx(1)
    assert left.sum() == pytest.approx(whole.sum() - covered, abs=1e-9)
    assert np.all(left <= whole + 1e-12)


def test_a_cell_within_a_wide_row_has_its_share():
    skymap = build_skymap(level=[0, 0], ipix=[3, 7], probdensity=[3.0, 1.0])
    quarter = np.array([[3 << 58, (3 << 58) + (1 << 56)]])

    growth = follow_coverage(skymap, [quarter], np.array([np.nan]))
    whole, left = probability_left(skymap, growth, level=1)

    assert whole[12:16] == pytest.approx(np.full(4, 0.75 / 4))
    assert left[12] == 0
    assert left[13:16] == pytest.approx(np.full(3, 0.75 / 4))


def test_a_later_deeper_look_adds_in_3d_and_nothing_in_2d(real_data):
    name = "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    skymap = read_skymap((real_data / name).read_bytes())
    field = footprint_ranges(circle(5), ra=197.45, dec=-23.4)

    growth = follow_coverage(skymap, [field] * 4, np.array([np.nan, 20.0, 10.0, 60.0]))

    assert growth.probability == pytest.approx(np.full(4, growth.alone[0]))
    assert growth.within_reach[0] == 0
    assert growth.within_reach[1] == growth.within_reach[2]
    assert growth.within_reach[3] > growth.within_reach[2] > 0


def test_nothing_covers_nothing():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])

    growth = follow_coverage(skymap, [], np.empty(0))

    assert growth.probability.shape == (0,)
    assert growth.area_deg2 == 0


def test_a_map_without_distance_has_no_3d():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])

    growth = follow_coverage(skymap, [WHOLE], np.array([10.0]))

    assert growth.probability == pytest.approx([1])
    assert np.isnan(growth.within_reach).all()
