"""Light curves to fit and to measure on: real ones cut at a moment, others injected.

Every class is seen at the epochs of real ZTF objects, to real depths, so that the cadence reveals
no class. Simulated are: kilonovae, dwarf novae, active nuclei. Flares have real shapes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ml_plugins.injections.sources import Flare, Source
from tom.photometry import LIMIT_SIGMA, SHINING_SIGMA, fluxes
from tom.scoring.contract import Curve, FloatArray, StrArray
from tom.sky import kilonova
from tom.sky.extinction import extinction_coefficient

# (days, band) -> signed flux above the reference, nJy, before extinction.
Light = Callable[[FloatArray, str], FloatArray]

WINDOW_DAYS = 10.0
CALIBRATION_ERROR = 0.02
MOST_TRIES = 400
FARTHEST_MPC = 200.0
# The mean reddening of an injected source, and the fractional error with which a scorer knows it.
MEAN_EBV, EBV_FRACTIONAL_ERROR = 0.05, 0.2


@dataclass(frozen=True)
class Sample:
    """One light curve at one moment; all samples of a `group` are in the same part of the split.

    `light` is the injected source.
    """

    curve: Curve
    label: str
    group: str
    light: Light | None = None


class Sky:
    """Observations of injected sources: epochs of real objects, and real depths."""

    def __init__(self, cadences: Sequence[Source], depths: dict[str, FloatArray]) -> None:
        self.cadences = [source for source in cadences if len(source.mjd) >= 8]
        self.depths = depths

    def inject(
        self, light: Callable[[np.random.Generator, float], Light], rng: np.random.Generator
    ) -> Curve | None:
        """Return a curve of at least two detections; None if no draw gave one."""
        found = self.inject_known(light, rng)
        return found[0] if found else None

    def inject_known(
        self, light: Callable[[np.random.Generator, float], Light], rng: np.random.Generator
    ) -> tuple[Curve, Light] | None:
        """Return a curve of at least two detections, and its source; None if no draw gave one.

        `light` draws a source that shines at the moment of the score, MJD.
        """
        for _ in range(MOST_TRIES):
            cadence = self.cadences[int(rng.integers(len(self.cadences)))]
            now = float(cadence.mjd[int(rng.integers(4, len(cadence.mjd)))])
            kept = (cadence.mjd <= now) & (cadence.mjd > now - WINDOW_DAYS)
            source = light(rng, now)
            curve = self._observe(source, cadence.mjd[kept], cadence.band[kept], now, rng)
            if sum(kind == "alert" for kind in curve.kind) >= 2:
                return curve, source
        return None

    def _observe(
        self, light: Light, mjd: FloatArray, band: StrArray, now: float, rng: np.random.Generator
    ) -> Curve:
        ebv = float(rng.exponential(MEAN_EBV))
        flux, error = np.zeros(len(mjd)), np.zeros(len(mjd))
        for name in "gr":
            chosen = band == name
            dimmed = 10 ** (-0.4 * extinction_coefficient(f"ps1_{name}") * ebv)
            flux[chosen] = light(mjd[chosen], name) * dimmed
            error[chosen] = fluxes(rng.choice(self.depths[name], chosen.sum())) / LIMIT_SIGMA
        error = np.hypot(error, CALIBRATION_ERROR * flux)
        seen = flux + rng.normal(size=len(mjd)) * error
        alert = seen > SHINING_SIGMA * error
        return Curve(
            object_id="injected",
            mjd=mjd.tolist(),
            flux=np.where(alert, seen, np.nan).tolist(),
            flux_error=error.tolist(),
            band=band.tolist(),
            kind=np.where(alert, "alert", "limit").tolist(),
            as_of_mjd=now,
            ebv=ebv * float(np.exp(rng.normal() * EBV_FRACTIONAL_ERROR)),
            ebv_sigma=ebv * EBV_FRACTIONAL_ERROR + 0.005,
        )


def cut(source: Source, rng: np.random.Generator) -> Curve | None:
    """Return a real object as it was known at one of its own epochs; None without detections.

    Only positive 5-sigma points are kept, as alerts: the real data have no limits.
    """
    alert = np.flatnonzero(source.flux > SHINING_SIGMA * source.error)
    if len(alert) < 2:
        return None
    now = source.mjd[alert[int(rng.integers(1, len(alert)))]]
    kept = alert[(source.mjd[alert] <= now) & (source.mjd[alert] > now - WINDOW_DAYS)]
    if len(kept) < 2:
        return None
    return Curve(
        object_id=source.name,
        mjd=source.mjd[kept].tolist(),
        flux=source.flux[kept].tolist(),
        flux_error=source.error[kept].tolist(),
        band=source.band[kept].tolist(),
        kind=["alert"] * len(kept),
        as_of_mjd=float(now),
        ebv=source.ebv,
        ebv_sigma=0.16 * source.ebv,
    )


def grid_kilonova(
    rng: np.random.Generator, number: int
) -> Callable[[np.random.Generator, float], Light]:
    """Make a grid of model kilonovae and return the function that places one of them."""
    days = np.geomspace(0.02, 12, 120)
    models = []
    for _ in range(number):
        ejecta = kilonova.draw(rng)
        models.append({b: (days, kilonova.absolute_magnitude(ejecta, days, b)) for b in "gr"})

    def draw(rng: np.random.Generator, now: float) -> Light:
        return published(models[int(rng.integers(number))])(rng, now)

    return draw


def published(
    curves: dict[str, tuple[FloatArray, FloatArray]],
) -> Callable[[np.random.Generator, float], Light]:
    """Return the function that places absolute light curves at a drawn age and distance.

    0.1 to 6 days old, uniform in volume to 200 Mpc; dark before the first time given.
    """

    def magnitude(days: FloatArray, band: str) -> FloatArray:
        time, seen = curves[band]
        known: FloatArray = np.interp(days, time, seen)
        return np.where(days < time[0], 60.0, known)

    return lambda rng, now: _placed(magnitude, rng, now)


@dataclass(frozen=True)
class Placed:
    """A kilonova of a merger at an MJD: `magnitude` is absolute, by days and band."""

    magnitude: Callable[[FloatArray, str], FloatArray]
    merger: float
    megaparsec: float

    def __call__(self, mjd: FloatArray, band: str) -> FloatArray:
        """Return its flux."""
        days = mjd - self.merger
        modulus = 5 * np.log10(self.megaparsec * 1e5)
        bright = fluxes(self.magnitude(np.maximum(days, 0.02), band) + modulus)
        return np.where(days > 0.02, bright, 0.0)


def _placed(
    magnitude: Callable[[FloatArray, str], FloatArray], rng: np.random.Generator, now: float
) -> Light:
    merger = now - rng.uniform(0.1, 6.0)
    return Placed(magnitude, merger, FARTHEST_MPC * rng.uniform() ** (1 / 3))


def flare_light(flares: Sequence[Flare]) -> Callable[[np.random.Generator, float], Light]:
    """Return the function that draws a flare: real shape, peak of 16 to 20.5 mag, now or before."""

    def draw(rng: np.random.Generator, now: float) -> Light:
        flare = flares[int(rng.integers(len(flares)))]
        start = now - rng.uniform(0.0, 0.25)
        scale = fluxes(np.array(rng.uniform(16.0, 20.5))) / flare.flux["g"].max()

        def light(mjd: FloatArray, band: str) -> FloatArray:
            shape = np.interp(mjd - start, flare.days, flare.flux[band], left=0.0, right=0.0)
            bright: FloatArray = scale * shape
            return bright

        return light

    return draw


def draw_dwarf_nova(rng: np.random.Generator, now: float) -> Light:
    """Draw an outburst: rise within a day or two, plateau, exponential fall; blue, then less so.

    Ranges after Osaki 1996 (https://doi.org/10.1086/133689): normal outbursts last days and fade
    0.3 to 1.2 mag a day; a third are superoutbursts, two weeks at 0.1 mag a day.
    """
    is_super = rng.uniform() < 1 / 3
    length = rng.uniform(10, 16) if is_super else rng.uniform(0.5, 4)
    slope = 0.1 if is_super else rng.uniform(0.0, 0.2)
    fall, rise = rng.uniform(0.3, 1.2), rng.uniform(1.0, 4.0)
    peak, colour = rng.uniform(15.0, 19.5), rng.normal(-0.05, 0.12)
    top = now - rng.uniform(-1.0, length + 3)

    def light(mjd: FloatArray, band: str) -> FloatArray:
        days = mjd - top
        after = slope * np.clip(days, 0, length) + fall * np.maximum(days - length, 0)
        magnitude = peak + np.where(days < 0, -rise * days, after)
        redder = 0.1 * np.maximum(days - length, 0)
        return fluxes(magnitude + (colour + redder if band == "g" else 0.0))

    return light


def draw_active_nucleus(rng: np.random.Generator, now: float) -> Light:
    """Draw a damped random walk about its reference, bluer when brighter.

    Scale and amplitude after MacLeod et al. 2010 (https://doi.org/10.1088/0004-637X/721/2/1014).
    """
    memory, spread = 10 ** rng.normal(2.3, 0.3), 10 ** rng.normal(-0.75, 0.2)
    grid = now + np.linspace(-WINDOW_DAYS - 1, 1, 60)
    step = grid[1] - grid[0]
    walk = np.empty(len(grid))
    walk[0] = rng.normal(-1.5, 1.0) * spread
    for k in range(1, len(grid)):
        kept = np.exp(-step / memory)
        walk[k] = walk[k - 1] * kept + rng.normal() * spread * np.sqrt(1 - kept**2)
    reference = fluxes(np.array(rng.uniform(16.0, 19.5)))
    colour = rng.normal(0.3, 0.2)

    def light(mjd: FloatArray, band: str) -> FloatArray:
        brighter = 10 ** (-0.4 * np.interp(mjd, grid, walk) * (1.2 if band == "g" else 1.0)) - 1
        excess: FloatArray = reference * brighter * (10 ** (-0.4 * colour) if band == "g" else 1.0)
        return excess

    return light


def real(sources: Sequence[Source], per_object: int, rng: np.random.Generator) -> Iterator[Sample]:
    """Cut each real object at up to `per_object` moments."""
    for source in sources:
        for _ in range(per_object):
            curve = cut(source, rng)
            if curve is not None:
                yield Sample(curve, source.label, source.name)


def injected(
    sky: Sky,
    light: Callable[[np.random.Generator, float], Light],
    label: str,
    number: int,
    rng: np.random.Generator,
) -> Iterator[Sample]:
    """Inject `number` sources; each is a group of its own."""
    for index in range(number):
        found = sky.inject_known(light, rng)
        if found is not None:
            yield Sample(found[0], label, f"{label} {index}", found[1])
