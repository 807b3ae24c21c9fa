"""The projections of the maps, and the cutting of regions at their edge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.web.plots.projections import Ring, cut_ring, mollweide, zenithal

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)


@given(longitudes, latitudes)
def test_every_direction_lies_in_the_ellipse(longitude: float, latitude: float) -> None:
    x, y = mollweide(longitude, latitude)

    assert (x / 2) ** 2 + y**2 <= 1 + 1e-9


def test_mollweide_agrees_with_its_table() -> None:
    # Snyder 1987, table 41: y (of the radius over root 2) at each latitude.
    latitude = np.array([0.0, 30.0, 60.0, 90.0])

    _, y = mollweide(0.0 * latitude, latitude)

    np.testing.assert_allclose(y, [0.0, 0.40397, 0.76239, 1.0], atol=1e-5)


def test_east_is_left_and_north_is_up() -> None:
    x, y = mollweide(10.0, 10.0)

    assert x < 0 < y


@given(st.floats(0, 360), st.floats(-85, 85), st.floats(0.1, 5))
def test_the_close_view_keeps_the_centre_and_the_distance_to_it(
    ra: float, dec: float, step: float
) -> None:
    centre = (ra, dec)

    x, y = zenithal([ra, ra], [dec, dec + step / 10], centre=centre)

    np.testing.assert_allclose([x[0], y[0]], 0, atol=1e-9)
    np.testing.assert_allclose(y[1], step / 10, rtol=1e-3)


def test_the_far_half_of_the_sky_is_not_on_the_close_view() -> None:
    x, _ = zenithal([180.0], [0.0], centre=(0.0, 0.0))

    assert np.isnan(x[0])


def circle(ra: float, dec: float, radius: float) -> tuple[Ring, Ring]:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return ra + radius * np.cos(angle), dec + radius * np.sin(angle)


def area(rings: list[Ring]) -> float:
    """Area in square degrees of the plane of longitude and latitude (the shoelace formula)."""
    total = 0.0
    for ring in rings:
        x, y = ring.T
        total += abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    return total


@settings(max_examples=60)
@given(st.floats(0, 360), st.floats(-60, 60), st.floats(1, 25))
def test_cutting_keeps_the_area_wherever_the_region_lies(
    ra: float, dec: float, radius: float
) -> None:
    rings = cut_ring(*circle(ra, dec, radius), centre_ra=180.0)

    np.testing.assert_allclose(area(rings), area([np.column_stack(circle(0, dec, radius))]))
    assert all(np.abs(ring[:, 0]).max() <= 180 + 1e-9 for ring in rings)


def test_a_region_over_the_seam_becomes_two() -> None:
    assert len(cut_ring(*circle(0.0, 0.0, 10.0), centre_ra=180.0)) == 2


@pytest.mark.parametrize("sign", [1, -1])
def test_a_region_around_a_pole_reaches_it(sign: int) -> None:
    ra = np.arange(0.0, 360.0, 10.0)
    rings = cut_ring(ra, np.full(36, sign * 70.0), centre_ra=180.0)

    np.testing.assert_allclose(area(rings), 360 * 20)


def test_less_than_a_triangle_is_nothing() -> None:
    assert cut_ring([1.0, 2.0], [0.0, 0.0], centre_ra=180.0) == []
