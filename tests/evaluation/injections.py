"""Simulated mergers in the galaxies of a catalogue: where each is, and the map that it gets."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tom.sky import SkyMap, build_skymap, cone_localization, cone_sigma_deg
from tom.sky.arrays import FloatArray
from tom.sky.hosts import HALF_LIGHT_SCALES, WIDE_FACTOR, WIDE_SHARE, half_light_arcsec

# Mpc: nearer galaxies have no distance to speak of.
NEAREST_MPC = 10.0


@dataclass(frozen=True)
class Setting:
    """What is simulated: hosts within the reach by light, and round maps of one 90% area.

    The usual values are those of the injections of tessera-gw 1.3.0: a Gaussian of 1.5 degrees on
    the sky, and a distance known to 20%.
    """

    count: int = 200
    seed: int = 1
    reach_mpc: float = 100.0
    area_deg2: float = 32.6
    distance_error: float = 0.2


@dataclass(frozen=True, eq=False)
class Injection:
    """A merger in galaxy number `host`, at a place in it, with the map of its waves."""

    host: int
    ra: float
    dec: float
    skymap: SkyMap


def make_injections(
    numbers: Mapping[str, FloatArray], light: FloatArray, error_mpc: FloatArray, setting: Setting
) -> list[Injection]:
    """Draw hosts by their light within the reach, and a map for each.

    `numbers` are the columns of the galaxies, `light` their luminosities and `error_mpc` the whole
    errors of their distances, shape `(g,)` each. The true distance differs from the catalogue's by
    a draw from its error.
    """
    random = np.random.default_rng(setting.seed)
    distance = numbers["distance_mpc"]
    actual = np.abs(distance + error_mpc * random.normal(size=len(distance)))
    near = (actual > NEAREST_MPC) & (actual < setting.reach_mpc)  # NaN is neither
    chance = np.where(near, light, 0.0)
    hosts = random.choice(len(distance), setting.count, p=chance / chance.sum())
    return [_inject(int(host), numbers, float(actual[host]), setting, random) for host in hosts]


def _inject(
    host: int,
    numbers: Mapping[str, FloatArray],
    distance_mpc: float,
    setting: Setting,
    random: np.random.Generator,
) -> Injection:
    radius = float(np.sqrt(setting.area_deg2 / np.pi))
    ra, dec = _offset(numbers, host, random)
    # The map's middle lies off the truth as the map says.
    east, north = random.normal(size=2) * cone_sigma_deg(radius_deg=radius, containment=0.9)
    flat = cone_localization(
        ra=float((ra + east / max(np.cos(np.radians(dec)), 0.05)) % 360),
        dec=float(np.clip(dec + north, -89.9, 89.9)),
        radius_deg=radius,
        containment=0.9,
    )
    sigma = setting.distance_error * distance_mpc
    mu = np.full(flat.n, max(distance_mpc + sigma * random.normal(), sigma))
    spread = np.full(flat.n, sigma)
    skymap = build_skymap(
        level=flat.level,
        ipix=flat.ipix,
        probdensity=flat.probdensity,
        distance=(mu, spread, 1 / (mu**2 + spread**2)),
    )
    return Injection(host, ra, dec, skymap)


def _offset(
    numbers: Mapping[str, FloatArray], host: int, random: np.random.Generator
) -> tuple[float, float]:
    """Draw a place in a galaxy as `tom.sky.hosts.offset_density` has it."""
    size = half_light_arcsec(
        diameter_arcsec=numbers["diameter_arcsec"][host], distance_mpc=numbers["distance_mpc"][host]
    )
    ratio, angle = numbers["axis_ratio"][host], numbers["position_angle_deg"][host]
    q = 1.0 if np.isnan(ratio) else float(ratio)
    axis = random.uniform(0, 180) if np.isnan(angle) else float(angle)
    scale = 1 / HALF_LIGHT_SCALES * (WIDE_FACTOR if random.random() < WIDE_SHARE else 1.0)
    radius, around = float(size) * random.gamma(2.0, scale), random.uniform(0, 2 * np.pi)
    major, minor = radius * np.cos(around), radius * q * np.sin(around)
    turn = np.radians(axis)
    north = major * np.cos(turn) - minor * np.sin(turn)
    east = major * np.sin(turn) + minor * np.cos(turn)
    ra, dec = numbers["ra"][host], numbers["dec"][host]
    return (
        float((ra + east / 3600 / np.cos(np.radians(dec))) % 360),
        float(np.clip(dec + north / 3600, -90, 90)),
    )
