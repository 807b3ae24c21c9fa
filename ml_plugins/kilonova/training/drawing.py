"""Templates of each class: families of kilonovae, and what `ml_plugins.injections` draws."""

from collections.abc import Callable, Sequence

import numpy as np

from ml_plugins.injections import samples
from ml_plugins.injections.samples import Light, Sample
from ml_plugins.injections.shares import KILONOVA
from ml_plugins.injections.split import Data, part_of
from ml_plugins.kilonova.model import FAMILIES
from ml_plugins.kilonova.points import BANDS, Points, points_of
from ml_plugins.kilonova.templates import DAYS, NOW, Templates, bounded
from tom.photometry import magnitudes
from tom.scoring.contract import Batch, FloatArray, IntArray
from tom.sky.kilonova import WAVELENGTH, Ejecta, absolute_magnitude, draw, draw_alike, draw_many
from tom.sky.kilonovae import ALIKE_SCATTER, BY_COLOUR, COLOUR_SCATTER, correction, family
from tom.sky.looks import LEAST_ERROR

GRID = np.geomspace(0.02, 18.0, 160)
"""When kilonovae are computed, days after the merger."""
YOUNGEST, OLDEST = 0.08, 12.0
"""How old a kilonova may be at its newest detection, days."""
FAINTEST_NOW = 21.5
"""A source that is fainter than this has no newest detection now."""
COUNTS = {"supernova": 250, "dwarf nova": 300, "flare": 400, "active nucleus": 80}
# Scatter, dark and odd of `Templates`, by class: stated assumptions.
KEPT = {
    KILONOVA: (0.2, 0.02, 0.02),
    "supernova": (0.08, 0.02, 0.01),
    "dwarf nova": (0.08, 0.02, 0.01),
    "flare": (0.2, 0.02, 0.01),
    "active nucleus": (0.08, 0.02, 0.01),
    "variable": (0.3, 0.5, 0.1),
    "unlike": (1.2, 0.3, 0.2),
}
COLOURS = (-0.3, 0.0, 0.3)
# The ridge of a supernova's slope and curvature in one window: standard deviations, mag a day.
SLOPE_SIGMA, CURVATURE_SIGMA = 0.15, 0.01

ALIKE = "like AT2017gfo"
"""Kilonovae to measure on: in the templates they are of two components."""


def draw_templates(data: Data, rng: np.random.Generator) -> dict[str, Templates]:
    """Draw the templates of every class; of real objects from the part for the fit alone."""
    lights = {
        "dwarf nova": samples.draw_dwarf_nova,
        "flare": samples.flare_light(part_of(data.flares, "fit")),
        "active nucleus": samples.draw_active_nucleus,
    }
    kilonovae = _kilonovae(rng)
    drawn = {
        "supernova": _supernovae(data, rng, COUNTS["supernova"]),
        **{label: _of_lights(of, rng, COUNTS[label]) for label, of in lights.items()},
        "variable": _flat(COLOURS),
        "unlike": _flat((0.0,)),
    }
    of_none = {label: (some, np.zeros(some.shape[2], np.int64)) for label, some in drawn.items()}
    return {
        label: Templates(bounded(magnitude), families, *KEPT[label])
        for label, (magnitude, families) in ({KILONOVA: kilonovae} | of_none).items()
    }


def bank(label: str, count: int, rng: np.random.Generator) -> FloatArray:
    """Draw kilonovae of a family: absolute magnitudes at `GRID`, shape (bands, count, days).

    Each has a colour of its own, and those of several components are corrected by what the model is
    off AT2017gfo, as `tom.sky.kilonovae` has it. Of one component alone that is not known.
    """
    ejecta = draw_many(rng, count, EJECTA[label])
    found = np.stack([absolute_magnitude(ejecta, GRID, band) for band in BANDS])
    redder = rng.normal(0, COLOUR_SCATTER, (count, 1))
    found += np.stack([BY_COLOUR[band] * redder for band in BANDS])
    if label not in {"blue", "red"}:
        found += np.stack([correction(band, GRID) for band in BANDS])[:, None]
    if label == ALIKE:
        return np.asarray(found + rng.normal(0, ALIKE_SCATTER, (count, 1)))
    return _with_afterglows(found, rng) if label == FAMILIES[-1] else found


def _blue(rng: np.random.Generator) -> tuple[Ejecta, ...]:
    """Draw ejecta without lanthanides alone: the blue one of the two components."""
    return draw(rng)[:1]


def _red(rng: np.random.Generator) -> tuple[Ejecta, ...]:
    """Draw ejecta rich in lanthanides alone, as of a star that a black hole disrupts."""
    part = Ejecta(
        mass=float(10 ** rng.uniform(-2.0, -1.0)),
        velocity=float(rng.uniform(0.08, 0.25)),
        opacity=float(10 ** rng.uniform(0.5, 1.0)),
        floor=float(rng.uniform(1000, 3500)),
    )
    return (part,)


