"""Real supernovae and periodic variables as sources to inject: at epochs, depths of other objects.

The real light curves hold no limits. Seen as these, they are seen as all injected sources are.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ml_plugins.injections.samples import Light
from ml_plugins.injections.sources import Source
from tom.photometry import SHINING_SIGMA, fluxes, magnitudes
from tom.scoring.contract import FloatArray

DIMMEST = 1.5
"""A supernova is seen up to so many magnitudes fainter than it was."""
BEFORE, AFTER = 0.35, 0.05
"""How it rises before its first point and falls after its last one, mag a day."""
N_PHASES = 40
SCALES = (0.3, 1.5)
"""How much of its own variation a periodic variable shows, from the least to the most."""

Draw = Callable[[np.random.Generator, float], Light]


def supernova_light(sources: Sequence[Source]) -> Draw:
    """Return the function that draws a real supernova at a moment between its points."""
    curves = [curve for curve in map(_by_band, sources) if curve is not None]

    def draw(rng: np.random.Generator, now: float) -> Light:
        curve = curves[int(rng.integers(len(curves)))]
        first = min(days[0] for days, _ in curve.values())
        last = max(days[-1] for days, _ in curve.values())
        then, dimmer = rng.uniform(first, last), rng.uniform(0, DIMMEST)

        def light(mjd: FloatArray, band: str) -> FloatArray:
            days, magnitude = curve[band]
            at = mjd - now + then
            early, late = np.maximum(days[0] - at, 0), np.maximum(at - days[-1], 0)
            shape = np.interp(at, days, magnitude) + BEFORE * early + AFTER * late
            return fluxes(shape + dimmer)

        return light

    return draw


def periodic_light(sources: Sequence[Source]) -> Draw:
    """Return the function that draws a periodic variable, less its median, at any phase."""
    shapes = [(source.period, _folded(source)) for source in sources if source.period > 0]
    phases = (np.arange(N_PHASES) + 0.5) / N_PHASES

    def draw(rng: np.random.Generator, now: float) -> Light:
        period, shape = shapes[int(rng.integers(len(shapes)))]
        offset, scale = rng.uniform(), rng.uniform(*SCALES)

        def light(mjd: FloatArray, band: str) -> FloatArray:
            phase = (offset + (mjd - now) / period) % 1
            flux: FloatArray = scale * np.interp(phase, phases, shape[band], period=1.0)
            return flux

        return light

    return draw


def _by_band(source: Source) -> dict[str, tuple[FloatArray, FloatArray]] | None:
    """Return days and magnitudes of the detections in g and in r; None: fewer than three."""
    found = {}
    for band in "gr":
        chosen = (source.band == band) & (source.flux > SHINING_SIGMA * source.error)
        if chosen.sum() < 3:
            return None
        found[band] = (source.mjd[chosen], magnitudes(source.flux[chosen]))
    return found


def _folded(source: Source) -> dict[str, FloatArray]:
    """Return the median flux of each phase, shape (N_PHASES,), by band; empty phases are 0."""
    found = {}
    place = np.floor(source.mjd / source.period % 1 * N_PHASES).astype(int) % N_PHASES
    for band in "gr":
        inside = [source.flux[(source.band == band) & (place == at)] for at in range(N_PHASES)]
        found[band] = np.array([np.median(flux) if len(flux) else 0.0 for flux in inside])
    return found
