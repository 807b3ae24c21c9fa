"""The contents of an alert's three stamps: reference, image of the night, difference."""

import math
from dataclasses import dataclass

import numpy as np

from tom.demo.cutouts import PIXEL_ARCSEC, Darkroom, dipole, galaxy, point, to_fits
from tom.demo.light import to_flux
from tom.demo.observing import Epochs
from tom.demo.sources import Neighbour, Source
from tom.sky.arrays import FloatArray

STEP = 1.3  # of the noise: coarse, so that a night stays small
REFERENCE_ZERO_POINT = 26.3
REFERENCE_LIMIT = 22.3
REFERENCE_FWHM = 2.2
FIELD_STARS = 3


@dataclass(frozen=True, eq=False)
class Scene:
    """The constant surroundings of a source: its neighbour and some stars.

    `still` holds a stamp for each band in nJy, shape (3, 63, 63); `templates` the same with
    the reference image's noise, as gzipped FITS.
    """

    still: FloatArray
    templates: tuple[bytes, ...]
    angle: float


def make_scene(source: Source, *, darkroom: Darkroom, rng: np.random.Generator) -> Scene:
    """Paint the surroundings of a source."""
    angle = float(rng.uniform(0, np.pi))
    still = np.stack([_neighbour(source.neighbour, band, angle) for band in range(3)])
    for _ in range(int(rng.poisson(FIELD_STARS))):
        x, y = rng.uniform(-31, 31, 2)
        flux = to_flux(21.5 - rng.exponential(1.6) + np.array([0.5, 0.0, -0.2]))
        still = still + flux[:, None, None] * point(1.0, fwhm=REFERENCE_FWHM, at=(x, y))
    one_count, limit = to_flux(np.array([REFERENCE_ZERO_POINT, REFERENCE_LIMIT]))
    per_njy = 1 / float(one_count)
    noise = _pixel_noise(float(limit) / 5 * per_njy, fwhm=REFERENCE_FWHM)
    templates = tuple(
        to_fits(frame * per_njy + darkroom.sky(noise, rng), step=STEP * noise) for frame in still
    )
    return Scene(still, templates, angle)


def make_stamps(
    source: Source,
    epochs: Epochs,
    row: int,
    *,
    scene: Scene,
    darkroom: Darkroom,
    rng: np.random.Generator,
) -> dict[str, bytes]:
    """Make the gzipped FITS stamps of one detection, by `science`, `template`, `difference`."""
    exposures = epochs.exposures
    per_njy = 1 / float(to_flux(exposures.zero_point[row]))
    fwhm = float(exposures.seeing[row]) / PIXEL_ARCSEC
    noise = _pixel_noise(float(epochs.error[row]) * per_njy, fwhm=fwhm)
    counts = float(epochs.flux[row]) * per_njy
    band = int(exposures.fid[row]) - 1
    if source.is_artefact and source.neighbour.is_here:
        change = dipole(counts, fwhm=fwhm, angle=scene.angle)
    else:
        change = point(counts, fwhm=float(epochs.fwhm[row]))
    difference = change + darkroom.sky(noise, rng)
    return {
        "science": to_fits(scene.still[band] * per_njy + difference, step=STEP * noise),
        "template": scene.templates[band],
        "difference": to_fits(difference, step=STEP * noise),
    }


def _pixel_noise(of_point: float, *, fwhm: float) -> float:
    """Return one pixel's noise from a point's, which adds up about 4 pi sigma^2 pixels."""
    return of_point * 2.355 / (math.sqrt(4 * math.pi) * fwhm)


def _neighbour(neighbour: Neighbour, band: int, angle: float) -> FloatArray:
    away = neighbour.separation_arcsec / PIXEL_ARCSEC
    at = (away * np.cos(angle), away * np.sin(angle))
    flux = float(to_flux(neighbour.magnitudes[band]))
    if neighbour.star_score > 0.5:
        return point(flux, fwhm=REFERENCE_FWHM, at=at)
    # Brighter galaxies look larger; fifteen pixels at 15 mag is about right for spirals.
    scale = float(np.clip(1.2 + 0.8 * (20 - neighbour.magnitudes[1]), 1.2, 8))
    return galaxy(flux, scale=scale, flattening=0.6, angle=angle + 0.7, at=at)
