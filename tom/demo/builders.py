"""One builder for each kind of source: it draws its nature, light, neighbour and past."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tom.demo.explosions import KILONOVA, TEMPLATES, explosion_light, redshift_at
from tom.demo.light import Light, added, behind_dust
from tom.demo.sources import (
    DWARF_COLOURS,
    GALAXY_COLOURS,
    Mover,
    Neighbour,
    Past,
    Source,
    bright_star,
    host_galaxy,
    nucleus_at_place,
    star_at_place,
    unrelated,
)
from tom.demo.spots import Spot, draw_magnitude
from tom.demo.variables import (
    eclipsing_light,
    flare_light,
    moment_light,
    nucleus_light,
    outburst_light,
    pulsator_light,
)

SURVEY_START_JD = 2458194.5  # 17 March 2018
EXPOSURE_WINDOW_S = 100.0

# Absolute r magnitude of the host, and mean offset in kpc.
HOSTS = {"SLSN": (-17.5, 1.5), "TDE": (-20.3, 0.05), "SN Ia": (-20.5, 5.0)}
USUAL_HOST = (-19.7, 4.0)

Builder = Callable[[Spot, np.random.Generator], Source]


def build_kilonova(spot: Spot, *, distance_mpc: float, rng: np.random.Generator) -> Source:
    """Build AT2017gfo again, at another distance, in a galaxy like its own."""
    neighbour = host_galaxy(
        absolute_magnitude=rng.normal(-20.8, 0.8),
        distance_mpc=distance_mpc,
        offset_kpc=float(rng.lognormal(np.log(2.5), 0.6)),
        ebv=spot.ebv,
        rng=rng,
    )
    light = explosion_light(KILONOVA, start_jd=spot.merger_jd, distance_mpc=distance_mpc)
    return Source("kilonova", spot.ra, spot.dec, spot.dim(light), neighbour, fast=True)


def build_explosion(kind: str) -> Builder:
    """Return the builder of a supernova or a tidal disruption."""

    def build(spot: Spot, rng: np.random.Generator) -> Source:
        age = rng.uniform(-3.5, 18) if spot.is_new else rng.uniform(-3, 60)
        faintest = 21.3 if spot.is_new else 19.9
        return _explode(kind, spot, draw_magnitude(15.5, faintest, rng), age, rng)

    return build


def build_young_explosion(kind: str) -> Builder:
    """Return the builder of a supernova in its first days, bright enough to be followed."""

    def build(spot: Spot, rng: np.random.Generator) -> Source:
        age = rng.uniform(-3.5, 1)
        return replace(_explode(kind, spot, draw_magnitude(16.0, 19.3, rng), age, rng), fast=True)

    return build


def build_nucleus(spot: Spot, rng: np.random.Generator) -> Source:
    """Build an active galactic nucleus; a new one was quiet until now, and flares up."""
    r = draw_magnitude(17.5, 20.8, rng) if spot.is_new else draw_magnitude(16.5, 20.2, rng)
    magnitudes = r + np.array([0.25, 0.0, -0.15, -0.2]) + rng.normal(0, 0.1, 4)
    light = nucleus_light(
        magnitudes[:3],
        tau_days=float(rng.lognormal(np.log(150), 0.7)),
        amplitude=float(rng.uniform(0.02, 0.06) if spot.is_new else rng.uniform(0.1, 0.4)),
        span=(float(spot.exposures.jd[0]) - 1, float(spot.exposures.jd[-1]) + 1),
        rng=rng,
    )
    if spot.is_new:
        light = added(light, _nuclear_flare(spot, rng))
    neighbour = nucleus_at_place(magnitudes, ebv=spot.ebv, rng=rng)
    return _variable("AGN", spot, light, neighbour, rng)


def build_pulsator(spot: Spot, rng: np.random.Generator) -> Source:
    """Build an RR Lyrae star."""
    r = rng.uniform(14.5, 19.5)
    magnitudes = r + np.array([0.2, 0.0, -0.05, -0.07])
    light = pulsator_light(
        magnitudes[:3],
        period_days=float(rng.uniform(0.42, 0.75)),
        amplitude=float(rng.uniform(0.5, 1.1)),
        phase=float(rng.uniform()),
    )
    neighbour = star_at_place(magnitudes, ebv=spot.ebv, rng=rng)
    return _variable("RR Lyrae", spot, light, neighbour, rng)


def build_eclipsing(spot: Spot, rng: np.random.Generator) -> Source:
    """Build an eclipsing binary."""
    r = rng.uniform(17, 20.5) if spot.is_new else rng.uniform(14, 18.5)
    magnitudes = r + DWARF_COLOURS * rng.uniform(0.2, 0.7)
    light = eclipsing_light(
        magnitudes[:3],
        period_days=float(rng.lognormal(np.log(4 if spot.is_new else 0.7), 0.5)),
        depth=float(rng.uniform(0.2, 0.9)),
        width=float(rng.uniform(0.02, 0.08)),
        phase=float(rng.uniform()),
    )
    neighbour = star_at_place(magnitudes, ebv=spot.ebv, rng=rng)
    return _variable("eclipsing binary", spot, light, neighbour, rng)


def build_outburst(spot: Spot, rng: np.random.Generator) -> Source:
    """Build a cataclysmic variable in outburst; its star may be too faint for the catalogue."""
    r = draw_magnitude(15.5, 20.0, rng, slope=0.3)
    peak = r + np.array([-0.05, 0.0, 0.05]) + rng.normal(0, 0.08, 3)
    age = rng.uniform(-4, 1) if spot.is_new else rng.uniform(-4, 35)
    light = outburst_light(
        peak,
        start_jd=spot.merger_jd - age,
        rise_days=float(rng.uniform(0.4, 1.2)),
        plateau_days=float(rng.gamma(2, 2.0)),
        decline_mag_per_day=float(rng.uniform(0.4, 1.2)),
    )
    quiet = r + rng.uniform(2.5, 6) + np.array([0.2, 0.0, -0.1, -0.15])
    neighbour = star_at_place(quiet, ebv=spot.ebv, rng=rng)
    past = None if spot.is_new or rng.uniform() < 0.5 else _draw_past(spot, 30, rng)
    return Source("CV", spot.ra, spot.dec, spot.dim(light), neighbour, fast=True, past=past)


def build_flare(spot: Spot, rng: np.random.Generator) -> Source:
    """Build an M dwarf's flare, seen within an hour or so of its peak."""
    half_width = float(rng.lognormal(np.log(12), 0.7)) / 1440
    peak_g = draw_magnitude(16.5, 20.8, rng, slope=0.4)
    moment = spot.draw_moments(1, rng)[0] - rng.uniform(-0.5, 2) * half_width
    # A black body of some 9,000 K, as in Davenport et al. 2014 and their sources.
    light = flare_light(
        peak_g + np.array([0.0, 0.1, 0.25]), peak_jd=float(moment), half_width_days=half_width
    )
    quiet = peak_g + rng.uniform(-1.0, 2.5) + DWARF_COLOURS - DWARF_COLOURS[0]
    neighbour = star_at_place(quiet, ebv=spot.ebv, rng=rng)
    return Source("flare", spot.ra, spot.dec, spot.dim(light), neighbour, fast=True)


