"""The chance to have caught a source: its laws, and sources drawn at random."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.sky import (
    Series,
    chance_caught,
    circle,
    covered_volume,
    footprint_ranges,
    margins,
    milky_way_ebv,
    patches_of,
    pieces_of,
    radec_of,
    read_skymap,
)
from tom.sky.at2017gfo import CURVES, absolute_magnitude
from tom.sky.skymap import has_distance

places = st.tuples(st.floats(0, 359), st.floats(-90, 90), st.floats(1, 40), st.floats(15, 25))
MAP = "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
WIDE = "gw/maps/S190425z_G330561_bayestar_nside256_nested.fits.gz"
# So many sources are drawn; their share is off by at most four times its own error.
DRAWN = 50_000


def fields_of(chosen):
    return [
        footprint_ranges(circle(radius), ra=ra, dec=dec, fineness=1 / 16)
        for ra, dec, radius, _ in chosen
    ]


def series_of(chosen, *, magnitude=-16.0, deeper=0.0, reddening=0.0):
    n = len(chosen)
    depth = np.array([each[3] for each in chosen], dtype=np.float64) + deeper
    return Series(np.arange(n), depth, np.full(n, reddening), np.full((1, n), magnitude))


def chances(skymap, chosen, *, looks=0, level=6, fields=None, **about):
    patches = patches_of(skymap, fields or fields_of(chosen), level=level)
    ebv, _ = milky_way_ebv(patches.ra, patches.dec)
    margin = margins(patches, series_of(chosen, **about), ebv)[looks]
    return float(chance_caught(patches, margin[0], np.zeros(1))[0])


@settings(max_examples=25)
@given(skymaps, st.lists(places, min_size=1, max_size=4))
def test_more_depth_never_lowers_it_and_dust_never_raises_it(skymap, chosen):
    usual = chances(skymap, chosen)

    assert chances(skymap, chosen, deeper=0.3) >= usual - 1e-12
    assert chances(skymap, chosen, reddening=3.0) <= usual + 1e-12
    assert chances(skymap, chosen, magnitude=-17.0) >= usual - 1e-12
    assert chances(skymap, [*chosen, chosen[0]]) == pytest.approx(usual, abs=1e-12)
    assert chances(skymap, chosen, looks=1) <= usual + 1e-12


@settings(max_examples=25)
@given(skymaps, st.lists(places, min_size=1, max_size=4))
def test_without_a_limit_it_is_what_the_fields_hold_of_the_map_each_place_once(skymap, chosen):
    fields = fields_of(chosen)
    held = covered_volume(skymap, pieces_of(skymap, fields), np.inf)

    seen = chances(skymap, chosen, deeper=200.0)

    assert seen == pytest.approx(0.0 if np.isnan(held) else held, abs=1e-9)
    assert patches_of(skymap, fields).probability.sum() == pytest.approx(seen, abs=1e-9)


@settings(max_examples=25)
@given(skymaps, st.lists(places, min_size=1, max_size=4))
def test_one_depth_gives_the_volume_within_reach(skymap, chosen):
    fields = fields_of(chosen)
    alike = [(*each[:3], 21.0) for each in chosen]
    exact = covered_volume(skymap, pieces_of(skymap, fields), 10 ** ((21 + 16 - 25) / 5))

    # At the finest level of these maps' rows nothing is taken together.
    level = max(int(skymap.level.max()), 6) if skymap.level.max() <= 8 else None
    if level is not None:
        seen = chances(skymap, alike, level=level)
        assert seen == pytest.approx(0.0 if np.isnan(exact) else exact, abs=1e-9)


def test_no_pointing_and_no_distance_give_nothing(real_data):
    skymap = read_skymap((real_data / MAP).read_bytes())
    flat = read_skymap((real_data / "gw/maps/flat-skymap.multiorder.fits").read_bytes())
    here = [(197.0, -23.0, 5.0, 30.0)]

    assert chances(skymap, []) == 0
    assert chances(flat, here) == 0
    assert chances(skymap, [(17.0, 60.0, 0.01, 30.0)]) < 1e-9
    assert chances(skymap, here, magnitude=np.inf) == 0
    assert chances(skymap, here, looks=1) == 0


def test_twice_needs_two_pointings_that_are_deep_enough(real_data):
    skymap = read_skymap((real_data / MAP).read_bytes())
    deep, shallow = (197.0, -23.0, 8.0, 22.0), (197.0, -23.0, 8.0, 17.0)

    assert chances(skymap, [deep, shallow]) == chances(skymap, [deep])
    assert chances(skymap, [deep, shallow], looks=1) == chances(skymap, [shallow])
    assert chances(skymap, [shallow]) < chances(skymap, [deep])
    assert chances(skymap, [deep, deep, shallow], looks=1) == chances(skymap, [deep])


@pytest.mark.parametrize("name", [MAP, WIDE])
def test_sources_drawn_from_the_map_are_caught_as_often(name, real_data):
    rng = np.random.default_rng(190425)
    skymap = read_skymap((real_data / name).read_bytes())
    chosen = [(196.0, -20.0, 9.0, 19.0), (199.0, -25.0, 7.0, 20.5), (240.0, 20.0, 25.0, 21.0)]
    chosen.append((250.0, 10.0, 25.0, 22.0))
    ids, distance = draw(skymap, rng)
    ra, dec = radec_of(ids)
    ebv, _ = milky_way_ebv(ra, dec)
    apparent = -15.5 + 5 * np.log10(distance) + 25 + 2.3 * ebv
    times = np.zeros(DRAWN)
    for (*_, depth), ranges in zip(chosen, fields_of(chosen), strict=True):
        at = np.searchsorted(ranges[:, 0], ids, side="right") - 1
        times += (at >= 0) & (ids < ranges[at, 1]) & (apparent <= depth)

    for looks in (0, 1):
        drawn = np.mean(times > looks)
        error = np.sqrt(max(drawn * (1 - drawn), 1e-6) / DRAWN)
        found = chances(skymap, chosen, looks=looks, magnitude=-15.5, reddening=2.3)
        assert drawn > 0.02
        assert found == pytest.approx(drawn, abs=4 * error + 5e-4)


def draw(skymap, rng):
    """Draw places by the map's probability, and distances along each by rejection."""
    weight = np.where(has_distance(skymap), skymap.probability, 0)
    row = rng.choice(skymap.n, DRAWN, p=weight / weight.sum())
    width = skymap.stop29[row] - skymap.start29[row]
    ids = skymap.start29[row] + (rng.random(DRAWN) * width).astype(np.int64)
    mu, sigma = skymap.distmu[row], skymap.distsigma[row]
    grid = np.linspace(0, 1, 2001)[1:] * (np.maximum(mu, 0) + 6 * sigma)[:, np.newaxis]
    drawn = np.empty(DRAWN)
    for some in np.array_split(np.arange(DRAWN), 100):
        density = grid[some] ** 2 * np.exp(
            -0.5 * ((grid[some] - mu[some, None]) / sigma[some, None]) ** 2
        )
        share = np.cumsum(density, axis=1)
        at = (share < rng.random(len(some))[:, None] * share[:, -1:]).sum(axis=1)
        drawn[some] = grid[some, at]
    return ids, drawn


