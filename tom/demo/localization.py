"""The simulated merger's sky map: an arc from two detectors, made shorter by a third.

The maps are consistent with each other and with the truth: the update's centre is drawn from
the preliminary posterior, and the kilonova's place and distance from the update's, so that over
many seeds it lies inside the 90% region nine times in ten.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from tom.demo.ephemeris import altitude, equatorial, sun_longitude
from tom.sky import SkyMap, build_skymap, galactic
from tom.sky.arrays import BoolArray, FloatArray, IntArray
from tom.sky.quick_healpy import healpy

FIRST_LEVEL = 4
REFINEMENTS = 7  # as BAYESTAR: 3,072 pixels, then seven times the best 768 in four: 19,200
SPLIT = 768
DISTANCE_RANGE_MPC = (40.0, 120.0)


@dataclass(frozen=True)
class Arc:
    """A piece of a ring on the sky, with a distance.

    `pole` is the ring's axis (unit vector), `radius` its opening angle, `along` the azimuth
    of the middle, `length` and `width` one sigma; angles in radians. Distances in Mpc:
    `distance` at the middle, `slope` its relative change per sigma along the arc,
    `spread` the relative sigma.
    """

    pole: FloatArray
    radius: float
    along: float
    length: float
    width: float
    distance: float
    slope: float
    spread: float


def draw_arcs(merger_jd: float, rng: np.random.Generator) -> tuple[Arc, Arc]:
    """Draw the preliminary and the updated arc, in a part of the sky that Palomar can see."""
    wide = _draw_wide(rng)
    while not is_observable(middle_of(wide), merger_jd):
        wide = _draw_wide(rng)
    length = wide.length * rng.uniform(0.4, 0.6)
    width = wide.width * rng.uniform(0.6, 0.8)
    narrow = replace(
        wide,
        along=wide.along + rng.normal(0, np.sqrt(wide.length**2 - length**2)),
        radius=wide.radius + rng.normal(0, np.sqrt(wide.width**2 - width**2)),
        length=length,
        width=width,
        distance=wide.distance * (1 + rng.normal(0, 0.1)),
        spread=wide.spread * 0.8,
    )
    return wide, narrow


def make_skymap(arc: Arc) -> SkyMap:
    """Make the 3D multi-order map of an arc, refined where it is probable."""
    level, ipix = _refined_pixels(arc)
    offset, density = _density(arc, level, ipix)
    mu = arc.distance * (1 + arc.slope * np.clip(offset, -3, 3))
    sigma = arc.spread * mu
    skymap = build_skymap(
        level=level,
        ipix=ipix,
        probdensity=density,
        distance=(mu, sigma, _distance_norm(mu, sigma)),
    )
    mean, std = _distance_moments(skymap)
    return replace(skymap, distance_mean=mean, distance_std=std)


def draw_position(
    skymap: SkyMap, weights: FloatArray, rng: np.random.Generator
) -> tuple[float, float, int]:
    """Draw a direction (ICRS degrees) and its row, rows chosen by weights that sum to one."""
    cumulative = np.cumsum(weights)
    row = int(np.searchsorted(cumulative, rng.uniform() * cumulative[-1], side="right"))
    hpx29 = int(rng.integers(skymap.start29[row], skymap.stop29[row]))
    ra, dec = healpy.pix2ang(2**29, hpx29, nest=True, lonlat=True)
    return float(ra), float(dec), row


def draw_distance(
    skymap: SkyMap,
    row: int,
    rng: np.random.Generator,
    *,
    within: tuple[float, float] = DISTANCE_RANGE_MPC,
) -> float:
    """Draw a distance in Mpc from a row's own distribution, within a range."""
    if skymap.distmu is None or skymap.distsigma is None:
        message = "the map has no distances"
        raise ValueError(message)
    grid = np.linspace(*within, 500)
    density = grid**2 * norm.pdf(grid, skymap.distmu[row], skymap.distsigma[row])
    return float(rng.choice(grid, p=density / density.sum()))


