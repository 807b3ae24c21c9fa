"""A smooth halo and thick disk of stars as Gaia would see them, and a cold stream before them.

No star of the real sky: the order of magnitude of what stands around a stream 50 degrees from the
Galactic plane, in a circle of 7 degrees, farther than 1 kpc. The shapes of the halo and of the disk
are those of Juric et al. 2008 (https://doi.org/10.1086/523619). The halo is at rest and the disk
rotates, as the Sun sees them. The errors of proper motions are about those of Gaia DR3.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from ml_plugins.gaia_context.table import EPOCH, Stars
from tom.scoring.contract import BoolArray, FloatArray

RA, DEC, RADIUS_DEG = 157.5, 41.8, 7.0
LONGITUDE, LATITUDE = np.radians(140.0), np.radians(50.0)
SUN_KPC: Final = 8.2
KM_S: Final = 4.74
"""The speed, km/s, at 1 kpc of which the proper motion is 1 mas/yr."""
BRIGHTEST, FAINTEST = 14.0, 19.5
STREAM_KPC: Final = 9.0
WIDTH_DEG: Final = 0.25
"""One sigma of a stream's width: 40 pc at its distance."""

_MAGNITUDE: Final = np.linspace(-2, 10, 1201)
# How many stars there are of each absolute magnitude in G, and how blue (BP - RP) an old one is.
_UP_TO: Final = np.cumsum(
    np.interp(
        _MAGNITUDE,
        [-2, 0, 1, 2, 3, 3.5, 4, 5, 6, 7, 8, 9, 10],
        [0.001, 0.01, 0.02, 0.04, 0.08, 0.15, 0.4, 0.7, 0.9, 1.0, 1.2, 1.5, 1.8],
    )
)
_COLOUR: Final = np.interp(
    _MAGNITUDE,
    [-2, -1, 0, 1, 2, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10],
    [1.45, 1.25, 1.05, 0.95, 0.88, 0.78, 0.62, 0.56, 0.57, 0.62, 0.78, 0.98, 1.25, 1.55, 1.85],
)


@dataclass(frozen=True, eq=False)
class Sky:
    """Simulated stars, and which of them are of the stream, shape (n,)."""

    stars: Stars
    is_stream: BoolArray


def simulate(rng: np.random.Generator, *, smooth: int, stream: int) -> Sky:
    """Return a patch of the sky with so many stars of the smooth kind and so many of a stream."""
    x, y, pm_x, pm_y, g, bp_rp = np.concatenate([_smooth(smooth, rng), _stream(stream, rng)]).T
    dec = DEC + y
    stars = Stars(
        ra=RA + x / np.cos(np.radians(dec)),
        dec=dec,
        pmra=pm_x,
        pmdec=pm_y,
        g=g,
        bp_rp=bp_rp,
        epoch=np.full(len(x), EPOCH),
        is_judged=np.ones(len(x), bool),
    )
    return Sky(stars, np.arange(len(x)) >= smooth)


def _smooth(n: int, rng: np.random.Generator) -> FloatArray:
    grid = np.geomspace(1, 60, 2000)
    halo, disk = _densities(grid)
    low, high = _visible(grid)
    chance = (halo + disk) * grid**3 * (high - low)
    row = rng.choice(len(grid), n, p=chance / chance.sum())
    is_disk = rng.uniform(size=n) < (disk / (halo + disk))[row]
    absolute = np.interp(rng.uniform(low[row], high[row]), _UP_TO, _MAGNITUDE)
    speed = np.where(
        is_disk,
        rng.normal([[20], [-30]], [[50], [40]], (2, n)),
        rng.normal([[-100], [-150]], [[130], [110]], (2, n)),
    )
    redder = np.where(is_disk, 0.06, 0.0) + rng.normal(0, 0.06, n)
    kpc = grid[row]
    return _observed(_places(n, rng), speed / KM_S / kpc, absolute, kpc, redder, rng)


def _stream(n: int, rng: np.random.Generator) -> FloatArray:
    """Return stars along a line through the patch, of one distance and nearly one motion."""
    angle, off = rng.uniform(0, np.pi), rng.uniform(-3, 3)
    along = rng.uniform(-0.95, 0.95, n) * np.sqrt(RADIUS_DEG**2 - off**2)
    across = off + rng.normal(0, WIDTH_DEG, n)
    cos, sin = np.cos(angle), np.sin(angle)
    place = np.stack([along * cos - across * sin, along * sin + across * cos])
    kpc = np.full(n, STREAM_KPC)
    low, high = _visible(kpc)
    absolute = np.interp(rng.uniform(low, high), _UP_TO, _MAGNITUDE)
    mean = rng.normal([[-100], [-150]], [[130], [110]]) / KM_S / STREAM_KPC
    turns = rng.normal(0, 0.05, (2, 1)) * along
    motion = mean + turns + rng.normal(0, 0.1, (2, n))
    return _observed(place, motion, absolute, kpc, rng.normal(0, 0.02, n), rng)


def _observed(
    place: FloatArray,
    motion: FloatArray,
    absolute: FloatArray,
    kpc: FloatArray,
    redder: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Return place, proper motion, G and colour with Gaia's errors, shape (n, 6)."""
    g = absolute + 5 * np.log10(kpc * 100)
    error = np.interp(g, [13, 15, 17, 18, 19, 20], [0.02, 0.03, 0.08, 0.13, 0.25, 0.5])
    bp_rp = np.interp(absolute, _MAGNITUDE, _COLOUR) + redder + rng.normal(0, 0.02, len(g))
    return np.stack([*place, *(motion + error * rng.normal(size=motion.shape)), g, bp_rp], axis=1)


def _places(n: int, rng: np.random.Generator) -> FloatArray:
    """Return places in the circle, shape (2, n): at one edge twice as dense as at the other."""
    radius, angle = RADIUS_DEG * np.sqrt(rng.uniform(size=4 * n)), rng.uniform(0, 2 * np.pi, 4 * n)
    place = radius * np.stack([np.cos(angle), np.sin(angle)])
    kept = np.flatnonzero(rng.uniform(size=4 * n) < 0.6 + 0.2 * place[0] / RADIUS_DEG)
    return np.asarray(place[:, kept[:n]])


def _densities(kpc: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the densities of the halo and of the thick disk at distances from the Sun."""
    flat, height = kpc * np.cos(LATITUDE), kpc * np.sin(LATITUDE)
    radius = np.sqrt(SUN_KPC**2 + flat**2 - 2 * SUN_KPC * flat * np.cos(LONGITUDE))
    halo = 0.006 * ((radius**2 + (height / 0.6) ** 2) / SUN_KPC**2) ** -1.75
    return halo, 0.1 * np.exp(-height / 0.9 - (radius - SUN_KPC) / 3)


def _visible(kpc: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how many stars, of all, are brighter than the bright and than the faint limit."""
    modulus = 5 * np.log10(kpc * 100)
    bright, faint = (
        np.interp(limit - modulus, _MAGNITUDE, _UP_TO) for limit in (BRIGHTEST, FAINTEST)
    )
    return bright, faint
