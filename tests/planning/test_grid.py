"""Tilings: they cover the region, and a field stands at the most probable place."""

from dataclasses import replace

import numpy as np
import pytest

from tests.planning.nights import make_flat_map, make_map, make_telescope
from tom.planning.grid import make_grid
from tom.planning.telescope import reach_deg, shape_of
from tom.planning.telescopes import TELESCOPES
from tom.sky import (
    covered_area,
    covered_probability,
    credible_ranges,
    footprint_ranges,
    merge_ranges,
    most_probable,
    separation_arcsec,
)

SHAPES = [
    ({"kind": "rectangle", "width_deg": 2.0, "height_deg": 3.0}, 0.0),
    ({"kind": "rectangle", "width_deg": 2.0, "height_deg": 3.0}, 90.0),
    ({"kind": "rectangle", "width_deg": 2.0, "height_deg": 2.0}, 30.0),
    ({"kind": "circle", "radius_deg": 1.5}, 0.0),
]


def covered(skymap, telescope, ra, dec):
    shape, angle = telescope.field, telescope.position_angle_deg
    found = [
        footprint_ranges(shape, ra=x, dec=y, position_angle_deg=angle)
        for x, y in zip(ra, dec, strict=True)
    ]
    return merge_ranges(np.concatenate(found))


@pytest.mark.parametrize(("shape", "angle"), SHAPES)
@pytest.mark.parametrize("place", [(12.5, -25.0), (359.9, 60.0), (40.0, -89.0)])
def test_the_fields_cover_the_region(shape, angle, place):
    skymap = make_map(place=place)
    telescope = make_telescope(shape=shape, position_angle_deg=angle)

    ra, dec = make_grid(skymap, telescope, level=0.9)

    union = covered(skymap, telescope, ra, dec)
    assert covered_probability(skymap, union) > 0.89
    area = covered_area(union)
    assert area < 6 * covered_area(credible_ranges(skymap, 0.9)) + 200


@pytest.mark.parametrize(("shape", "angle"), SHAPES)
def test_a_field_stands_at_the_most_probable_place(shape, angle):
    skymap = make_map()

    ra, dec = make_grid(skymap, make_telescope(shape=shape, position_angle_deg=angle))

    assert separation_arcsec(ra, dec, *most_probable(skymap)).min() < 0.1


# Each place and each radius meets both angles. `make soak` has each place with each radius, too.
PLACES, ANGLES, RADII = ((12.5, -25.0), (359.9, 60.0), (100.0, 85.0)), (0.0, 37.0), (0.05, 1.0, 3.0)
AIMED = [
    pytest.param(place, angle, radius, marks=[] if (i + j + k) % 3 == 0 else pytest.mark.soak)
    for i, place in enumerate(PLACES)
    for j, angle in enumerate(ANGLES)
    for k, radius in enumerate(RADII)
]


@pytest.mark.parametrize(("place", "angle", "radius"), AIMED)
def test_no_gap_of_a_camera_lies_on_the_most_probable_place(place, angle, radius):
    ztf = next(each for each in TELESCOPES if each.name == "ZTF")
    telescope = replace(ztf, position_angle_deg=angle)
    skymap = make_map(place=place, radius_deg=radius)
    row = np.argmax(skymap.probdensity)
    cell = np.array([[skymap.start29[row], skymap.stop29[row]]])
    alone = footprint_ranges(ztf.field, ra=place[0], dec=place[1], position_angle_deg=angle)
    assert not within(cell, alone)  # its middle is the gap between four CCDs

    ra, dec = make_grid(skymap, telescope)

    assert within(cell, covered(skymap, telescope, ra, dec))


def within(cell, ranges):
    start, stop = np.clip(ranges, *cell[0]).T
    return (stop - start).sum() == cell[0, 1] - cell[0, 0]


def test_a_flat_sky_is_tiled_whole():
    telescope = make_telescope(shape={"kind": "rectangle", "width_deg": 20.0, "height_deg": 20.0})

    ra, dec = make_grid(make_flat_map(2), telescope, level=1.0)

    assert covered_area(covered(None, telescope, ra, dec)) > 41_000  # of 41,253
    assert len(ra) < 250


def test_overlap_makes_more_fields():
    skymap, telescope = make_map(), make_telescope()

    loose, tight = (make_grid(skymap, telescope, overlap=share) for share in (0.0, 0.5))

    assert len(tight[0]) > 3 * len(loose[0])


@pytest.mark.parametrize(
    ("shape", "reach"),
    [
        ({"kind": "circle", "radius_deg": 1.5}, 1.5),
        ({"kind": "rectangle", "width_deg": 0.6, "height_deg": 0.8}, 0.5),
        ({"kind": "polygons", "polygons": [[[3, 0], [4, 0], [4, 1]]]}, 4.123),
    ],
)
def test_how_far_a_field_reaches(shape, reach):
    assert reach_deg(shape_of(shape)) == pytest.approx(reach, abs=1e-3)


@pytest.mark.parametrize(
    "wrong", [{}, {"kind": "star"}, {"kind": "circle"}, {"kind": "polygons", "polygons": []}]
)
def test_what_is_no_field_of_view_is_refused(wrong):
    with pytest.raises(ValueError, match="field"):
        shape_of(wrong)
