"""Host association: light radii, chance coincidence and shares, against what they must obey."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tom.sky.hosts import (
    ARCSEC2_IN_SR,
    chance_coincidence,
    directional_light_radius,
    half_light_arcsec,
    host_shares,
    offset_density,
    offsets,
    unseen_density,
)

radii = st.floats(1, 300)
ratios = st.floats(0.1, 1)
angles = st.floats(-180, 360)
magnitudes = st.floats(8, 24)
separations = st.floats(0, 600)
# AT2017gfo and NGC 4993 as GLADE+ lists it: D25, b/a, position angle, B.
GFO, NGC_4993 = (197.450354, -23.381484), (197.448776, -23.383831)
DIAMETER, RATIO, AXIS, B_MAGNITUDE = 92.929, 0.871, 173.2, 12.87


def pcc(separation, radius, magnitude) -> float:
    return float(
        chance_coincidence(
            separation_arcsec=separation, half_light_arcsec=radius, r_magnitude=magnitude
        )
    )


def dlr(radius, ratio, axis, towards) -> float:
    return float(
        directional_light_radius(
            half_light_arcsec=radius,
            axis_ratio=ratio,
            axis_angle_deg=axis,
            position_angle_deg=towards,
        )
    )


def test_at2017gfo_lies_north_east_of_ngc_4993_as_published() -> None:
    """Levan et al. 2017: 10.3 arcsec, 8.9 north and 5.2 east."""
    separation, angle = offsets(
        ra=GFO[0], dec=GFO[1], galaxy_ra=NGC_4993[0], galaxy_dec=NGC_4993[1]
    )

    north, east = separation * np.cos(np.radians(angle)), separation * np.sin(np.radians(angle))
    assert separation == pytest.approx(10.0, abs=0.5)
    assert north == pytest.approx(8.45, abs=0.1)
    assert east == pytest.approx(5.21, abs=0.1)


@settings(max_examples=30)
@given(st.floats(0, 360), st.floats(-89, 89), st.floats(1, 600), st.floats(-179, 179))
def test_offsets_are_those_of_astropy(ra, dec, separation, angle) -> None:
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    galaxy = SkyCoord(ra, dec, unit="deg")
    there = galaxy.directional_offset_by(angle * u.deg, separation * u.arcsec)
    found = offsets(ra=there.ra.deg, dec=there.dec.deg, galaxy_ra=ra, galaxy_dec=dec)

    assert found[0] == pytest.approx(separation, rel=1e-6, abs=1e-6)
    assert np.cos(np.radians(found[1] - angle)) == pytest.approx(1, abs=1e-5)


@given(radii, ratios, angles)
def test_the_radius_is_the_major_axis_along_it_and_the_minor_one_across(radius, q, axis) -> None:
    assert dlr(radius, q, axis, axis) == pytest.approx(radius)
    assert dlr(radius, q, axis, axis + 180) == pytest.approx(radius)
    assert dlr(radius, q, axis, axis + 90) == pytest.approx(radius * q)
    assert radius * q * 0.999999 <= dlr(radius, q, axis, axis + 33) <= radius * 1.000001


@given(radii, ratios, angles, angles)
def test_the_radius_ends_on_the_ellipse(radius, q, axis, towards) -> None:
    r, theta = dlr(radius, q, axis, towards), np.radians(towards - axis)
    x, y = r * np.cos(theta), r * np.sin(theta)

    assert (x / radius) ** 2 + (y / (radius * q)) ** 2 == pytest.approx(1)


def test_without_an_axis_the_radius_is_that_of_a_circle_of_the_same_area() -> None:
    assert dlr(10.0, 0.25, np.nan, 30.0) == pytest.approx(5.0)
    assert dlr(10.0, np.nan, 20.0, 30.0) == pytest.approx(10.0)


def test_the_chance_is_bloom_s_by_hand() -> None:
    """R 20 at 10 arcsec, half-light 1 arcsec: 10^(0.334 (20 - 22.963) + 4.32) / 9.967e6 is 2.15e-4.

    Times pi (100 + 4) it is 0.0702; 1 - exp(-0.0702) is 0.0678.
    """
    assert pcc(10, 1, 20) == pytest.approx(0.0678, abs=2e-4)


@given(separations, separations, radii, magnitudes)
def test_the_chance_grows_with_separation(one, other, radius, magnitude) -> None:
    near, far = sorted([one, other])
    assert pcc(near, radius, magnitude) <= pcc(far, radius, magnitude)


@given(separations, radii, magnitudes, magnitudes)
def test_the_chance_grows_with_faintness(separation, radius, one, other) -> None:
    bright, faint = sorted([one, other])
    assert pcc(separation, radius, bright) <= pcc(separation, radius, faint)


@given(separations, radii, magnitudes)
def test_the_chance_is_a_probability_whatever_the_order_of_the_words(sep, radius, mag) -> None:
    """Keyword arguments alone: swapped ones do not pass (saguaro #181)."""
    assert 0 <= pcc(sep, radius, mag) <= 1
    with pytest.raises(TypeError):
        chance_coincidence(sep, radius, mag)  # type: ignore[misc]


@given(st.floats(0, 200), st.floats(1, 20), st.floats(10, 23))
def test_doubling_the_separation_is_not_doubling_the_magnitude(sep, radius, mag) -> None:
    """The chance knows its arguments apart: a far bright galaxy is not a near faint one."""
    area = -np.log1p(-pcc(sep, radius, mag))
    assume(0 < area < 3)
    assert -np.log1p(-pcc(sep, radius, mag + 1)) == pytest.approx(area * 10**0.334, rel=1e-4)
    wider = np.hypot(2 * sep, 4 * radius)
    assert -np.log1p(-pcc(wider, 0, mag)) == pytest.approx(4 * area, rel=1e-4)


@given(st.floats(20, 200), st.floats(8, 13))
def test_at_the_centre_of_a_large_bright_galaxy_the_chance_is_small(diameter, magnitude) -> None:
    radius = half_light_arcsec(diameter_arcsec=diameter, distance_mpc=20.0)

    assert pcc(0, radius, magnitude) < 0.05


@settings(max_examples=12)
@given(radii, ratios, angles)
def test_a_galaxy_s_transients_lie_somewhere(radius, q, axis) -> None:
    """Summed over a fine grid around it, the density is 1."""
    span = 80 * radius
    x = np.linspace(-1, 1, 801) ** 3 * span
    step = np.gradient(x)
    east, north = np.meshgrid(x, x)
    towards, separation = np.degrees(np.arctan2(east, north)), np.hypot(east, north)
    ratio = separation / directional_light_radius(
        half_light_arcsec=radius, axis_ratio=q, axis_angle_deg=axis, position_angle_deg=towards
    )
    density = offset_density(ratio=ratio, half_light_arcsec=radius, axis_ratio=q)
    total = float(np.sum(density * step[:, None] * step[None, :])) / ARCSEC2_IN_SR

    b = max(radius * q, 0.5)
    assert total * b / (radius * q) == pytest.approx(1, rel=0.02)


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1e9)), max_size=30), st.floats(1e-3, 1e7))
def test_the_shares_of_a_target_and_none_sum_to_one(pairs, unseen) -> None:
    target = np.array([number for number, _ in pairs], np.int64)
    density = np.array([value for _, value in pairs], float)

    shares, none = host_shares(target=target, density=density, n=5, unseen=unseen)

    sums = np.bincount(target, weights=shares, minlength=5) + none
    np.testing.assert_allclose(sums, 1)
    assert np.all((shares >= 0) & (shares <= 1) & np.isfinite(shares))
    assert np.all(none > 0)


