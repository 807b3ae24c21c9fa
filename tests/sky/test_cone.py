"""Error circles as sky maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import latitudes, longitudes
from tom.sky import cone_localization, cone_sigma_deg, credible_area, healpix29, levels_2d
from tom.sky.healpix import pixel_centre, radec_of_vectors, unit_vectors

GBM_CORE_AND_TAIL = ((0.9, 1.9), (0.1, 4.1))


def probability_where(skymap, inside):
    """Add up the 4 parts of each row whose centres' vectors are inside: right to 0.004."""
    total = 0.0
    for some in np.array_split(np.arange(skymap.n), 1 + skymap.n // 20_000):
        parts = (4 * skymap.ipix[some, np.newaxis] + np.arange(4)).ravel()
        vectors = unit_vectors(
            *pixel_centre(level=np.repeat(skymap.level[some] + 1, 4), ipix=parts)
        )
        total += np.repeat(skymap.probability[some] / 4, 4)[inside(vectors)].sum()
    return total


def probability_within(skymap, ra, dec, radius_deg):
    """Add up what lies within a circle."""
    centre = unit_vectors(ra, dec)
    within = 2 * np.sin(np.radians(radius_deg) / 2)
    return probability_where(skymap, lambda each: np.linalg.norm(each - centre, axis=-1) <= within)


def offset_from(ra, dec, *, along, across, angle_deg):
    """Go so many degrees of arc along a position angle and across it, to a place (ra, dec)."""
    turn, far = np.radians(angle_deg) + np.arctan2(across, along), np.hypot(along, across)
    east = unit_vectors(ra + 90, 0.0)
    north = np.cross(unit_vectors(ra, dec), east)
    toward = np.cos(turn) * north + np.sin(turn) * east
    far = np.radians(far)
    place = radec_of_vectors(np.cos(far) * unit_vectors(ra, dec) + np.sin(far) * toward)
    return float(place[0]), float(place[1])


@pytest.mark.parametrize(("containment", "divisor"), [(0.9, 2.146), (0.68, 1.510), (0.6827, 1.515)])
def test_the_sigma_of_a_circle(containment, divisor):
    sigma = cone_sigma_deg(radius_deg=1.0, containment=containment)

    assert 1 / sigma == pytest.approx(divisor, abs=1e-3)


@settings(max_examples=30)
@given(longitudes, latitudes, st.floats(-3.5, 1.477), st.sampled_from([0.5, 0.68, 0.9, 0.99]))
def test_a_circle_holds_its_containment(ra, dec, log_radius, containment):
    radius = 10**log_radius

    skymap = cone_localization(ra=ra, dec=dec, radius_deg=radius, containment=containment)

    assert probability_within(skymap, ra, dec, radius) == pytest.approx(containment, abs=0.02)
    cap = 2 * np.pi * (1 - np.cos(np.radians(radius)))
    assert credible_area(skymap, containment) == pytest.approx(
        np.degrees(np.degrees(cap)), rel=0.03
    )


@given(longitudes, latitudes)
def test_a_cone_covers_the_whole_sky_and_stays_small(ra, dec):
    skymap = cone_localization(ra=ra, dec=dec, radius_deg=0.5)

    assert skymap.area_sr.sum() == pytest.approx(4 * np.pi)
    assert skymap.n < 6000
    assert skymap.raw_sum == pytest.approx(1)


def test_the_centre_is_the_most_credible():
    skymap = cone_localization(ra=359.9, dec=-60.0, radius_deg=1.0)

    levels = levels_2d(skymap, healpix29([359.9, 0.5, 180.0], [-60.0, -60.2, 0.0]))

    assert levels[0] < 0.05
    assert np.all(np.diff(levels) > 0)


def test_a_systematic_error_widens_the_cone():
    narrow = cone_localization(ra=10.0, dec=20.0, radius_deg=3.0, containment=0.68)
    wide = cone_localization(
        ra=10.0, dec=20.0, radius_deg=3.0, containment=0.68, systematic=GBM_CORE_AND_TAIL
    )

    assert probability_within(wide, 10.0, 20.0, 3.0) < 0.55
    assert credible_area(wide, 0.9) > 1.8 * credible_area(narrow, 0.9)


@pytest.mark.parametrize(
    ("radius", "containment"), [(0, 0.9), (-1, 0.9), (1, 0), (1, 1), (np.nan, 0.9)]
)
def test_what_is_no_circle_is_refused(radius, containment):
    with pytest.raises(ValueError, match="cone"):
        cone_localization(ra=0.0, dec=0.0, radius_deg=radius, containment=containment)


@settings(max_examples=20, deadline=None)
@given(
    longitudes,
    latitudes,
    st.floats(-3.5, 1.477),
    st.sampled_from([1.0, 0.7, 0.3, 0.1]),
    st.floats(0, 360),
    st.sampled_from([0.5, 0.68, 0.9]),
)
def test_an_ellipse_holds_its_containment_at_its_position_angle(
    ra, dec, log_major, shape, angle, containment
):
    major = 10**log_major
    minor = shape * major

    skymap = cone_localization(
        ra=ra,
        dec=dec,
        radius_deg=major,
        minor_deg=minor,
        angle_deg=angle,
        containment=containment,
    )

    # The chord is the radius in the projection; the bearing by trigonometry of its own.
    def inside(vectors):
        x, y, z = vectors.T
        lon, lat = np.arctan2(y, x) - np.radians(ra), np.arcsin(np.clip(z, -1, 1))
        here = np.radians(dec)
        north = np.cos(here) * np.sin(lat) - np.sin(here) * np.cos(lat) * np.cos(lon)
        east = np.cos(lat) * np.sin(lon)
        bearing = np.arctan2(east, north) - np.radians(angle)
        chord = np.linalg.norm(vectors - unit_vectors(ra, dec), axis=-1)
        a, b = (2 * np.sin(np.radians(axis) / 2) for axis in (major, minor))
        return (chord * np.cos(bearing) / a) ** 2 + (chord * np.sin(bearing) / b) ** 2 <= 1

    assert probability_where(skymap, inside) == pytest.approx(containment, abs=0.02)


def test_the_position_angle_goes_from_north_through_east_and_east_is_where_ra_grows():
    skymap = cone_localization(ra=359.9, dec=40.0, radius_deg=3.0, minor_deg=0.3, angle_deg=60.0)

    ends = [offset_from(359.9, 40.0, along=2.5, across=0, angle_deg=angle) for angle in (60, 240)]
    sides = [offset_from(359.9, 40.0, along=2.5, across=0, angle_deg=angle) for angle in (-60, 150)]
    assert 0 < ends[0][0] < 90  # east, over RA 0
    assert ends[0][1] > 40  # and north
    assert np.all(levels_2d(skymap, healpix29(*np.transpose(ends))) < 0.9)
    assert np.all(levels_2d(skymap, healpix29(*np.transpose(sides))) > 0.999)


def test_an_ellipse_gets_the_systematic_error_on_each_axis():
    skymap = cone_localization(
        ra=10, dec=20, radius_deg=0.22, minor_deg=0.19, containment=0.9, systematic=((1, 0.0466),)
    )

    axes = np.hypot(0.22, 0.1), np.hypot(0.19, 0.1)
    assert credible_area(skymap, 0.9) == pytest.approx(np.pi * axes[0] * axes[1], rel=0.02)


@pytest.mark.parametrize(
    ("minor", "angle"), [(2, 0), (0, 0), (0.009, 0), (np.nan, 0), (0.5, np.nan), (0.5, np.inf)]
)
def test_what_is_no_ellipse_is_refused(minor, angle):
    with pytest.raises(ValueError, match="cone"):
        cone_localization(ra=0.0, dec=0.0, radius_deg=1.0, minor_deg=minor, angle_deg=angle)