EJECTA: dict[str, Callable[[np.random.Generator], tuple[Ejecta, ...]]] = {
    **dict(zip(FAMILIES, (draw, _blue, _red, draw_alike), strict=True)),
    ALIKE: draw_alike,
}
NUMBERS = (200, 100, 100, 120)
"""The templates of each of `FAMILIES`."""


def _with_afterglows(kilonovae: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Add the afterglow of a burst to each: it fades as a power of time, later as a steeper one.

    As bright, steep and red as those of short bursts (Kann et al. 2011,
    https://doi.org/10.1088/0004-637X/734/2/96), or fainter: seen off their axis.
    """
    one = (kilonovae.shape[1], 1)
    bright, fall = rng.uniform(-19.0, -14.0, one), rng.uniform(0.7, 1.7, one)
    broken, slope = 10 ** rng.uniform(-0.5, 0.5, one), rng.uniform(0.5, 1.1, one)
    fading = 2.5 * np.log10((GRID / 0.3) ** fall * np.maximum(GRID / broken, 1.0))
    redder = [2.5 * np.log10(WAVELENGTH["r"] / WAVELENGTH[band]) * slope for band in BANDS]
    glow = np.stack([bright + fading + off for off in redder])
    return np.asarray(-2.5 * np.log10(10 ** (-0.4 * glow) + 10 ** (-0.4 * kilonovae)))


def _kilonovae(rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Draw every family at drawn ages; of two components the house's."""
    house = np.stack([family(band, GRID) for band in BANDS])
    others = [bank(*of, rng) for of in zip(FAMILIES[1:], NUMBERS[1:], strict=True)]
    curves = np.concatenate([house, *others], axis=1)
    found = [_aged(curves[:, at], _age(rng)) for at in range(curves.shape[1])]
    return np.stack(found, axis=2), np.repeat(np.arange(len(FAMILIES)), NUMBERS)


def _age(rng: np.random.Generator) -> float:
    """Draw an age: half evenly, half evenly in its logarithm, as young ones fade faster."""
    if rng.uniform() < 0.5:
        return float(rng.uniform(YOUNGEST, OLDEST))
    return float(np.exp(rng.uniform(np.log(YOUNGEST), np.log(OLDEST))))


def _aged(curves: FloatArray, age: float) -> FloatArray:
    """Return absolute magnitudes at `DAYS` of a kilonova that is `age` days old at 0."""
    days = age + DAYS
    at = np.log(np.maximum(days, GRID[0]))
    seen = np.stack([np.interp(at, np.log(GRID), curve) for curve in curves])
    return np.where(days > GRID[0], seen, 60.0)


def _of_lights(
    draw_light: Callable[[np.random.Generator, float], Light], rng: np.random.Generator, count: int
) -> FloatArray:
    found: list[FloatArray] = []
    while len(found) < count:
        light = draw_light(rng, 0.0)
        flux = np.stack([light(DAYS, band) for band in BANDS])
        magnitude = magnitudes(np.maximum(flux, 1e-12))
        if magnitude[:, NOW].min() < FAINTEST_NOW:
            found.append(magnitude)
    return np.stack(found, axis=2)


def _flat(colours: Sequence[float]) -> FloatArray:
    found = np.zeros((len(BANDS), len(DAYS), len(colours)))
    found[0] += np.array(colours)
    return found


def _supernovae(data: Data, rng: np.random.Generator, count: int) -> FloatArray:
    """Draw windows of real supernovae: in each band a line, slightly bent."""
    stars = [star for star in part_of(data.transients, "fit") if star.label != "nova"]
    made = list(samples.real(stars, 2, rng))
    found: list[FloatArray] = []
    for at in rng.permutation(len(made)).tolist():
        window = _window(made[at])
        if window is not None:
            found.append(window)
        if len(found) == count:
            break
    return np.stack(found, axis=2)


def _window(sample: Sample) -> FloatArray | None:
    """Fit one window, shape (bands, days); None: fewer than two points in a band."""
    points = points_of(Batch.build([sample.curve]))
    bands = [np.flatnonzero(points.band == at) for at in range(len(BANDS))]
    if min(len(chosen) for chosen in bands) < 2:
        return None
    return np.stack([_bent_line(points.take(chosen)) for chosen in bands])


def _bent_line(points: Points) -> FloatArray:
    days, weight = points.days, 1 / np.sqrt(points.variance + LEAST_ERROR**2)
    powers = np.stack([np.ones_like(days), days, days**2], axis=1) * weight[:, None]
    ridge = np.diag([0.0, 1 / SLOPE_SIGMA, 1 / CURVATURE_SIGMA])
    told = np.append(points.magnitude * weight, np.zeros(3))
    level, slope, bend = np.linalg.lstsq(np.vstack([powers, ridge]), told, rcond=None)[0]
    inside = np.clip(DAYS, days.min() - 1, days.max() + 1)
    # Outside of the points on along half of the slope at their end: no supernova goes on forever.
    beyond = (DAYS - inside) * (slope + 2 * bend * inside) / 2
    return np.asarray(level + slope * inside + bend * inside**2 + beyond)
