"""A spectrum on the grid of the correlation: logarithmic bins, no continuum, faded ends.

As Tonry & Davis 1979 (https://doi.org/10.1086/112569) and Blondin & Tonry 2007
(https://doi.org/10.1086/520494) do it: a redshift is a shift along the bins, and only lines count.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline

from tom.scoring.contract import BoolArray, FloatArray

N: Final = 1024
FIRST, LAST = 2500.0, 10000.0
STEP: Final = float(np.log(LAST / FIRST)) / N
"""The width of a bin, natural log of the wavelength: 406 km/s."""
EDGES: Final = FIRST * np.exp(STEP * np.arange(N + 1))
CENTRES: Final = FIRST * np.exp(STEP * (np.arange(N) + 0.5))
KNOTS: Final = 13
"""How many points the continuum has over the whole grid."""
FADED: Final = 0.05
"""The share of a spectrum that fades at either end."""
LEAST_BINS: Final = 100
"""A spectrum with fewer bins has too little to correlate: a tenth of the grid."""


class TooShortError(ValueError):
    """Too little of the spectrum lies on the grid."""


@dataclass(frozen=True, eq=False)
class Flat:
    """A spectrum without its continuum: `values` in 1, shape (N,), 0 outside `first` to `last`."""

    values: FloatArray
    first: int
    last: int  # the bin after its end


def flatten(wavelength: FloatArray, flux: FloatArray) -> Flat:
    """Rebin a spectrum, divide by its continuum, and let its ends fade.

    Parameters
    ----------
    wavelength
        Angstrom, rising, shape (k,).
    flux
        Per unit wavelength, in any unit, finite, shape (k,).

    Raises
    ------
    TooShortError
        If it covers too few bins of the grid.
    """
    binned, known = rebin(wavelength, flux)
    inside = np.flatnonzero(known)
    if len(inside) < LEAST_BINS:
        message = f"only {len(inside)} of {N} bins from {FIRST:.0f} to {LAST:.0f} Å have flux"
        raise TooShortError(message)
    first, last = int(inside[0]), int(inside[-1]) + 1
    part = np.interp(np.arange(first, last), inside, binned[inside])
    return fade(_without_continuum(part), first)


def fade(part: FloatArray, first: int) -> Flat:
    """Return a flat piece of a spectrum that begins at bin `first`, with its ends faded."""
    values = np.zeros(N)
    faded = (part - part.mean()) * bell(len(part))
    values[first : first + len(part)] = faded
    return Flat(values, first, first + len(part))


def rebin(wavelength: FloatArray, flux: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return the mean flux in each bin of the grid, and which bins are known, shape (N,) each.

    The flux is integrated as a polygon. A gap of more than 100 Å between two points is not known.
    """
    total = np.concatenate([[0.0], np.cumsum(np.diff(wavelength) * (flux[1:] + flux[:-1]) / 2)])
    widths = np.diff(EDGES)
    binned = np.diff(_integral(EDGES, wavelength, flux, total)) / widths
    known = (EDGES[:-1] >= wavelength[0]) & (EDGES[1:] <= wavelength[-1])
    for gap in np.flatnonzero(np.diff(wavelength) > 100):
        known &= (EDGES[1:] <= wavelength[gap]) | (EDGES[:-1] >= wavelength[gap + 1])
    return np.where(known, binned, 0.0), known


def _integral(
    at: FloatArray, wavelength: FloatArray, flux: FloatArray, total: FloatArray
) -> FloatArray:
    """Return the integral of the polygon from its first point to each wavelength."""
    left = np.clip(np.searchsorted(wavelength, at, side="right") - 1, 0, len(wavelength) - 2)
    inside = np.clip(at, wavelength[0], wavelength[-1])
    step = inside - wavelength[left]
    slope = (flux[left + 1] - flux[left]) / (wavelength[left + 1] - wavelength[left])
    return np.asarray(total[left] + step * (flux[left] + slope * step / 2))


def _without_continuum(part: FloatArray) -> FloatArray:
    """Divide by a spline through the mean flux around each knot, and take 1 away.

    Where the spline comes near 0 the division would make spikes: it is held above a tenth of the
    mean size of the flux.
    """
    number = max(4, round(KNOTS * len(part) / N) + 1)
    edges = np.linspace(0, len(part), number + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    means = [
        part[int(begin) : max(int(end), int(begin) + 1)].mean() for begin, end in pairwise(edges)
    ]
    spline = CubicSpline(middle, means)(np.arange(len(part)) + 0.5)
    least = 0.1 * np.abs(part).mean()
    if least == 0:
        return np.zeros(len(part))
    return np.asarray(np.clip((part - spline) / np.maximum(np.abs(spline), least), -5, 5))


def bell(length: int) -> FloatArray:
    """Return weights that are 1, and fall to 0 over `FADED` of the length at either end."""
    edge = max(1, round(FADED * length))
    weights = np.ones(length)
    rising = (1 - np.cos(np.pi * (np.arange(edge) + 0.5) / edge)) / 2
    weights[:edge] = rising
    weights[-edge:] = rising[::-1]
    return weights
