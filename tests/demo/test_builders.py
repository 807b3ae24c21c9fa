"""Each kind of source as its builder draws it: when it shines, how bright, with which past."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.demo.builders import (
    SURVEY_START_JD,
    build_artefact,
    build_asteroid,
    build_eclipsing,
    build_explosion,
    build_flare,
    build_kilonova,
    build_nucleus,
    build_outburst,
    build_pulsator,
    build_young_explosion,
)
from tom.demo.light import to_magnitude
from tom.demo.population import BUILDERS, COUNTS
from tom.demo.sources import Source
from tom.demo.spots import Group, Spot

seeds = st.integers(0, 10_000)
PERSISTENT = {"AGN", "RR Lyrae", "eclipsing binary"}


def build(kind: str, spot: Spot, seed: int) -> Source:
    return BUILDERS[kind](spot, np.random.default_rng(seed))


def shine(source: Source, jd: np.ndarray, fid: int = 2) -> np.ndarray:
    return source.light(jd, np.full(len(jd), fid))


@pytest.mark.parametrize("group", list(Group))
@pytest.mark.parametrize("kind", BUILDERS)
def test_whatever_is_built_stands_at_its_place_and_has_a_finite_light(
    kind: str, group: Group, spot: Spot
) -> None:
    here = replace(spot, group=group)
    source = build(kind, here, 3)
    jd = spot.merger_jd + np.arange(-50.0, 6.0, 1 / 1440)

    flux = source.light(jd, 1 + np.arange(len(jd)) % 3)

    assert source.kind == kind.removeprefix("young ")
    assert (source.ra, source.dec) == (spot.ra, spot.dec)
    assert np.isfinite(flux).all()
    assert np.any(flux != 0)
    assert source.is_artefact == (kind == "bogus")
    assert (source.mover is not None) == (kind == "asteroid")
    assert source.fast == (kind in {"CV", "flare", "young SN II", "young SN IIb"})
    if group is Group.NEW:
        assert source.past is None
    elif kind in PERSISTENT:
        assert source.past is not None


@given(seeds, st.sampled_from(sorted(PERSISTENT)))
def test_a_past_lies_in_the_survey_s_years_before_the_first_night(
    spot: Spot, seed: int, kind: str
) -> None:
    past = build(kind, spot, seed).past

    assert past is not None
    assert SURVEY_START_JD <= past.first_jd <= spot.exposures.jd[0] - 100
    assert past.detections >= 1


def test_half_of_the_known_outbursts_were_seen_before(spot: Spot) -> None:
    pasts = [build_outburst(spot, np.random.default_rng(seed)).past for seed in range(300)]

    assert np.mean([past is None for past in pasts]) == pytest.approx(0.5, abs=0.08)


# --- Explosions ---------------------------------------------------------------------------------
@given(seeds, st.sampled_from(["SN Ia", "SN II", "TDE"]))
@settings(max_examples=40)
def test_a_new_explosion_began_at_most_days_before_the_merger_or_just_after(
    spot: Spot, seed: int, kind: str
) -> None:
    source = build(kind, replace(spot, group=Group.NEW), seed)
    days = np.arange(-25.0, 10.0, 0.05)

    shines = shine(source, spot.merger_jd + days) > 0

    start = days[shines][0]
    assert -18.06 < start < 3.6
    assert shines[days > start].all()
    assert not shines[days < start].any()


@given(seeds)
@settings(max_examples=30)
def test_a_young_explosion_is_younger_and_brighter_than_the_survey_s_limit(
    spot: Spot, seed: int
) -> None:
    source = build_young_explosion("SN II")(spot, np.random.default_rng(seed))
    days = np.arange(-1.2, 60.0, 0.25)

    flux = shine(source, spot.merger_jd + days)

    assert -1.01 < days[flux > 0][0] < 3.8
    # 16 to 19.3 mag before the dust of its host and ours.
    assert 15.5 < to_magnitude(flux.max()) < 22


@pytest.mark.parametrize(("group", "faintest"), [(Group.NEW, 21.3), (Group.KNOWN, 19.9)])
def test_explosions_of_the_region_are_as_faint_as_a_follow_up_sees(
    group: Group, faintest: float, spot: Spot
) -> None:
    here = replace(spot, group=group, ebv=0.0)
    days = np.arange(-60.0, 120.0, 1.0)
    peaks = np.array(
        [
            to_magnitude(
                shine(
                    build_explosion("SLSN")(here, np.random.default_rng(seed)),
                    spot.merger_jd + days,
                ).max()
            )
            for seed in range(60)
        ]
    )

    assert peaks.min() > 15.4
    # The host's own dust makes a few fainter than what was drawn.
    assert np.median(peaks) < faintest
    assert np.quantile(peaks, 0.2) > faintest - 3


def test_a_disrupted_star_lies_in_its_host_s_core_and_a_supernova_aside(spot: Spot) -> None:
    hosts = {
        kind: [build(kind, spot, seed).neighbour for seed in range(80)] for kind in ("TDE", "SN II")
    }
    near = {
        kind: np.median([each.separation_arcsec for each in entries])
        for kind, entries in hosts.items()
    }

    assert near["TDE"] < 0.3
    assert near["SN II"] > 1


@given(seeds, st.floats(40, 200))
@settings(max_examples=20)
def test_a_kilonova_is_the_same_at_any_distance_but_for_its_brightness(
    spot: Spot, seed: int, distance: float
) -> None:
    near, far = (
        build_kilonova(spot, distance_mpc=mpc, rng=np.random.default_rng(seed))
        for mpc in (distance, 2 * distance)
    )
    jd = spot.merger_jd + np.array([1.0, 2.0, 3.0])

    np.testing.assert_allclose(
        to_magnitude(shine(far, jd)) - to_magnitude(shine(near, jd)), 1.505, atol=0.1
    )


# --- What varies --------------------------------------------------------------------------------
def test_a_new_nucleus_was_quiet_until_it_flared(spot: Spot) -> None:
    new = replace(spot, group=Group.NEW)
    quiet = spot.merger_jd + np.arange(-45.0, -13.0, 1.0)

    for seed in range(12):
        source = build_nucleus(new, np.random.default_rng(seed))
        before = np.abs(shine(source, quiet)).max()
        after = shine(source, spot.merger_jd + np.arange(0.0, 5.0, 0.5)).max()
        # It differs from its reference by some hundredths of a magnitude, then flares.
        assert np.ptp(shine(source, quiet)) < before * 2.1
        assert after > np.median(shine(source, quiet))


@given(seeds)
@settings(max_examples=30)
def test_stars_swing_both_ways_about_their_reference(spot: Spot, seed: int) -> None:
    jd = spot.merger_jd + np.arange(0.0, 40.0, 0.01)
    for builder in (build_pulsator, build_eclipsing):
        flux = shine(builder(spot, np.random.default_rng(seed)), jd)
        assert flux.min() < 0 < flux.max()
        assert abs(flux.mean()) < 0.35 * flux.std()


def test_a_new_eclipsing_binary_is_fainter_and_slower_than_a_known_one(spot: Spot) -> None:
    new = replace(spot, group=Group.NEW)
    magnitudes = {
        here.group: [
            build_eclipsing(here, np.random.default_rng(seed)).neighbour.magnitudes[1]
            for seed in range(60)
        ]
        for here in (new, spot)
    }

    assert np.median(magnitudes[Group.NEW]) > np.median(magnitudes[Group.ELSEWHERE]) + 1.5


@given(seeds)
@settings(max_examples=40)
def test_an_outburst_of_the_region_begins_about_the_merger(spot: Spot, seed: int) -> None:
    source = build_outburst(replace(spot, group=Group.NEW), np.random.default_rng(seed))
    days = np.arange(-6.0, 12.0, 0.05)

    flux = shine(source, spot.merger_jd + days)

    assert -1.06 < days[flux > 0][0] < 4.06
    # It is 2.5 to 6 mag brighter than its star; where that is too faint, a stranger is nearest.
    if source.neighbour.separation_arcsec < 0.3:
        assert source.neighbour.magnitudes[1] - to_magnitude(flux.max()) > 2.0


def test_a_flare_peaks_within_an_hour_of_an_exposure(spot: Spot) -> None:
    middles = spot.exposures.jd + spot.exposures.seconds / 2 / 86_400
    fine = np.arange(-0.2, 0.2, 1 / 1440)
    for seed in range(10):
        source = build_flare(spot, np.random.default_rng(seed))
        times = (middles[:, None] + fine).ravel()
        flux = shine(source, times, fid=1)
        peak = times[np.argmax(flux)]
        assert np.abs(middles - peak).min() < 0.2
        assert flux.max() > shine(source, times, fid=3).max()  # it is blue


# --- What passes and what is not there ----------------------------------------------------------
def test_most_asteroids_are_known_and_shine_in_one_exposure_without_dust(spot: Spot) -> None:
    dusty = replace(spot, ebv=3.0)
    known = 0
    for seed in range(200):
        source = build_asteroid(dusty, np.random.default_rng(seed))
        flux = source.light(spot.exposures.jd + spot.exposures.seconds / 2 / 86_400,
                            np.full(len(spot.exposures.jd), 2))  # fmt: skip
        assert np.sum(flux > 0) == 1
        assert source.mover is not None
        known += source.mover.name is not None
        # The ephemeris knows its brightness to a quarter of a magnitude, and no dust dims it.
        assert abs(to_magnitude(flux.max()) - source.mover.magnitude) < 1.2
        assert 0 <= source.mover.separation_arcsec < 4
    assert known / 200 == pytest.approx(0.87, abs=0.06)


def test_artefacts_are_faint_often_alone_and_of_either_sign(spot: Spot) -> None:
    sources = [build_artefact(spot, np.random.default_rng(seed)) for seed in range(300)]
    middles = spot.exposures.jd + spot.exposures.seconds / 2 / 86_400
    marks = [shine(source, middles) for source in sources]

    times = np.array([np.sum(mark != 0) for mark in marks])
    assert times.max() <= 4
    assert np.mean(times == 1) == pytest.approx(0.65, abs=0.08)
    assert np.mean([mark.sum() < 0 for mark in marks]) == pytest.approx(0.4, abs=0.08)
    limit = np.median(spot.exposures.limit)
    sizes = np.array([to_magnitude(np.abs(mark).max()) for mark in marks])
    assert sizes.max() <= limit + 0.115  # 4.5 sigma at the faintest
    assert np.median(sizes) > limit - 1.5
    beneath = np.mean([source.neighbour.is_here for source in sources])
    assert 0.4 < beneath < 0.75


# --- The mixture --------------------------------------------------------------------------------
def test_the_night_has_600_objects_of_kinds_that_can_be_built() -> None:
    assert COUNTS.keys() == BUILDERS.keys()
    assert 1 + sum(sum(counts) for counts in COUNTS.values()) == 600
    # Nothing that was there before can be new; nothing young can be known.
    assert COUNTS["RR Lyrae"][0] == 0
    assert COUNTS["young SN II"][1:] == (0, 0)
