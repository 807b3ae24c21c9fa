"""The galaxies of a hard night, as a catalogue lists them: hosts and all others.

Explosions and the merger's light lie in galaxies drawn by their light. All other galaxies are even
in volume: here galaxies do not cluster. A catalogue to one apparent magnitude lists them. It has
nine tenths of the light at 80 Mpc, six tenths at 200 Mpc and a fifth at 350 Mpc, and 21 galaxies in
a square degree. The table of GLADE+ with sizes has 19 (791,436 over the sky).
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tom.benchmark.places import Ground
from tom.demo.population import Observed
from tom.sky.arrays import FloatArray
from tom.sky.healpix import radec_of_vectors, unit_vectors

# Schechter's function in B, luminosities in 1e10 suns. The slope is that of Gehrels et al. 2016
# (arXiv:1508.03608); their characteristic luminosity is 2.45, here it is -20.3 mag (assumed). The
# mean luminosity of a Mpc3 is that of Kopparapu et al. 2008 (https://doi.org/10.1086/527348).
CHARACTERISTIC, SLOPE, MEAN_LUMINOSITY = 2.05, -1.07, 1.98e-2
SUN_B: Final = 5.48
LIMIT_B: Final = 17.0  # Vega
FARTHEST_MPC: Final = 700.0
LUMINOSITIES: Final = np.geomspace(1e-3, 30.0, 2000)
# Half-light radii grow with the square root of the luminosity, about 4 kpc; a third have no size.
HALF_LIGHT_KPC, SIZE_SCATTER, WITHOUT_SIZE = 4.0, 0.3, 0.33
# The share with a spectroscopic redshift, and the relative error of other distances.
SPECTROSCOPIC, PHOTOMETRIC_ERROR = 0.8, 0.15
KPC_ARCSEC: Final = 206.265  # of one kpc at one Mpc
# A transient's offset follows an exponential disk; a quarter of mergers lie four times farther out.
SCALES_IN_HALF_LIGHT, WIDE_SHARE, WIDE_FACTOR = 1.678, 0.25, 4.0


COLUMNS: Final = (
    *("id", "ra", "dec", "distance", "distance_error", "kind", "diameter", "b_magnitude"),
)


class Galaxies(NamedTuple):
    """Galaxies in a catalogue, each array of shape (g,): ICRS degrees, Mpc, arcsec, mag (Vega).

    `diameter_arcsec` is NaN where it lists none.
    """

    ra: FloatArray
    dec: FloatArray
    distance_mpc: FloatArray
    distance_error_mpc: FloatArray
    is_spectroscopic: FloatArray
    diameter_arcsec: FloatArray
    b_magnitude: FloatArray

    def write(self, path: Path) -> None:
        """Write them as a CSV with the columns `COLUMNS`; what is not known is empty."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for number, row in enumerate(zip(*self, strict=True)):
                ra, dec, far, error, is_spectroscopic, size, magnitude = map(float, row)
                kind = "spectroscopic" if is_spectroscopic else "photometric"
                told = "" if np.isnan(size) else round(size, 2)
                place = round(ra, 6), round(dec, 6), round(far, 3), round(error, 3)
                writer.writerow([number, *place, kind, told, round(magnitude, 3)])


def listed_light(distance_mpc: FloatArray) -> FloatArray:
    """Return the share of the light at distances in Mpc that the catalogue lists, 0 to 1."""
    light = _number() * LUMINOSITIES
    total = np.concatenate([[0.0], np.cumsum(np.diff(LUMINOSITIES) * (light[1:] + light[:-1]) / 2)])
    faintest = 10 ** (0.4 * (SUN_B - (LIMIT_B - 5 * np.log10(distance_mpc) - 25)) - 10)
    return np.asarray(1 - np.interp(faintest, LUMINOSITIES, total) / total[-1])


def draw_galaxies(
    ground: Ground, objects: Sequence[Observed], outside: float, rng: np.random.Generator
) -> Galaxies:
    """Draw what a catalogue lists: the hosts of objects with a distance, and all other galaxies.

    `outside` as in `tom.benchmark.nights.Setting`.
    """
    hosts = [each for each in objects if each.distance_mpc is not None]
    far = np.array([each.distance_mpc for each in hosts], float)
    light = _draw_luminosities(len(hosts), rng, by_light=True)
    radius = _half_light_kpc(light, rng)
    scales = rng.gamma(2.0, 1 / SCALES_IN_HALF_LIGHT, len(hosts))
    is_merger = np.array([each.source.fast for each in hosts], bool)
    wide = is_merger & (rng.uniform(size=len(hosts)) < WIDE_SHARE)
    kpc = scales * radius * np.where(wide, WIDE_FACTOR, 1.0)
    places = _beside(hosts, kpc / far * KPC_ARCSEC, rng)
    own = _listed(*places, far, light, radius, rng)
    columns = [*map(np.concatenate, zip(own, _draw_others(ground, outside, rng), strict=True))]
    order = rng.permutation(len(columns[0]))  # their order tells no host
    return Galaxies(*(column[order] for column in columns))


