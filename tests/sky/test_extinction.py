"""Reddening by the Milky Way: modest where nothing is known, exact where a map is given."""

import healpy
import numpy as np
import pytest
from hypothesis import given

from tests.sky.strategies import latitudes, longitudes
from tom.sky import extinction_coefficient, galactic, milky_way_ebv, read_ebv_map


def test_galactic_pole_centre_and_a_supernova_are_where_they_should_be():
    longitude, latitude = galactic(
        [192.85948, 266.40500, 123.320625], [27.12825, -28.93617, 22.648306]
    )

    np.testing.assert_allclose(latitude, [90, 0, 27.5623], atol=1e-3)
    assert longitude[1] == pytest.approx(0, abs=1e-3)


@given(longitudes, latitudes)
def test_the_cosecant_law_is_positive_wide_and_bounded(ra, dec):
    ebv, sigma = milky_way_ebv(ra, dec)

    assert 0.02 < ebv < 0.4
    assert sigma >= 0.5 * ebv


def test_dust_thickens_towards_the_plane():
    pole, middle, plane = milky_way_ebv([192.86, 150.0, 266.4], [27.13, 2.2, -28.9])[0]

    assert pole < middle < plane


@pytest.mark.parametrize("nested", [True, False])
def test_a_supplied_map_is_read_in_its_own_frame(tmp_path, nested):
    _, latitude = healpy.pix2ang(64, np.arange(12 * 64**2), nest=nested, lonlat=True)
    path = tmp_path / "dust.fits"
    healpy.write_map(path, latitude / 100, nest=nested, coord="G", dtype=np.float64)

    ebv, sigma = milky_way_ebv([192.85948, 266.405], [26.0, -28.936], dust=read_ebv_map(str(path)))

    np.testing.assert_allclose(ebv, [0.888, 0.0], atol=0.01)
    np.testing.assert_allclose(sigma, 0.16 * ebv)


@pytest.mark.parametrize("nothing", [np.nan, healpy.UNSEEN])
def test_where_a_supplied_map_knows_nothing_the_law_is_taken(tmp_path, nothing):
    _, latitude = healpy.pix2ang(64, np.arange(12 * 64**2), lonlat=True)
    path = tmp_path / "dust.fits"
    half = np.where(latitude > 0, 0.5, nothing)
    healpy.write_map(path, half, coord="G", dtype=np.float64)
    poles = [192.86, 12.86], [27.13, -27.13]

    ebv, sigma = milky_way_ebv(*poles, dust=read_ebv_map(str(path)))

    by_law, sigma_by_law = milky_way_ebv(*poles)
    np.testing.assert_allclose(ebv, [0.5, by_law[1]])
    np.testing.assert_allclose(sigma, [0.08, sigma_by_law[1]])


@pytest.mark.parametrize(("band", "coefficient"), [("ps1_g", 3.172), ("r", 2.273), ("u", 4.145)])
def test_coefficients_are_those_of_schlafly_and_finkbeiner(band, coefficient):
    assert extinction_coefficient(band) == coefficient


def test_bluer_light_is_dimmed_more():
    values = [extinction_coefficient(band) for band in "ugrizy"]

    assert values == sorted(values, reverse=True)


def test_an_unknown_band_is_an_error():
    with pytest.raises(KeyError):
        extinction_coefficient("K")