def build_asteroid(spot: Spot, rng: np.random.Generator) -> Source:
    """Build an asteroid that crosses the place in one exposure; most are known."""
    r = draw_magnitude(16.5, 20.8, rng, slope=0.4)
    light = moment_light(
        r + np.array([0.5, 0.0, -0.15]),
        moments=spot.draw_moments(1, rng),
        seconds=EXPOSURE_WINDOW_S,
    )
    known = rng.uniform() < 0.87
    mover = Mover(
        name=str(rng.integers(2000, 700000)) if known else None,
        separation_arcsec=float(rng.rayleigh(0.6)),
        magnitude=float(r + rng.normal(0, 0.25)),
    )
    # No dust lies between here and an asteroid.
    return Source("asteroid", spot.ra, spot.dec, light, unrelated(rng), mover=mover)


def build_artefact(spot: Spot, rng: np.random.Generator) -> Source:
    """Build an artefact of subtraction: next to a star, in a galaxy's core or on empty sky."""
    times = 1 if rng.uniform() < 0.65 else int(rng.integers(2, 5))
    ratio = 4.5 + rng.exponential(5)
    limit = float(np.median(spot.exposures.limit))
    light = moment_light(
        np.full(3, limit - 2.5 * np.log10(ratio / 5)),
        moments=spot.draw_moments(times, rng),
        seconds=EXPOSURE_WINDOW_S,
        sign=-1.0 if rng.uniform() < 0.4 else 1.0,
    )
    where = rng.uniform()
    if where < 0.55:
        neighbour = bright_star(rng)
    elif where < 0.8:
        neighbour = nucleus_at_place(rng.uniform(15, 19) + GALAXY_COLOURS, ebv=spot.ebv, rng=rng)
    else:
        neighbour = unrelated(rng)
    return Source("bogus", spot.ra, spot.dec, light, neighbour, is_artefact=True)


