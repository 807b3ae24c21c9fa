"""Kilonova light curves: grey ejecta with r-process heating, one or more components.

Model of Villar et al. 2017 (https://doi.org/10.3847/2041-8213/aa9c84), after Metzger 2017
(https://doi.org/10.1007/s41114-017-0006-z): Arnett's diffusion of r-process heat with the
thermalization of Barnes et al. 2016 (https://doi.org/10.3847/0004-637X/829/2/110), a black body
whose temperature has a floor.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from tom.sky.arrays import FloatArray

DAY = 86400.0
LIGHT = 2.99792458e10
SUN = 1.98841e33
STEFAN_BOLTZMANN = 5.670374e-5
PLANCK = 6.62607e-27
BOLTZMANN = 1.380649e-16
PARSEC = 3.0856776e18
DIFFUSION = 13.7
# Effective wavelengths of filters, cm, g and r of ZTF, the others of LSST:
# http://svo2.cab.inta-csic.es/theory/fps/.
WAVELENGTH = {
    "u": 3671e-8,
    "g": 4746.5e-8,
    "r": 6366.4e-8,
    "i": 7545e-8,
    "z": 8690e-8,
    "y": 9710e-8,
}


@dataclass(frozen=True)
class Ejecta:
    """One component: solar masses, units of c, cm2/g, K. Of many, shape `(k, 1)` each."""

    mass: float | FloatArray
    velocity: float | FloatArray
    opacity: float | FloatArray
    floor: float | FloatArray


# The three components fitted to AT2017gfo in Villar et al. 2017, table 3.
AT2017GFO = (
    Ejecta(0.020, 0.266, 0.5, 674.0),
    Ejecta(0.047, 0.152, 3.0, 1308.0),
    Ejecta(0.011, 0.137, 10.0, 3745.0),
)


def absolute_magnitude(ejecta: Sequence[Ejecta], days: FloatArray, band: str) -> FloatArray:
    """Return the AB absolute magnitude at `days` after the merger, shape (t,), of many (k, t)."""
    flux = sum((_flux_at_10_pc(part, days, WAVELENGTH[band]) for part in ejecta), np.zeros(1))
    magnitude: FloatArray = -2.5 * np.log10(np.maximum(flux, 1e-60)) - 48.6
    return magnitude


def draw(rng: np.random.Generator) -> tuple[Ejecta, ...]:
    """Draw a blue and a red component over the range that mergers are thought to give.

    The range was chosen knowing AT2017gfo's fit, so to find AT2017gfo is not a blind test.
    """
    blue = Ejecta(
        mass=float(10 ** rng.uniform(-2.3, -1.3)),
        velocity=float(rng.uniform(0.15, 0.35)),
        opacity=float(10 ** rng.uniform(-0.5, 0.1)),
        floor=float(rng.uniform(600, 2500)),
    )
    red = Ejecta(
        mass=float(10 ** rng.uniform(-2.3, -1.2)),
        velocity=float(rng.uniform(0.08, 0.2)),
        opacity=float(10 ** rng.uniform(0.3, 1.0)),
        floor=float(rng.uniform(1000, 3500)),
    )
    return blue, red


def draw_alike(rng: np.random.Generator) -> tuple[Ejecta, ...]:
    """Draw a kilonova like AT2017gfo: its components, with other masses, speeds and opacities."""
    mass, velocity = 10 ** rng.normal(0, 0.3), 10 ** rng.normal(0, 0.06)
    return tuple(
        Ejecta(
            mass=float(part.mass * mass * 10 ** rng.normal(0, 0.1)),
            velocity=float(min(part.velocity * velocity, 0.4)),
            opacity=float(part.opacity * 10 ** rng.normal(0, 0.1)),
            floor=float(part.floor * 10 ** rng.normal(0, 0.05)),
        )
        for part in AT2017GFO
    )


def draw_many(
    rng: np.random.Generator,
    count: int,
    draw: Callable[[np.random.Generator], tuple[Ejecta, ...]] = draw,
) -> tuple[Ejecta, ...]:
    """Draw `count` kilonovae at once: each component has the values of all, shape (count, 1)."""
    drawn = [draw(rng) for _ in range(count)]
    return tuple(
        Ejecta(*(np.array(values)[:, None] for values in zip(*map(astuple, parts), strict=True)))
        for parts in zip(*drawn, strict=True)
    )


def _flux_at_10_pc(part: Ejecta, days: FloatArray, wavelength: float) -> FloatArray:
    """Return the flux density at 10 pc, erg/s/cm2/Hz."""
    grid = np.geomspace(1e-3, 1.01 * float(days.max(initial=1.0)), 400)
    luminosity = _read(days, grid, _luminosity(part, grid))
    radius = part.velocity * LIGHT * days * DAY
    temperature = (luminosity / (4 * np.pi * STEFAN_BOLTZMANN * radius**2)) ** 0.25
    cool = temperature < part.floor
    temperature = np.maximum(temperature, part.floor)
    shrunk = np.sqrt(luminosity / (4 * np.pi * STEFAN_BOLTZMANN * part.floor**4))
    radius = np.where(cool, shrunk, radius)
    frequency = LIGHT / wavelength
    ratio = np.minimum(PLANCK * frequency / (BOLTZMANN * temperature), 500)
    intensity = 2 * PLANCK * frequency**3 / LIGHT**2 / np.expm1(ratio)
    flux: FloatArray = np.pi * intensity * (radius / (10 * PARSEC)) ** 2
    return flux


def _luminosity(part: Ejecta, days: FloatArray) -> FloatArray:
    """Return Arnett's luminosity, erg/s, on a grid of days."""
    seconds = days * DAY
    mass = part.mass * SUN
    timescale = np.sqrt(2 * part.opacity * mass / (DIFFUSION * part.velocity * LIGHT * LIGHT))
    heat = 4e18 * mass * (0.5 - np.arctan((seconds - 1.3) / 0.11) / np.pi) ** 1.3
    source = heat * _thermalized(part, days) * seconds / timescale
    # exp((s^2 - t^2) / timescale^2), summed step by step so that it cannot overflow.
    total = np.zeros_like(source)
    fades = np.exp((seconds[:-1] ** 2 - seconds[1:] ** 2) / timescale**2)
    steps = np.diff(seconds) / 2
    for k in range(1, len(seconds)):
        fade, step = fades[..., k - 1], steps[k - 1]
        heated = step * (source[..., k - 1] * fade + source[..., k])
        total[..., k] = total[..., k - 1] * fade + heated
    luminosity: FloatArray = 2 * total / timescale
    return luminosity


