"""Neighbours in the catalogues, and the ground that a builder draws from."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.demo.light import added, behind_dust, to_flux, to_magnitude
from tom.demo.sources import (
    CATALOGUE_LIMIT,
    GALAXY_COLOURS,
    Neighbour,
    bright_star,
    host_galaxy,
    nucleus_at_place,
    star_at_place,
    unrelated,
)
from tom.demo.spots import Group, Spot, draw_magnitude

seeds = st.integers(0, 10_000)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- Neighbours ---------------------------------------------------------------------------------
@given(seeds)
def test_an_entry_of_the_catalogue_is_one_that_pan_starrs_and_gaia_could_have(seed: int) -> None:
    for entry in (unrelated(rng_of(seed)), bright_star(rng_of(seed))):
        assert 0 < entry.separation_arcsec <= 29
        assert 0 <= entry.star_score <= 1
        assert entry.magnitudes.shape == (4,)
        assert entry.magnitudes[1] <= CATALOGUE_LIMIT
        assert entry.gaia_magnitude <= 20.5
        assert entry.gaia_arcsec >= min(entry.separation_arcsec, 6)


def test_a_chance_neighbour_is_some_arcseconds_off_and_a_star_as_often_as_a_galaxy() -> None:
    rng = rng_of(1)
    entries = [unrelated(rng) for _ in range(2000)]

    # Separations of a chance neighbour are Rayleigh's: 6.5 arcsec times sqrt(ln 2) in the median.
    assert np.median([e.separation_arcsec for e in entries]) == pytest.approx(5.41, abs=0.4)
    red = [e.magnitudes[0] - e.magnitudes[1] for e in entries]
    assert set(np.round(red, 2)) == {0.65, 0.87}  # a galaxy's g-r, a star's
    assert np.mean(np.isclose(red, 0.87)) == pytest.approx(0.5, abs=0.06)


def test_a_star_too_faint_for_the_catalogue_leaves_a_stranger_in_its_place() -> None:
    faint = np.array([22.7, 22.6, 22.5, 22.4])

    entries = [star_at_place(faint, ebv=0.0, rng=rng_of(seed)) for seed in range(50)]

    assert min(entry.separation_arcsec for entry in entries) >= 0.3
    assert np.median([entry.separation_arcsec for entry in entries]) > 3
    assert all(entry.magnitudes[1] <= CATALOGUE_LIMIT for entry in entries)


def test_dust_dims_a_star_in_the_catalogue_band_by_band_and_hides_a_faint_one() -> None:
    star = np.full(4, 19.0)

    entry = star_at_place(star, ebv=0.1, rng=rng_of(1))
    hidden = star_at_place(star, ebv=2.0, rng=rng_of(1))

    # 3.17, 2.27 and 1.68 of E(B-V) in g, r and i (Schlafly & Finkbeiner 2011), less in z.
    np.testing.assert_allclose(entry.magnitudes, 19 + 0.1 * np.array([3.17, 2.27, 1.68, 1.35]),
                               atol=0.002)  # fmt: skip
    assert not hidden.is_here


@given(seeds)
@settings(max_examples=40)
def test_stars_that_are_bright_are_told_from_galaxies_and_faint_ones_are_not(seed: int) -> None:
    bright = star_at_place(np.full(4, 15.0), ebv=0.0, rng=rng_of(seed))
    galaxy = host_galaxy(absolute_magnitude=-20, distance_mpc=20, offset_kpc=0.01, ebv=0.0,
                         rng=rng_of(seed))  # fmt: skip

    assert bright.star_score > 0.6
    assert bright.gaia_arcsec == bright.separation_arcsec
    assert bright.gaia_magnitude == bright.magnitudes[1]
    assert galaxy.star_score < 0.4
    assert galaxy.gaia_arcsec >= 6  # it is in no catalogue of stars


def test_a_star_fainter_than_gaia_sees_has_another_for_its_nearest() -> None:
    entry = star_at_place(np.full(4, 20.6), ebv=0.0, rng=rng_of(3))

    assert entry.separation_arcsec < 1
    assert entry.gaia_arcsec >= 6


def test_nuclei_look_like_anything() -> None:
    scores = [
        nucleus_at_place(np.full(4, 17.0), ebv=0.0, rng=rng_of(seed)).star_score
        for seed in range(300)
    ]

    assert np.mean(scores) == pytest.approx(1.1 / 2.0, abs=0.05)
    assert min(scores) < 0.1
    assert max(scores) > 0.9


def test_a_host_lies_as_far_off_as_its_offset_and_as_bright_as_its_distance_make_it() -> None:
    hosts = [
        host_galaxy(
            absolute_magnitude=-20.0, distance_mpc=100.0, offset_kpc=0.5, ebv=0.0, rng=rng_of(seed)
        )
        for seed in range(60)
    ]
    own = [host for host in hosts if host.separation_arcsec == pytest.approx(1.0313, abs=1e-3)]

    assert len(own) > 50  # 0.5 kpc at 100 Mpc; a stranger is seldom nearer
    seen = np.array([host.magnitudes for host in own])
    # A distance modulus of 35, and 0.08 mag of scatter.
    np.testing.assert_allclose(seen.mean(axis=0), 15.0 + GALAXY_COLOURS, atol=0.06)
    assert seen.std(axis=0) == pytest.approx(0.08, abs=0.03)


def test_a_host_that_is_farther_than_a_stranger_is_not_the_nearest() -> None:
    hosts = [
        host_galaxy(
            absolute_magnitude=-20.0, distance_mpc=100.0, offset_kpc=30.0, ebv=0.0, rng=rng_of(seed)
        )
        for seed in range(40)
    ]

    assert all(host.separation_arcsec < 29.01 for host in hosts)  # its own is at 62 arcsec


@pytest.mark.parametrize(("separation", "is_here"), [(0.0, True), (1.49, True), (1.5, False)])
def test_a_neighbour_lies_beneath_within_a_point_s_width(separation: float, is_here: bool) -> None:
    assert Neighbour(separation, 1.0, np.zeros(4), 9.0, 20.0).is_here is is_here


# --- Spots --------------------------------------------------------------------------------------
def test_only_what_is_new_waits_for_the_merger(spot: Spot) -> None:
    new = replace(spot, group=Group.NEW)

    last = float(spot.exposures.jd[-1])
    assert new.alert_span == (spot.merger_jd, last)
    assert replace(spot, group=Group.KNOWN).alert_span == (spot.merger_jd - 20, last)
    assert spot.alert_span == (spot.merger_jd - 20, last)
    assert new.is_new
    assert not spot.is_new


@given(seeds, st.integers(1, 5))
@settings(max_examples=30)
def test_moments_are_middles_of_exposures_in_the_span_in_order(
    spot: Spot, seed: int, n: int
) -> None:
    new = replace(spot, group=Group.NEW)
    middles = spot.exposures.jd + spot.exposures.seconds / 2 / 86_400

    moments = new.draw_moments(n, rng_of(seed))

    assert len(moments) == n
    assert set(moments) <= set(middles)
    assert np.all(np.diff(moments) > 0)
    assert moments[0] > spot.merger_jd


def test_no_more_moments_are_drawn_than_there_are(spot: Spot) -> None:
    few = replace(spot, exposures=spot.exposures.take(np.arange(len(spot.exposures.jd))[-3:]))

    assert len(few.draw_moments(10, rng_of(1))) == 3


@given(seeds, st.floats(12, 18), st.floats(0.5, 5), st.sampled_from([0.3, 0.4, 0.6]))
def test_a_drawn_magnitude_lies_in_its_range(
    seed: int, bright: float, width: float, slope: float
) -> None:
    drawn = draw_magnitude(bright, bright + width, rng_of(seed), slope=slope)

    assert bright - 1e-9 <= drawn <= bright + width + 1e-9


@pytest.mark.parametrize(("slope", "share"), [(0.6, 10**-0.6), (0.3, 10**-0.3)])
def test_counts_of_magnitudes_grow_as_their_slope_says(slope: float, share: float) -> None:
    rng = rng_of(5)

    drawn = np.array([draw_magnitude(10.0, 20.0, rng, slope=slope) for _ in range(4000)])

    assert np.mean(drawn < 19.0) == pytest.approx(share, abs=0.03)


# --- Light --------------------------------------------------------------------------------------
@given(st.floats(5, 30))
def test_a_magnitude_and_its_flux_are_one_thing(magnitude: float) -> None:
    assert to_magnitude(to_flux(np.array([magnitude]))) == pytest.approx(magnitude)
    assert to_magnitude(-to_flux(np.array([magnitude]))) == pytest.approx(magnitude)


def test_infinitely_faint_is_no_light_and_one_nanojansky_is_the_zero_point() -> None:
    assert to_flux(np.array([np.inf, 31.4])).tolist() == [0.0, 1.0]


def test_two_lights_shine_together_each_behind_its_own_dust() -> None:
    jd, fid = np.zeros(3), np.array([1, 2, 3])
    lamp = lambda jd, fid: 100.0 * fid  # noqa: E731

    both = added(lamp, behind_dust(lamp, 0.1))(jd, fid)

    share = 10 ** (-0.04 * np.array([3.172, 2.271, 1.682]))
    np.testing.assert_allclose(both, 100.0 * fid * (1 + share), rtol=1e-3)
