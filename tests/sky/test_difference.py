"""Two maps of one source: what they share, and how far the likeliest place moved."""

import base64
import json

import numpy as np
import pytest

from tests.factories import make_skymap
from tom.sky import build_skymap, compare_maps, read_skymap


def test_a_map_differs_from_itself_in_nothing():
    skymap = make_skymap()

    same = compare_maps(skymap, skymap)

    assert same.shift_deg == 0
    assert same.later_in_earlier == pytest.approx(same.earlier_in_later)
    assert same.later_in_earlier == pytest.approx(0.9, abs=0.01)


def test_two_maps_of_other_places_share_nothing():
    one, other = make_skymap(ra=10.0, dec=0.0), make_skymap(ra=190.0, dec=0.0)

    apart = compare_maps(one, other)

    assert apart.shift_deg == pytest.approx(180, abs=6)
    assert apart.common_area == 0
    assert max(apart.later_in_earlier, apart.earlier_in_later) < 1e-6


def test_a_small_map_within_a_wide_one_is_all_in_its_region_but_not_the_other_way_round():
    wide, small = make_skymap(sigma_deg=15.0), make_skymap(sigma_deg=4.0)

    apart = compare_maps(wide, small)

    assert apart.later_in_earlier == pytest.approx(1, abs=1e-3)
    assert apart.earlier_in_later < 0.3


def test_halves_of_the_sky_share_what_both_hold():
    half = np.arange(6)
    one = build_skymap(level=np.zeros(6), ipix=half, probdensity=np.ones(6))
    other = build_skymap(level=np.zeros(6), ipix=half + 3, probdensity=np.ones(6))

    apart = compare_maps(one, other, level=1.0)

    assert apart.common_area == pytest.approx(3 * 41252.96 / 12, rel=1e-6)
    assert apart.later_in_earlier == pytest.approx(0.5)


# From flat maps of nside 2048, whose pixels were sorted and summed by themselves. Of equal pixels
# another one may be the densest.
CHAINS = [
    ("S230518h-Preliminary_alert.json", "S230518h-Update_alert.json", 3.176, 0.9479, 0.7909, 656.3),
    (
        "GW170817_G298107_HL_bayestar_nside1024_nested.fits.gz",
        "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
        *(6.446, 0.9557, 0.2355, 30.47),
    ),
]


@pytest.mark.parametrize(("one", "other", "shift", "later", "earlier", "common"), CHAINS)
def test_real_chains_differ_as_their_flat_pixels_say(
    real_data, one, other, shift, later, earlier, common
):
    apart = compare_maps(read_real(real_data, one), read_real(real_data, other))

    assert apart.shift_deg == pytest.approx(shift, abs=0.03)
    assert apart.later_in_earlier == pytest.approx(later, abs=2e-4)
    assert apart.earlier_in_later == pytest.approx(earlier, abs=2e-4)
    assert apart.common_area == pytest.approx(common, rel=5e-4)


def read_real(real_data, name):
    if not name.endswith(".json"):
        return read_skymap((real_data / "gw/maps" / name).read_bytes())
    alert = json.loads((real_data / "gw/lvk" / name).read_bytes())
    return read_skymap(base64.b64decode(alert["event"]["skymap"]))
