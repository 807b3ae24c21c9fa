"""The parts into which fields cut the sky, against sums over the ranges themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planning.nights import make_flat_map
from tests.sky.strategies import latitudes, longitudes, skymaps
from tom.planning.faces import cut_faces, mass_within, row_weights
from tom.planning.greedy import gains_in_order, quick_bound
from tom.sky import (
    circle,
    covered_probability,
    covered_volume,
    footprint_ranges,
    merge_ranges,
    pieces_of,
)

fields = st.lists(st.tuples(longitudes, latitudes, st.floats(0.5, 40)), min_size=1, max_size=6)


def ranges_of(places):
    return [footprint_ranges(circle(r), ra=ra, dec=dec) for ra, dec, r in places]


@given(skymaps, fields)
@settings(max_examples=40)
def test_fields_see_together_what_their_union_holds(skymap, places):
    footprints = ranges_of(places)

    faces = cut_faces(skymap, footprints)

    union = covered_probability(skymap, merge_ranges(np.concatenate(footprints)))
    assert faces.probability(range(faces.n)) == pytest.approx(union, abs=1e-9)
    alone = [covered_probability(skymap, ranges) for ranges in footprints]
    np.testing.assert_allclose(faces.alone(), alone, atol=1e-9)


@given(skymaps, fields)
@settings(max_examples=40)
def test_what_others_covered_counts_nothing(skymap, places):
    covered, *others = ranges_of(places)

    faces = cut_faces(skymap, others, covered=covered)

    everything = merge_ranges(np.concatenate([covered, *others]))
    left = covered_probability(skymap, everything) - covered_probability(skymap, covered)
    assert faces.probability(range(faces.n)) == pytest.approx(left, abs=1e-9)


@given(skymaps, fields)
@settings(max_examples=40)
def test_gains_in_order_sum_to_the_union_and_no_bound_is_below_it(skymap, places):
    faces = cut_faces(skymap, ranges_of(places))
    order = list(range(faces.n))

    gains = gains_in_order(faces, order)

    assert gains.sum() == pytest.approx(faces.probability(order), abs=1e-9)
    assert np.all(gains <= faces.alone() + 1e-12)
    assert quick_bound(faces, order[:1], most=faces.n) >= faces.probability(order) - 1e-9


def test_a_part_that_two_fields_see_counts_once_and_is_one_part():
    skymap = make_flat_map()
    footprints = ranges_of([(10.0, 0.0, 2.0), (12.0, 0.0, 2.0), (50.0, 0.0, 2.0)])

    faces = cut_faces(skymap, footprints)

    assert len(faces.weight) == 4  # the first alone, both, the second alone, the third
    assert faces.probability([0, 1]) < faces.alone()[:2].sum()
    assert faces.probability([0, 2]) == pytest.approx(faces.alone()[[0, 2]].sum())


def test_without_a_field_there_is_no_part():
    faces = cut_faces(make_flat_map(), [])

    assert (faces.n, len(faces.weight), faces.probability([])) == (0, 0, 0.0)


def test_a_reach_counts_what_is_nearer_as_the_covered_volume_does():
    skymap = make_flat_map(distance_mpc=100.0)
    ranges = footprint_ranges(circle(30), ra=10, dec=0)
    weights = row_weights(skymap, 104.0)

    seen = mass_within(skymap, ranges, weights)

    assert 0.3 < weights.sum() < 0.8
    assert seen == pytest.approx(covered_volume(skymap, pieces_of(skymap, [ranges]), 104.0))
    assert row_weights(skymap).sum() == pytest.approx(1)


def test_a_map_without_distance_has_nothing_within_a_reach():
    assert np.isnan(row_weights(make_flat_map(), 100.0)).all()