def _draw_wide(rng: np.random.Generator) -> Arc:
    pole = rng.normal(size=3)
    return Arc(
        pole=pole / np.linalg.norm(pole),
        radius=float(np.deg2rad(rng.uniform(40, 80))),
        along=float(rng.uniform(0, 2 * np.pi)),
        length=float(np.deg2rad(rng.uniform(8, 12)) / np.sin(np.deg2rad(60))),
        width=float(np.deg2rad(rng.uniform(1.0, 1.7))),
        distance=float(rng.uniform(50, 90)),
        slope=float(rng.uniform(-0.08, 0.08)),
        spread=float(rng.uniform(0.22, 0.3)),
    )


def is_observable(direction: FloatArray, merger_jd: float) -> BoolArray:
    """Whether a direction is up for hours on the nights after, and outside the Milky Way."""
    ra, dec = healpy.vec2ang(direction, lonlat=True)
    midnight = np.floor(merger_jd) + 0.825
    times = midnight + np.arange(-0.5, 0.5, 10 / 1440)
    dark = altitude(times, *equatorial(sun_longitude(times))) < -14
    up = dark & (altitude(times, ra, dec) > 40)
    _, latitude = galactic(ra, dec)
    return np.asarray((up.sum() > 18) & (np.abs(latitude[0]) > 20))


def _frame(arc: Arc) -> tuple[FloatArray, FloatArray]:
    """Return two axes across the arc's pole."""
    helper = np.eye(3)[np.argmin(np.abs(arc.pole))]
    first = np.cross(arc.pole, helper)
    first /= np.linalg.norm(first)
    return first, np.cross(arc.pole, first)


def middle_of(arc: Arc) -> FloatArray:
    """Return the direction of an arc's middle, a unit vector."""
    first, second = _frame(arc)
    around = np.cos(arc.along) * first + np.sin(arc.along) * second
    return np.asarray(np.cos(arc.radius) * arc.pole + np.sin(arc.radius) * around)


def _density(arc: Arc, level: IntArray, ipix: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return each pixel's place along the arc in sigmas, and its relative density."""
    directions = np.stack(healpy.pix2vec(2**level, ipix, nest=True), axis=-1)
    first, second = _frame(arc)
    azimuth = np.arctan2(directions @ second, directions @ first)
    along = ((azimuth - arc.along + np.pi) % (2 * np.pi) - np.pi) / arc.length
    across = (np.arccos(np.clip(directions @ arc.pole, -1, 1)) - arc.radius) / arc.width
    # A faint floor everywhere: no real map is zero over most of the sky.
    return along, np.exp(-0.5 * (along**2 + across**2)) + 1e-7


def _refined_pixels(arc: Arc) -> tuple[IntArray, IntArray]:
    level = np.full(12 * 4**FIRST_LEVEL, FIRST_LEVEL, dtype=np.int64)
    ipix = np.arange(len(level), dtype=np.int64)
    for _ in range(REFINEMENTS):
        probability = _density(arc, level, ipix)[1] * np.ldexp(1.0, -2 * level)
        order = np.argsort(-probability, kind="stable")
        best, rest = order[:SPLIT], order[SPLIT:]
        children = (4 * ipix[best, None] + np.arange(4)).ravel()
        ipix = np.concatenate([ipix[rest], children])
        level = np.concatenate([level[rest], np.repeat(level[best] + 1, 4)])
    return level, ipix


def _distance_norm(mu: FloatArray, sigma: FloatArray) -> FloatArray:
    """Return N such that the integral of N r^2 Normal(r; mu, sigma) over r > 0 is one."""
    z = mu / sigma
    return np.asarray(1 / ((mu**2 + sigma**2) * norm.cdf(z) + mu * sigma * norm.pdf(z)))


def _distance_moments(skymap: SkyMap) -> tuple[float, float]:
    """Return mean and standard deviation in Mpc over the whole map.

    Moments of r^2 Normal(r; mu, sigma), its tail below zero left out: here mu > 3 sigma.
    """
    if skymap.distmu is None or skymap.distsigma is None:
        return float("nan"), float("nan")
    mu, variance = skymap.distmu, skymap.distsigma**2
    second = mu**2 + variance
    mean = float(skymap.probability @ (mu * (mu**2 + 3 * variance) / second))
    square = float(skymap.probability @ ((mu**4 + 6 * mu**2 * variance + 3 * variance**2) / second))
    return mean, float(np.sqrt(square - mean**2))
