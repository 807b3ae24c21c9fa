from dataclasses import replace

import numpy as np
import pytest

from tom.demo.builders import (
    build_artefact,
    build_asteroid,
    build_explosion,
    build_flare,
    build_kilonova,
    build_nucleus,
    build_outburst,
    build_pulsator,
)
from tom.demo.light import to_flux
from tom.demo.observing import observe
from tom.demo.sources import Source, host_galaxy, star_at_place, unrelated


def constant(spot, magnitude, *, artefact=False, seed=1):
    flux = float(to_flux(np.array(magnitude)))
    return Source(
        "test",
        spot.ra,
        spot.dec,
        lambda jd, _: np.full(len(jd), flux),
        unrelated(np.random.default_rng(seed)),
        is_artefact=artefact,
    )


def test_errors_are_those_of_the_noise(spot):
    source, rng = constant(spot, 20.0), np.random.default_rng(1)

    pulls = [
        (epochs.flux - to_flux(np.array(20.0))) / epochs.error
        for epochs in (observe(source, spot.exposures, rng) for _ in range(60))
    ]

    assert np.mean(pulls) == pytest.approx(0, abs=0.08)
    assert np.std(pulls) == pytest.approx(1, abs=0.05)


def test_a_bright_star_beneath_leaves_its_mark_in_the_error(spot):
    rng = np.random.default_rng(10)
    star = star_at_place(np.array([14.0, 14.0, 14.0, 14.0]), ebv=0.0, rng=rng)
    alone = constant(spot, 30.0)

    beside = observe(replace(alone, neighbour=star), spot.exposures, rng).error
    free = observe(alone, spot.exposures, rng).error

    assert beside.min() > 0.004 * to_flux(np.array(14.0))
    assert np.all(beside > 2 * free)


def test_half_is_seen_of_what_is_as_bright_as_the_limit(spot):
    rng = np.random.default_rng(2)
    exposures = replace(spot.exposures, limit=np.full(len(spot.exposures.jd), 20.0))
    seen = [observe(constant(spot, 20.0), exposures, rng).detected.mean() for _ in range(40)]
    empty = [observe(constant(spot, 30.0), exposures, rng).detected.mean() for _ in range(40)]

    assert np.mean(seen) == pytest.approx(0.45, abs=0.1)
    assert np.mean(empty) < 1e-3


def test_positions_scatter_by_a_tenth_of_the_seeing_and_more_when_faint(spot):
    rng = np.random.default_rng(3)
    bright = [observe(constant(spot, 16.0), spot.exposures, rng).dec for _ in range(20)]
    faint = [observe(constant(spot, 20.3), spot.exposures, rng).dec for _ in range(20)]

    assert np.std(np.array(bright) - spot.dec) * 3600 == pytest.approx(0.07, abs=0.03)
    assert 0.1 < np.std(np.array(faint) - spot.dec) * 3600 < 0.3


def test_artefacts_score_low_and_reals_high_but_not_always(spot):
    rng = np.random.default_rng(4)
    real = observe(constant(spot, 19.8), spot.exposures, rng).drb
    bogus = observe(constant(spot, 19.8, artefact=True), spot.exposures, rng).drb
    for _ in range(30):
        real = np.append(real, observe(constant(spot, 19.8), spot.exposures, rng).drb)
        more = observe(constant(spot, 19.8, artefact=True), spot.exposures, rng).drb
        bogus = np.append(bogus, more)

    assert 0.8 < np.mean(real > 0.5) < 1
    assert 0.02 < np.mean(bogus > 0.5) < 0.2


def test_a_faint_host_is_not_in_the_catalogue_and_a_bright_one_is():
    rng = np.random.default_rng(5)

    near = [
        host_galaxy(absolute_magnitude=-20, distance_mpc=60, offset_kpc=0.1, ebv=0, rng=rng)
        for _ in range(30)
    ]
    far = [
        host_galaxy(absolute_magnitude=-15, distance_mpc=900, offset_kpc=1, ebv=0, rng=rng)
        for _ in range(30)
    ]

    assert np.median([entry.star_score for entry in near]) < 0.1
    assert np.median([entry.separation_arcsec for entry in near]) < 1
    assert np.median([entry.separation_arcsec for entry in far]) > 2


def test_a_star_lies_where_it_is():
    rng = np.random.default_rng(6)

    entry = star_at_place(np.array([17.0, 16.8, 16.7, 16.6]), ebv=0.0, rng=rng)

    assert entry.separation_arcsec < 0.6
    assert entry.star_score > 0.8
    assert entry.gaia_arcsec == entry.separation_arcsec


def count_alerts(builder, spot, n=25):
    rng = np.random.default_rng(7)
    counts = []
    for _ in range(n):
        source = builder(spot, rng)
        counts.append(observe(source, spot.exposures, rng).detected.sum())
    return np.array(counts)


def test_asteroids_and_flares_are_seen_once_or_twice_and_stars_often(spot):
    assert count_alerts(build_asteroid, spot).max() == 1
    assert count_alerts(build_flare, spot).max() <= 3
    assert count_alerts(build_artefact, spot).max() <= 4
    assert np.median(count_alerts(build_pulsator, spot)) > 10


def test_outbursts_are_blue_and_supernovae_redden(spot):
    rng = np.random.default_rng(8)
    bands = np.array([1, 2])

    def colour(source, jd):
        g, r = source.light(np.full(2, jd), bands)
        return -2.5 * np.log10(g / r)

    late = spot.merger_jd + 5
    outbursts = [build_outburst(spot, rng) for _ in range(40)]
    explosions = [build_explosion("SN Ia")(spot, rng) for _ in range(40)]

    assert (
        np.nanmedian([colour(s, late) for s in outbursts if s.light(np.full(2, late), bands).all()])
        < 0.15
    )
    assert np.nanmedian([colour(s, spot.merger_jd + 40) for s in explosions]) > 0.4


def test_a_nucleus_has_been_seen_long_ago_and_a_kilonova_never(spot):
    rng = np.random.default_rng(9)

    nucleus = build_nucleus(spot, rng)
    kilonova = build_kilonova(spot, distance_mpc=60, rng=rng)

    assert nucleus.past is not None
    assert nucleus.past.first_jd < spot.exposures.jd[0]
    assert kilonova.past is None
    before = spot.exposures.jd < spot.merger_jd
    light = kilonova.light(spot.exposures.jd, spot.exposures.fid)
    assert np.all(light[before] == 0)
    assert np.all(light[spot.exposures.jd > spot.merger_jd + 0.01] > 0)


def test_the_milky_way_dims_and_reddens_what_lies_beyond(spot):
    clear, dusty = (
        build_kilonova(replace(spot, ebv=ebv), distance_mpc=60, rng=np.random.default_rng(1))
        for ebv in (0.0, 0.3)
    )
    jd, fid = np.full(3, spot.merger_jd + 1), np.array([1, 2, 3])

    lost = -2.5 * np.log10(dusty.light(jd, fid) / clear.light(jd, fid))

    np.testing.assert_allclose(lost, 0.3 * np.array([3.172, 2.271, 1.682]), rtol=1e-3)
