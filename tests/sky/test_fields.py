"""The probability that a camera's field contains, against what gwemopt finds in the same map."""

import healpy
import numpy as np
import pytest

from tom.sky import probdensity_at, read_skymap
from tom.sky.healpix import radec_of_vectors

NSIDE = 1024  # of the map, and of gwemopt's footprints
FIELDS = {246: (8.55346, -24.25), 247: (15.94654, -24.25)}

# Where the centres of the 64 quadrants of ZTF's camera lie, in degrees east and north in the
# plane that touches the sky in the field's centre. A line for each of the 16 CCDs.
# https://github.com/skyportal/gwemopt/blob/05dd16c20c52/gwemopt/chipgaps/ztf.py, measured by
# https://github.com/dlakaplan/ztf_tiling
QUADRANTS = """
    3.2211 -2.4437 2.3535 -2.4388 2.3503 -3.3081 3.2185 -3.3135
    1.3604 -2.4401 0.4946 -2.4377 0.4926 -3.3064 1.3590 -3.3090
    -0.4934 -2.4348 -1.3592 -2.4316 -1.3634 -3.3004 -0.4971 -3.3035
    -2.3551 -2.4300 -3.2226 -2.4289 -3.2260 -3.2986 -2.3579 -3.2992
    3.2270 -0.5260 2.3600 -0.5236 2.3580 -1.3910 3.2252 -1.3940
    1.3637 -0.5244 0.4986 -0.5225 0.4966 -1.3893 1.3620 -1.3914
    -0.4885 -0.5165 -1.3537 -0.5152 -1.3552 -1.3822 -0.4899 -1.3833
    -2.3511 -0.5124 -3.2180 -0.5120 -3.2189 -1.3798 -2.3519 -1.3797
    3.2316 1.3890 2.3645 1.3900 2.3624 0.5227 3.2293 0.5210
    1.3684 1.3943 0.5030 1.3959 0.5012 0.5290 1.3663 0.5273
    -0.4822 1.3993 -1.3476 1.4011 -1.3489 0.5341 -0.4837 0.5325
    -2.3424 1.4041 -3.2096 1.4052 -3.2095 0.5373 -2.3426 0.5367
    3.2399 3.3095 2.3717 3.3104 2.3686 2.4411 3.2362 2.4397
    1.3777 3.3093 0.5113 3.3130 0.5070 2.4442 1.3728 2.4404
    -0.4786 3.3154 -1.3450 3.3157 -1.3441 2.4468 -0.4783 2.4467
    -2.3397 3.3205 -3.2078 3.3235 -3.2079 2.4536 -2.3404 2.4512
"""
# From the centre of the first pixel to that of the last of 3072 x 3080, as gwemopt has them:
# of 1 arcsec (the real ones have 1.01).
HALF_WIDTH, HALF_HEIGHT = np.radians([3071 / 7200, 3079 / 7200])


def axes(ra, dec):
    """Give the direction of a place in radians, and of its east and north, as rows."""
    out = [np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)]
    east = [-np.sin(ra), np.cos(ra), 0 * ra]
    north = [-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)]
    return np.moveaxis(np.array([out, east, north]), (0, 1), (-2, -1))


def quadrant_corners(ra, dec):
    """Give unit vectors to the corners of each quadrant of a field, shape `(64, 4, 3)`."""
    offsets = np.radians(np.array(QUADRANTS.split(), dtype=float).reshape(64, 2))
    centres = np.radians(radec_of_vectors(np.insert(offsets, 0, 1, axis=1)))
    x, y = HALF_WIDTH, HALF_HEIGHT
    corners = np.array([[1, -x, -y], [1, x, -y], [1, x, y], [1, -x, y]])
    vectors = corners @ axes(*centres) @ axes(*np.radians([ra, dec]))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def touched_pixels(corners):
    """List the pixels with a corner inside of a quadrant, and those a quadrant's corner is in.

    In these fields they are, but for one pixel, those of mocpy, which gwemopt takes.
    """
    near = healpy.query_polygon(NSIDE, corners, inclusive=True, nest=True)
    pixel_corners = healpy.boundaries(NSIDE, near, step=1, nest=True)
    sides = np.cross(corners, np.roll(corners, -1, axis=0))
    inside = (sides @ pixel_corners > 0).all(axis=1).any(axis=1)
    return np.union1d(near[inside], healpy.vec2pix(NSIDE, *corners.T, nest=True))


def footprint(field):
    return np.unique(np.concatenate([touched_pixels(q) for q in quadrant_corners(*FIELDS[field])]))


def contained(skymap, pixels):
    density = probdensity_at(skymap, pixels << 2 * (29 - 10))
    return density.sum() * healpy.nside2pixarea(NSIDE)


def test_two_ztf_fields_contain_what_gwemopt_finds_in_s190814bv(real_data):
    plans = real_data / "gw/plans/gwemopt_S190814bv"
    of_field = {int(row[0]): row[1] for row in np.loadtxt(plans / "coverage_ZTF.dat")}
    of_both = np.loadtxt(plans / "tiles_coverage_int_ZTF.txt")[-1, 1]
    name = "gw/maps/S190814bv_LALInference.v1_nside1024_nested.fits.gz"
    skymap = read_skymap((real_data / name).read_bytes())

    one, other = footprint(247), footprint(246)

    assert (of_field[247], of_field[246]) == pytest.approx((0.657, 0.400), abs=5e-4)
    assert contained(skymap, one) == pytest.approx(of_field[247], abs=1e-6)
    assert contained(skymap, other) == pytest.approx(of_field[246], abs=1e-6)
    assert contained(skymap, np.union1d(one, other)) == pytest.approx(of_both, abs=1e-6)
