"""The sky maps of real events, against areas and levels that ligo.skymap finds in them."""

import base64
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tom.sky import (
    SkyMap,
    credible_area,
    credible_volume,
    distance_probability_fraction,
    healpix29,
    levels_2d,
    read_skymap,
    searched_area,
    separation_arcsec,
    summarize,
)

AT2017GFO = (197.450354, -23.381484)
FEATURELESS = ["flat-skymap.fits.gz", "flat-skymap.multiorder.fits"]
FEATURED = [
    "GRB170817A_GBM.multiorder.fits",
    "GRB170817A_GBM_glg_healpix_all_bn_v00.fit",
    "GW150914_bayestar_gstlal_C01.fits.gz",
    "GW170817_G298107_HL_bayestar_nside1024_nested.fits.gz",
    "GW170817_GWTC1_LALInference_nside1024_nested.fits.gz",
    "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
    "MS220722v_bayestar.multiorder.fits",
    "S190425z_G330561_bayestar_nside256_nested.fits.gz",
    "S190814bv_LALInference.v1_nside1024_nested.fits.gz",
    "fermi_gaussian_nside8_ring.fits.gz",
]


@cache  # the largest take seconds to unpack
def read(real_data: Path, name: str) -> SkyMap:
    return read_skymap((real_data / "gw/maps" / name).read_bytes())


def read_alert(real_data: Path, name: str) -> SkyMap:
    alert = json.loads((real_data / "gw/lvk" / name).read_bytes())
    return read_skymap(base64.b64decode(alert["event"]["skymap"]))


@pytest.mark.parametrize("name", FEATURED + FEATURELESS)
def test_a_real_map_has_the_numbers_that_ligo_skymap_finds(real_data, name):
    oracle = json.loads((real_data / "gw/maps/oracles.json").read_text())[name]
    skymap = read(real_data, name)

    summary = summarize(skymap)

    assert summary.area_50 == pytest.approx(oracle["area50"], rel=1e-4)
    assert summary.area_90 == pytest.approx(oracle["area90"], rel=1e-4)
    assert summary.distance_mean == pytest.approx(oracle["distmean"] or np.nan, nan_ok=True)
    assert summary.distance_std == pytest.approx(oracle["diststd"] or np.nan, nan_ok=True)


@pytest.mark.parametrize("name", FEATURED)
def test_at2017gfo_has_the_level_that_ligo_skymap_finds(real_data, name):
    oracle = json.loads((real_data / "gw/maps/oracles.json").read_text())[name]

    level = levels_2d(read(real_data, name), healpix29(*AT2017GFO))

    assert level == pytest.approx(oracle["AT2017gfo"]["searched_prob"], abs=1e-4)


@pytest.mark.parametrize("name", [name for name in FEATURED if "multiorder" in name])
def test_as_much_area_is_searched_for_at2017gfo_as_ligo_skymap_says(real_data, name):
    oracle = json.loads((real_data / "gw/maps/oracles.json").read_text())[name]

    area = searched_area(read(real_data, name), healpix29(*AT2017GFO))

    assert area == pytest.approx(oracle["AT2017gfo"]["searched_area"], rel=1e-4)


@pytest.mark.parametrize("name", FEATURELESS)
def test_a_featureless_sky_has_one_level_everywhere(real_data, name):
    levels = levels_2d(read(real_data, name), np.arange(768) << 52)

    np.testing.assert_allclose(levels, (1 + 1 / 12) / 2)


@pytest.mark.parametrize("name", [name for name in FEATURED if "multiorder" not in name])
def test_the_maximum_lies_in_the_densest_pixel(real_data, name):
    oracle = json.loads((real_data / "gw/maps/oracles.json").read_text())[name]

    summary = summarize(read(real_data, name))

    apart = separation_arcsec(summary.max_ra, summary.max_dec, *oracle["mode"])
    assert apart < 3600 * 0.5 * 58.6 / oracle["nside"]


def test_areas_are_inclusive_of_the_row_where_the_level_falls(real_data):
    skymap = read(real_data, "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits")

    assert credible_area(skymap, 0.9) == pytest.approx(30.97986, abs=1e-5)


def test_volumes_agree_with_ligo_skymaps_where_it_counts_the_same_mass(real_data):
    name = "MS220722v_bayestar.multiorder.fits"
    oracle = json.loads((real_data / "gw/maps/oracles.json").read_text())[name]
    skymap = read(real_data, name)
    known = distance_probability_fraction(skymap)

    # ligo.skymap counts the 0.5% of probability without a distance as outside of every volume.
    volumes = [credible_volume(skymap, level / known) for level in (0.5, 0.9)]

    assert known == pytest.approx(0.99494, abs=1e-5)
    assert volumes == pytest.approx([oracle["vol50"], oracle["vol90"]], rel=1e-2)


def test_the_flat_and_the_multi_order_map_of_grb170817a_are_one(real_data):
    multi_order = read(real_data, "GRB170817A_GBM.multiorder.fits")
    flat = read(real_data, "GRB170817A_GBM_glg_healpix_all_bn_v00.fit")

    np.testing.assert_array_equal(flat.uniq, multi_order.uniq)
    np.testing.assert_allclose(flat.probdensity, multi_order.probdensity, rtol=1e-5, atol=1e-30)


def test_s230518h_shrinks_from_preliminary_to_initial_and_then_stays(real_data):
    preliminary, initial, update = (
        read_alert(real_data, f"S230518h-{kind}_alert.json")
        for kind in ("Preliminary", "Initial", "Update")
    )

    assert credible_area(preliminary, 0.9) == pytest.approx(1002, rel=1e-2)
    assert credible_area(initial, 0.9) == pytest.approx(666, rel=1e-2)
    np.testing.assert_array_equal(initial.probdensity, update.probdensity)


def test_the_newest_form_tells_how_little_of_it_has_a_distance(real_data):
    skymap = read_alert(real_data, "S2376-1-preliminary.json")

    assert skymap.n == 12288
    assert distance_probability_fraction(skymap) == pytest.approx(0.79, abs=0.01)
