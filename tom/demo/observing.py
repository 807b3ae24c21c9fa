"""The survey's measurements of a source: fluxes with noise, detections, classifiers' scores."""

from dataclasses import dataclass

import numpy as np

from tom.demo.light import to_flux
from tom.demo.sources import Source
from tom.demo.survey import Exposures
from tom.sky.arrays import BoolArray, FloatArray, IntArray

GAIN = 6.2  # electrons per count
DETECTION_SIGMA = 5.0
FLUX_FLOOR = 0.015  # of the difference flux: point spread function, zero point
RESIDUAL = 0.004  # of the reference flux under the source: imperfect subtraction
ASTROMETRIC_FLOOR_ARCSEC = 0.06


@dataclass(frozen=True, eq=False)
class Epochs:
    """A source in each exposure of its field; every column has shape (n,).

    `flux` (signed) and `error` are in nJy. `ra` and `dec` are the measured centre, ICRS degrees.
    `fwhm` is in pixels of 1.01 arcsec. `elongation` and `n_negative` describe the shape. `rb` and
    `drb` are the scores of the survey's classifiers, 0 bogus to 1 real. All columns have values for
    every exposure. Only rows with `detected` true become alerts.
    """

    exposures: Exposures
    flux: FloatArray
    error: FloatArray
    detected: BoolArray
    ra: FloatArray
    dec: FloatArray
    fwhm: FloatArray
    elongation: FloatArray
    n_negative: IntArray
    rb: FloatArray
    drb: FloatArray

    @property
    def signal_to_noise(self) -> FloatArray:
        """Absolute flux over its error, shape (n,)."""
        return np.asarray(np.abs(self.flux) / self.error)

    @property
    def detection_jd(self) -> FloatArray:
        """Start times of the exposures that detected it, in order."""
        return self.exposures.jd[self.detected]


def observe(source: Source, exposures: Exposures, rng: np.random.Generator) -> Epochs:
    """Measure a source in the exposures of its field."""
    n = len(exposures.jd)
    true = source.light(exposures.jd + exposures.seconds / 2 / 86400, exposures.fid)
    error = _flux_error(true, source, exposures)
    flux = true + error * rng.normal(size=n)
    ratio = np.abs(flux) / error
    offset = rng.normal(size=(2, n)) * np.hypot(
        exposures.seeing / 2.355 / np.maximum(ratio, DETECTION_SIGMA), ASTROMETRIC_FLOOR_ARCSEC
    )
    fwhm, elongation, n_negative = _shape(source, exposures.seeing, rng)
    rb, drb = _machine_scores(ratio, is_artefact=source.is_artefact, rng=rng)
    return Epochs(
        exposures=exposures,
        flux=flux,
        error=error,
        detected=ratio >= DETECTION_SIGMA,
        ra=(source.ra + offset[0] / 3600 / np.cos(np.deg2rad(source.dec))) % 360.0,
        dec=np.clip(source.dec + offset[1] / 3600, -90, 90),
        fwhm=fwhm,
        elongation=elongation,
        n_negative=n_negative,
        rb=rb,
        drb=drb,
    )


def _flux_error(true: FloatArray, source: Source, exposures: Exposures) -> FloatArray:
    """Add up the noise of the sky, the source, the reference, and residuals of subtraction."""
    reference = np.zeros(len(true))
    if source.neighbour.is_here:
        reference = to_flux(source.neighbour.magnitudes[exposures.fid - 1])
    sky = to_flux(exposures.limit) / 5
    one_count = to_flux(exposures.zero_point)
    photons = (np.abs(true) + reference) * one_count / GAIN
    rough = (FLUX_FLOOR * true) ** 2 + (RESIDUAL * reference) ** 2
    return np.asarray(np.sqrt(sky**2 + photons + rough))


def _shape(
    source: Source, seeing: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, IntArray]:
    n = len(seeing)
    width, stretch, negatives = (0.4, 0.35, 6) if source.is_artefact else (0.12, 0.1, 2)
    trail = 0.15 if source.mover else 0.0
    fwhm = seeing / 1.01 * rng.lognormal(0, width, n)
    elongation = 1.02 + trail + rng.exponential(stretch, n)
    return fwhm, elongation, rng.poisson(negatives, n).astype(np.int64)


def _machine_scores(
    ratio: FloatArray, *, is_artefact: bool, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draw the forest's and the network's scores; real and bogus overlap, most near the limit.

    The network is as in Duev et al. 2019 (doi 10.1093/mnras/stz2357): almost certain of bright
    detections, unsure of faint ones. A tenth of the artefacts here get a high score.
    """
    n = len(ratio)
    bright = np.log(np.maximum(ratio, DETECTION_SIGMA) / DETECTION_SIGMA)
    if is_artefact:
        logit = rng.normal(-2.5, 1.9, n)
        forest = rng.normal(0.38, 0.15, n)
    else:
        logit = rng.normal(3.2 + 2.5 * bright, 1.9)
        forest = rng.normal(0.58 + 0.13 * bright, 0.13)
    return np.clip(forest, 0.02, 0.98), 1 / (1 + np.exp(-np.clip(logit, -12, 12)))