@pytest.mark.parametrize("name", [MAP, WIDE])
def test_cells_change_little_of_it_on_real_maps(name, real_data):
    skymap = read_skymap((real_data / name).read_bytes())
    chosen = [(197.0, -23.0, 6.0, 19.0), (200.0, -25.0, 9.0, 18.0), (245.0, 20.0, 20.0, 21.0)]
    fields = fields_of(chosen)

    for magnitude in (-18.0, -16.0, -14.0):
        about = {"magnitude": magnitude, "fields": fields, "reddening": 2.3}
        coarse, fine = (chances(skymap, chosen, level=level, **about) for level in (6, 8))
        assert coarse == pytest.approx(fine, abs=1e-3)


def test_at2017gfo_is_as_bright_as_published(real_data):
    """The same photometry, dereddened by others: https://github.com/nuclear-multimessenger-astronomy/nmma."""
    days = np.array([0.2, 0.47, 0.68, 1.44, 30.0])
    seen = absolute_magnitude("r", days)

    assert seen[0] == seen[1] == pytest.approx(17.56 - 2.273 * 0.1221 - 33.048, abs=1e-3)
    assert seen[1] > seen[2]  # it rose to the second night
    assert seen[4] == np.inf
    raw, mended = (read_photometry(real_data / f"ml/kn/{name}") for name in FILES)
    for band in CURVES:
        dust = raw[f"ps1::{band}"] - mended[f"ps1::{band}"]
        ours = CURVES[band][0][1] - absolute_magnitude(band, np.array([0.47]))[0] - 33.048
        assert ours == pytest.approx(dust, abs=0.04)


FILES = ("AT2017gfo.dat", "AT2017gfo_corrected.dat")


def read_photometry(path):
    """The magnitude of the first night in each band."""
    night = [
        line.split() for line in path.read_text().splitlines() if line.startswith("2017-08-18T00")
    ]
    return {band: float(magnitude) for _, band, magnitude, _ in night}