def _read(days: FloatArray, grid: FloatArray, luminosity: FloatArray) -> FloatArray:
    """Read luminosities on a grid of days at other days, along the last axis."""
    if luminosity.ndim == 1:
        return np.asarray(np.interp(days, grid, luminosity))
    return np.stack([np.interp(days, grid, one) for one in luminosity])


def _thermalized(part: Ejecta, days: FloatArray) -> FloatArray:
    """Return the share of the heat that stays; a, b, d of Barnes et al. 2016, table 1, by mass.

    Their random-field values at 0.1, 0.2 and 0.3 c, interpolated in log mass and velocity.
    """
    masses, velocities = np.log10([1e-3, 5e-3, 1e-2, 5e-2]), np.array([0.1, 0.2, 0.3])
    table = {
        "a": [[2.01, 4.52, 8.16], [0.81, 1.90, 3.20], [0.56, 1.31, 2.19], [0.27, 0.55, 0.95]],
        "b": [[0.28, 0.62, 1.19], [0.19, 0.28, 0.45], [0.17, 0.21, 0.31], [0.10, 0.13, 0.15]],
        "d": [[1.12, 1.39, 1.52], [0.86, 1.21, 1.39], [0.74, 1.13, 1.32], [0.60, 0.90, 1.13]],
    }
    a, b, d = (
        _bilinear(np.array(table[name]), masses, velocities, np.log10(part.mass), part.velocity)
        for name in "abd"
    )
    bent = 2 * b * days**d
    kept: FloatArray = 0.36 * (np.exp(-a * days) + np.log1p(bent) / bent)
    return kept


def _bilinear(
    table: FloatArray,
    rows: FloatArray,
    columns: FloatArray,
    row: float | FloatArray,
    column: float | FloatArray,
) -> FloatArray:
    along = [np.interp(column, columns, line) for line in table]
    place = np.interp(row, rows, np.arange(len(rows)))
    return np.asarray(
        sum(np.maximum(1 - np.abs(place - at), 0) * line for at, line in enumerate(along))
    )
