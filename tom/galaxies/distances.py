"""Distances and redshifts of galaxies, one from the other, with their errors."""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from tom.galaxies.mapping import Errors
from tom.galaxies.models import DistanceKind
from tom.sky.arrays import FloatArray

LEAST_REDSHIFT, MOST_REDSHIFT = 1e-6, 20.0
# Of galaxies along one direction, 250 km/s over the Hubble constant of 67.7.
PECULIAR_MPC = 3.7
# Of a galaxy whose distance has no error, relative to the distance.
UNTOLD_ERROR = 0.3


@cache
def _table() -> tuple[FloatArray, FloatArray]:
    """Return redshifts, ascending, and the luminosity distance of each in Mpc (Planck 2018)."""
    from astropy.cosmology import Planck18  # slow to import

    redshifts = np.geomspace(LEAST_REDSHIFT, MOST_REDSHIFT, 2000)
    return redshifts, np.asarray(Planck18.luminosity_distance(redshifts).to_value("Mpc"))


def distance_of(redshift: FloatArray) -> FloatArray:
    """Return the luminosity distance in Mpc of redshifts; NaN where one is not above 0."""
    redshifts, distances = _table()
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.log(np.where(redshift > 0, redshift, np.nan))
    found = np.exp(np.interp(known, np.log(redshifts), np.log(distances)))
    return np.where(redshift > 0, found, np.nan)


def distance_error_of(redshift: FloatArray, error: FloatArray) -> FloatArray:
    """Return the error of a distance in Mpc from that of its redshift: half the span of both."""
    low = np.maximum(redshift - error, 1e-3 * redshift)
    return np.asarray((distance_of(redshift + error) - distance_of(low)) / 2)


def total_error(distance_mpc: FloatArray, error_mpc: FloatArray) -> FloatArray:
    """Return the errors of distances with the peculiar velocity in them, Mpc.

    NaN in `error_mpc`: the catalogue tells none. NaN where there is no distance either.
    """
    told = np.where(np.isnan(error_mpc), UNTOLD_ERROR * distance_mpc, error_mpc)
    return np.asarray(np.hypot(told, PECULIAR_MPC))


def fill_distances(
    numbers: dict[str, FloatArray], kinds: Sequence[str], errors: Mapping[DistanceKind, Errors]
) -> None:
    """Add the distances and errors that rows do not tell, from what they tell, in place.

    A distance that is told stays, even where it is another than the redshift's.
    """
    n = len(kinds)
    for name in ("distance", "distance_error", "redshift", "redshift_error"):
        numbers.setdefault(name, np.full(n, np.nan))
    redshift = numbers["redshift"]
    for kind, error in errors.items():
        rows = np.array([each == kind for each in kinds], bool)
        if error.redshift is not None:
            _fill(numbers, "redshift_error", rows, error.redshift * (1 + redshift))
        if error.distance is not None:
            _fill(numbers, "distance", rows, distance_of(redshift))
            _fill(numbers, "distance_error", rows, error.distance * numbers["distance"])
    everywhere = np.ones(n, bool)
    _fill(numbers, "distance", everywhere, distance_of(redshift))
    _fill(
        numbers,
        "distance_error",
        everywhere,
        distance_error_of(redshift, numbers["redshift_error"]),
    )


def _fill(numbers: dict[str, FloatArray], name: str, rows: FloatArray, values: FloatArray) -> None:
    numbers[name] = np.where(np.isnan(numbers[name]) & rows, values, numbers[name])