def _draw_others(ground: Ground, outside: float, rng: np.random.Generator) -> Galaxies:
    per_mpc3 = np.trapezoid(_number(), LUMINOSITIES)
    volume = (4 / 3) * np.pi * FARTHEST_MPC**3 * ground.area_deg2 / 41252.96
    found = []
    for draw, of in ((ground.draw_inside, 1.0), (ground.draw_outside, outside)):
        # Only those bright enough to be listed at all are placed.
        far = FARTHEST_MPC * rng.uniform(size=rng.poisson(per_mpc3 * volume * of)) ** (1 / 3)
        light = _draw_luminosities(len(far), rng, by_light=False)
        seen = _b_magnitude(light, far) < LIMIT_B
        ra, dec = draw(int(seen.sum()), rng)
        far, light = far[seen][: len(ra)], light[seen][: len(ra)]
        found.append(_listed(ra, dec, far, light, _half_light_kpc(light, rng), rng))
    return Galaxies(*map(np.concatenate, zip(*found, strict=True)))


def _number() -> FloatArray:
    """The number of galaxies by luminosity, 1/Mpc3/1e10 suns, at `LUMINOSITIES`."""
    shape = (LUMINOSITIES / CHARACTERISTIC) ** SLOPE * np.exp(-LUMINOSITIES / CHARACTERISTIC)
    return np.asarray(shape * MEAN_LUMINOSITY / np.trapezoid(shape * LUMINOSITIES, LUMINOSITIES))


def _draw_luminosities(n: int, rng: np.random.Generator, *, by_light: bool) -> FloatArray:
    density = _number() * (LUMINOSITIES if by_light else 1.0)
    steps = np.diff(LUMINOSITIES) * (density[1:] + density[:-1]) / 2
    total = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(np.interp(rng.uniform(0, total[-1], n), total, LUMINOSITIES))


def _b_magnitude(light: FloatArray, distance_mpc: FloatArray) -> FloatArray:
    return np.asarray(SUN_B - 2.5 * (np.log10(light) + 10) + 5 * np.log10(distance_mpc) + 25)


def _half_light_kpc(light: FloatArray, rng: np.random.Generator) -> FloatArray:
    scatter = rng.lognormal(0, SIZE_SCATTER, len(light))
    return np.asarray(HALF_LIGHT_KPC * np.sqrt(light / CHARACTERISTIC) * scatter)


def _beside(
    objects: Sequence[Observed], off_arcsec: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw places so far from objects: ICRS degrees."""
    ra, dec = (np.array([getattr(o.source, name) for o in objects]) for name in ("ra", "dec"))
    here, longitude = unit_vectors(ra, dec), np.radians(ra)
    east = np.stack([-np.sin(longitude), np.cos(longitude), np.zeros(len(ra))], axis=-1)
    north, angle = np.cross(here, east), rng.uniform(0, 2 * np.pi, len(ra))[:, None]
    off = np.radians(off_arcsec / 3600)[:, None]
    there = here + np.tan(off) * (np.sin(angle) * east + np.cos(angle) * north)
    return radec_of_vectors(there / np.linalg.norm(there, axis=1, keepdims=True))


def _listed(
    ra: FloatArray,
    dec: FloatArray,
    far: FloatArray,
    light: FloatArray,
    radius_kpc: FloatArray,
    rng: np.random.Generator,
) -> Galaxies:
    """Return those bright enough, with distances and sizes as they were measured."""
    n = len(far)
    magnitude = _b_magnitude(light, far)
    is_spectroscopic = rng.uniform(size=n) < SPECTROSCOPIC
    error = np.where(is_spectroscopic, 0.5, PHOTOMETRIC_ERROR * far)
    told = np.maximum(far + error * rng.normal(size=n), 1.0)
    size = 4 * radius_kpc / far * KPC_ARCSEC
    size = np.where(rng.uniform(size=n) < WITHOUT_SIZE, np.nan, size)
    shown = np.flatnonzero(magnitude < LIMIT_B)
    columns = (ra, dec, told, error, is_spectroscopic, size, magnitude)
    return Galaxies(*(np.asarray(column, float)[shown] for column in columns))
