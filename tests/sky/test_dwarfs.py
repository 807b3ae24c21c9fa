"""M dwarfs are dense along the Galactic plane, most of all towards the Galaxy's centre."""

import numpy as np
import pytest

from tom.sky import galactic
from tom.sky.dwarfs import THIN_HEIGHT, dwarf_density, dwarf_lines, mean_density
from tom.sky.quick_healpy import healpy


def test_the_pole_is_the_unit_and_the_plane_several_times_as_dense() -> None:
    pole, centre, anticentre = dwarf_density([0.0, 0.0, 180.0], [90.0, 0.0, 0.0])

    assert pole == pytest.approx(1)
    assert centre > anticentre > 5


def test_along_the_pole_it_is_the_integral_of_the_thin_and_the_thick_disk() -> None:
    # The mass of s^2 exp(-s / h) up to 1 kpc in closed form, for the thin disk that dominates.
    x = 1 / THIN_HEIGHT
    thin = 0.96 * THIN_HEIGHT**3 * (2 - np.exp(-x) * (x**2 + 2 * x + 2))
    x = 1 / 2.1
    thick = 0.04 * 2.1**3 * (2 - np.exp(-x) * (x**2 + 2 * x + 2))
    plane = dwarf_density(90.0, 0.0) * (thin + thick) * np.exp(-0.015 / THIN_HEIGHT)

    assert plane == pytest.approx(1 / 3, rel=0.08)  # the density hardly changes that way


def test_a_line_joins_places_of_its_density() -> None:
    for ra, dec in dwarf_lines(4.0):
        longitude, latitude = galactic(ra, dec)
        np.testing.assert_allclose(dwarf_density(longitude, latitude), 4.0, rtol=0.02)


def test_the_mean_over_the_sky_is_that_of_its_pixels() -> None:
    longitude, latitude = healpy.pix2ang(32, np.arange(12 * 32**2), lonlat=True)

    assert mean_density() == pytest.approx(dwarf_density(longitude, latitude).mean(), rel=1e-3)