def test_a_size_that_is_not_known_is_a_typical_one_at_its_distance() -> None:
    found = half_light_arcsec(
        diameter_arcsec=[100.0, np.nan, np.nan, 0.1], distance_mpc=[1.0, 40.0, np.nan, 40.0]
    )

    np.testing.assert_allclose(found, [25.0, 20.626, 1.0, 1.0], rtol=1e-4)


def test_what_is_unseen_is_the_light_that_the_catalogue_lacks_as_far_as_the_survey_sees() -> None:
    edges, complete = [0.0, 50.0, 200.0, 1000.0], [0.9, 0.3, 0.0]
    radii = np.linspace(0, 4000, 400_001)
    listed = np.interp(radii, [0, 50, 50.001, 200, 200.001, 4000], [0.9, 0.9, 0.3, 0.3, 0, 0])
    expected = 0.02 * np.trapezoid((1 - listed) * radii**2 * np.exp(-radii / 100), radii)

    found = unseen_density(
        edges_mpc=edges, completeness=complete, mean_density=0.02, scale_mpc=100.0
    )

    assert found == pytest.approx(expected, rel=1e-3)


def test_ngc_4993_is_far_more_likely_at2017gfo_s_host_than_none() -> None:
    """Its light is 1.3e10 suns; 4% of all light is listed, and transients are seen to 300 Mpc."""
    separation, towards = offsets(
        ra=GFO[0], dec=GFO[1], galaxy_ra=NGC_4993[0], galaxy_dec=NGC_4993[1]
    )
    radius = half_light_arcsec(diameter_arcsec=DIAMETER, distance_mpc=33.8)
    ratio = separation / dlr(radius, RATIO, AXIS, towards)
    density = 1.26 * offset_density(ratio=ratio, half_light_arcsec=radius, axis_ratio=RATIO)
    unseen = unseen_density(
        edges_mpc=[0, 600], completeness=[0.04], mean_density=0.0198, scale_mpc=100
    )

    shares, none = host_shares(
        target=np.zeros(1, np.int64), density=np.atleast_1d(density), n=1, unseen=unseen
    )

    assert ratio == pytest.approx(0.45, abs=0.03)
    assert shares[0] > 0.9
    assert shares[0] + none[0] == pytest.approx(1)
    assert pcc(separation, radius, B_MAGNITUDE - 1.2) < 0.01