def _explode(kind: str, spot: Spot, peak_r: float, age: float, rng: np.random.Generator) -> Source:
    template = TEMPLATES[kind]
    brighter = float(rng.normal(0, template.scatter))
    distance = float(10 ** ((peak_r - template.peak + brighter - 25) / 5))
    return explode(kind, spot, age_days=age, distance_mpc=distance, brighter=brighter, rng=rng)


def explode(
    kind: str,
    spot: Spot,
    *,
    age_days: float,
    distance_mpc: float,
    brighter: float,
    rng: np.random.Generator,
) -> Source:
    """Build an explosion of a kind in its host; `age_days` is its age at the merger."""
    template = TEMPLATES[kind]
    light = explosion_light(
        template,
        start_jd=spot.merger_jd - age_days,
        distance_mpc=distance_mpc,
        brighter=brighter,
        pace=float(rng.lognormal(0, template.pace)),
    )
    in_host = behind_dust(light, float(rng.exponential(template.host_ebv)))
    magnitude, offset = HOSTS.get(kind, USUAL_HOST)
    neighbour = host_galaxy(
        absolute_magnitude=rng.normal(magnitude, 1.2),
        distance_mpc=distance_mpc / (1 + redshift_at(distance_mpc)) ** 2,
        offset_kpc=float(rng.exponential(offset)),
        ebv=spot.ebv,
        rng=rng,
    )
    return Source(kind, spot.ra, spot.dec, spot.dim(in_host), neighbour)


def _nuclear_flare(spot: Spot, rng: np.random.Generator) -> Light:
    return outburst_light(
        draw_magnitude(18.0, 20.3, rng) + np.array([-0.05, 0.0, 0.05]),
        start_jd=spot.merger_jd - rng.uniform(-3.5, 12),
        rise_days=float(rng.uniform(8, 40)),
        plateau_days=60.0,
        decline_mag_per_day=0.05,
    )


def _variable(
    kind: str,
    spot: Spot,
    light: Light,
    neighbour: Neighbour,
    rng: np.random.Generator,
) -> Source:
    past = None if spot.is_new else _draw_past(spot, 200, rng)
    return Source(kind, spot.ra, spot.dec, spot.dim(light), neighbour, past=past)


def _draw_past(spot: Spot, typical: int, rng: np.random.Generator) -> Past:
    first = rng.uniform(SURVEY_START_JD, float(spot.exposures.jd[0]) - 100)
    return Past(first_jd=float(first), detections=1 + int(rng.exponential(typical)))
