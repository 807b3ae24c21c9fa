"""Fields of view on the sky: their area, their turn, and what lies in them, at every place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import latitudes, longitudes
from tests.sky.test_healpix import offset
from tom.sky import covered_area, healpix29, separation_arcsec
from tom.sky.footprints import (
    FINENESS,
    Shape,
    circle,
    even_fineness,
    footprint_ranges,
    rectangle,
    shape_outline,
)
from tom.sky.healpix import unit_vectors

angles = st.floats(-180, 360)


def holds(ranges, ra, dec):
    ids = np.atleast_1d(healpix29(ra, dec))
    at = np.searchsorted(ranges[:, 0], ids, side="right") - 1
    return (at >= 0) & (ids < ranges[at, 1])


def toward(ra, dec, *, angle_deg, bearing_deg):
    """The direction at an angle from another, at a bearing from north to east."""
    longitude, bearing = np.radians([ra, bearing_deg])
    east = np.array([-np.sin(longitude), np.cos(longitude), 0])
    north = np.cross(unit_vectors(ra, dec), east)
    side = np.cos(bearing) * north + np.sin(bearing) * east
    there = np.cos(np.radians(angle_deg)) * unit_vectors(ra, dec)
    there = there + np.sin(np.radians(angle_deg)) * side
    return np.degrees(np.arctan2(there[1], there[0])) % 360, np.degrees(
        np.arctan2(there[2], np.hypot(*there[:2]))
    )


@settings(max_examples=60)
@given(longitudes, latitudes, st.floats(-4, 2.2))
def test_a_circle_has_its_area_at_every_place(ra, dec, log_radius):
    radius = min(10**log_radius, 179.0)

    ranges = footprint_ranges(circle(radius), ra=ra, dec=dec)

    area = 4 * np.pi * np.sin(np.radians(radius / 2)) ** 2 * np.degrees(1) ** 2
    assert covered_area(ranges) == pytest.approx(area, rel=0.01)


@settings(max_examples=60)
@given(longitudes, latitudes, angles, st.floats(-3, 1.6), st.floats(0.2, 1))
def test_a_rectangle_has_its_area_at_every_place_and_turn(ra, dec, turn, log_width, shape):
    width, height = 10**log_width, shape * 10**log_width

    field = rectangle(width, height)
    ranges = footprint_ranges(field, ra=ra, dec=dec, position_angle_deg=turn)

    x, y = np.tan(np.radians([width / 2, height / 2]))
    area = 4 * np.arctan(x * y / np.sqrt(1 + x * x + y * y)) * np.degrees(1) ** 2
    assert covered_area(ranges) == pytest.approx(area, rel=0.02)


@settings(max_examples=60)
@given(
    longitudes,
    latitudes,
    st.floats(0.001, 175),
    st.floats(0, 2),
    st.floats(0, 2 * np.pi),
)
def test_a_circle_holds_what_is_near_its_middle_and_nothing_else(ra, dec, radius, share, bearing):
    there = offset(ra, dec, min(share * radius, 180), bearing)
    apart = separation_arcsec(ra, dec, *there) / 3600

    inside = holds(footprint_ranges(circle(radius), ra=ra, dec=dec), *there)[0]

    if abs(apart / radius - 1) > 0.01:
        assert inside == (apart < radius)


@settings(max_examples=60)
@given(longitudes, latitudes, angles, st.floats(0, 1), st.floats(0, 360))
def test_a_triangle_holds_what_is_left_of_each_of_its_sides(ra, dec, turn, share, bearing):
    field = Shape(polygons=(((2.0, -1.0), (1.0, 2.5), (-3.0, -0.5)),))
    (ring,) = shape_outline(field, ra=ra, dec=dec, position_angle_deg=turn)
    corners = unit_vectors(*ring)
    there = toward(ra, dec, angle_deg=3.5 * share, bearing_deg=bearing)
    sides = np.cross(corners[:-1], corners[1:])
    sines = sides @ unit_vectors(*there) / np.linalg.norm(sides, axis=1)

    ranges = footprint_ranges(field, ra=ra, dec=dec, position_angle_deg=turn)

    if np.abs(sines).min() > np.radians(0.02):
        assert holds(ranges, *there)[0] == bool(np.all(sines > 0))


@given(longitudes, st.floats(-89, 89), angles)
def test_a_field_turns_from_north_to_east(ra, dec, turn):
    tall = rectangle(0.2, 4.0)
    end = toward(ra, dec, angle_deg=1.8, bearing_deg=turn)
    beside = toward(ra, dec, angle_deg=1.8, bearing_deg=turn + 20)

    ranges = footprint_ranges(tall, ra=ra, dec=dec, position_angle_deg=turn)

    assert holds(ranges, *end)[0]
    assert not holds(ranges, *beside)[0]


def test_a_shapes_first_coordinate_grows_to_the_east():
    field = Shape(polygons=(((0.1, 0.0), (1.0, -0.5), (1.0, 0.5)),))

    ranges = footprint_ranges(field, ra=100.0, dec=60.0)

    assert holds(ranges, *toward(100.0, 60.0, angle_deg=0.8, bearing_deg=90))[0]
    assert not holds(ranges, *toward(100.0, 60.0, angle_deg=0.8, bearing_deg=270))[0]


def test_a_field_of_several_polygons_is_their_union():
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    beside = ((0.5, 0.0), (1.5, 0.0), (1.5, 1.0), (0.5, 1.0))

    ranges = footprint_ranges(Shape(polygons=(square, beside)), ra=40.0, dec=-70.0)

    assert covered_area(ranges) == pytest.approx(1.5, rel=0.01)


def test_a_concave_field_leaves_its_notch_out():
    notched = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (0.0, -0.8), (-1.0, 1.0))

    ranges = footprint_ranges(Shape(polygons=(notched,)), ra=0.0, dec=0.0)

    assert not holds(ranges, 0.0, 0.5)[0]
    assert holds(ranges, 0.9, 0.5)[0]
    assert covered_area(ranges) == pytest.approx(2.2, rel=0.01)


def test_a_camera_of_ccds_is_followed_no_finer_than_a_whole_field():
    ccds = tuple(
        ((x, y), (x + 1.7, y), (x + 1.7, y + 1.7), (x, y + 1.7))
        for x in (-3.6, -1.8, 0.1, 1.9)
        for y in (-3.6, -1.8, 0.1, 1.9)
    )
    camera = Shape(polygons=ccds)

    fine = footprint_ranges(camera, ra=200.0, dec=35.0)
    even = footprint_ranges(camera, ra=200.0, dec=35.0, fineness=even_fineness(camera))

    assert even_fineness(rectangle(7, 7)) == pytest.approx(FINENESS)
    assert even_fineness(camera) == pytest.approx(4 * FINENESS, rel=0.2)
    assert len(even) < len(fine) / 3
    assert covered_area(even) == pytest.approx(covered_area(fine), rel=1e-3)
    assert not holds(even, 200.0, 35.0)[0]


@pytest.mark.parametrize("radius", [0.5, 30.0])
def test_the_outline_of_a_circle_runs_around_it(radius):
    ((ra, dec),) = shape_outline(circle(radius), ra=359.9, dec=88.0)

    assert separation_arcsec(359.9, 88.0, ra, dec) / 3600 == pytest.approx(radius)
    assert (ra[0], dec[0]) == pytest.approx((ra[-1], dec[-1]))


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: Shape(), "either a circle or polygons"),
        (lambda: Shape(polygons=(((0, 0), (1, 0), (1, 1)),), radius_deg=1), "either a circle"),
        (lambda: circle(181), "between 0 and 180"),
        (lambda: circle(float("nan")), "between 0 and 180"),
        (lambda: Shape(polygons=(((0, 0), (1, 0)),)), "three corners"),
        (lambda: Shape(polygons=(((0, 0), (0, 0), (1, 1)),)), "the same"),
        (lambda: Shape(polygons=(((0, 0), (140, 0), (70, 50)),)), "at most 60 degrees"),
        (lambda: Shape(polygons=(((0, 0), (1, 91), (50, 50)),)), "dec between"),
        (lambda: footprint_ranges(circle(1), ra=0, dec=91), "dec between"),
        (
            lambda: footprint_ranges(circle(1), ra=0, dec=9, position_angle_deg=float("nan")),
            "position angle",
        ),
    ],
)
def test_what_is_no_field_is_refused(made, reason):
    with pytest.raises(ValueError, match=reason):
        made()
