"""Other ways to order a list: what people do by hand, and a published product of factors."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from tom.benchmark.nights import HardNight
from tom.benchmark.rankings import Listed
from tom.benchmark.sights import Sights, Watch
from tom.sky.arrays import FloatArray

Rival = Callable[[Sights], FloatArray]
"""A value of each candidate, shape (n,): the largest first. NaN goes last."""

FIRST = 1000.0  # more than any magnitude
# TROVE's kilonova: its peak luminosity in erg/s, the time of its peak in days, its decline in
# mag/day, and what a candidate outside keeps.
MOST_LUMINOUS, LATEST_PEAK_DAYS, SLOWEST_DECLINE, OUTSIDE = 1e43, 4.0, 0.1, 0.1
LEAST_LEFT = 0.01  # of 1 - credible level: a candidate with less is out
LEAST_SEEN: Final = 2
ACTIVE: Final = 3  # detections before the merger
FREQUENCY_HZ: Final = 4.8e14  # of r
MPC_CM: Final = 3.0857e24


def brightest_first(sights: Sights) -> FloatArray:
    """By the magnitude of the newest alert."""
    return -sights.magnitude


def brightest_new(sights: Sights) -> FloatArray:
    """First those first seen after the merger, each part by the magnitude of the newest alert."""
    return np.where(sights.is_new, FIRST, 0.0) - sights.magnitude


def brightest_after_cuts(sights: Sights) -> FloatArray:
    """First what passes the usual cuts, each part by the magnitude of the newest alert.

    Seen first after the merger, since then at least twice above the reference image and called real
    by the survey's network, on no catalogued star and on no known minor planet.
    """
    passes = sights.is_new & (sights.n_after >= LEAST_SEEN) & ~sights.on_star & ~sights.on_planet
    return np.where(passes, FIRST, 0.0) - sights.magnitude


def newest(sights: Sights) -> FloatArray:
    """By the time of the first detection, the latest first."""
    return sights.first_days


def at_random(sights: Sights) -> FloatArray:
    """By a number that the name gives: the same at each hour."""
    digests = [hashlib.sha256(name.encode()).digest() for name in sights.names]
    return np.array([int.from_bytes(digest[:6], "big") for digest in digests], float)


def by_credible_level(sights: Sights) -> FloatArray:
    """By the place on the map, the most probable first."""
    return -sights.level


def by_decline(sights: Sights) -> FloatArray:
    """Those first seen after the merger by the fastest decline in a band; the others last."""
    return np.where(sights.is_new, sights.decline, np.nan)


def by_product(sights: Sights) -> FloatArray:
    """TROVE's product for a kilonova, of what an alert tells.

    The host's distance and the AGN catalogue are not in the alerts: as in TROVE, what is missing
    counts 1.
    """
    left = np.where(1 - sights.level < LEAST_LEFT, 0.0, 1 - sights.level)
    excluded = sights.on_star | sights.on_planet
    active = np.where(sights.n_before >= ACTIVE, OUTSIDE, 1.0)
    luminous = np.where(_luminosity(sights) > MOST_LUMINOUS, OUTSIDE, 1.0)
    late = np.where(sights.peak_days > LATEST_PEAK_DAYS, OUTSIDE, 1.0)
    slow = np.where(sights.decline < SLOWEST_DECLINE, OUTSIDE, 1.0)
    return np.where(excluded, 0.0, left * active * luminous * late * slow)


def _luminosity(sights: Sights) -> FloatArray:
    """Return nu L_nu at the peak in erg/s, at the map's distance; NaN: not known."""
    flux = 10 ** (-0.4 * (sights.peak_magnitude + 48.6))
    return np.asarray(4 * np.pi * (sights.distance_mpc * MPC_CM) ** 2 * FREQUENCY_HZ * flux)


RIVALS: Final[Mapping[str, Rival]] = {
    "brightest first": brightest_first,
    "brightest of the new": brightest_new,
    "brightest after cuts": brightest_after_cuts,
    "newest": newest,
    "random": at_random,
    "credible level": by_credible_level,
    "decline": by_decline,
    "TROVE's product": by_product,
}


def in_order(sights: Sights, rival: Rival) -> list[str]:
    """Return the names of the candidates, the best first; the name decides between equals."""
    values = np.nan_to_num(rival(sights), nan=-np.inf)
    return [sights.names[row] for row in np.lexsort((np.array(sights.names), -values)).tolist()]


def rank_by_all(night: HardNight) -> dict[str, list[Listed]]:
    """Return the lists of all rivals; what is known at an hour is looked up once."""
    watch = Watch(night)
    found: dict[str, list[Listed]] = {name: [] for name in RIVALS}
    for hour in watch.hours:
        sights = watch.at(hour)
        for name, rival in RIVALS.items():
            order = in_order(sights, rival)
            found[name].append(Listed(night.seed, float(hour), tuple(order), None, None))
    return found
