"""The stars of a table, patch by patch of the sky: how overdense each star's neighbourhood is."""

from typing import Final

import numpy as np

from ml_plugins.gaia_context.density import log_ratios
from ml_plugins.gaia_context.table import Stars
from tom.scoring.contract import FloatArray, IntArray
from tom.sky.quick_healpy import healpy

NSIDE: Final = 4
"""Patches of a large table, HEALPix nested: 215 square degrees each."""
ONE_PATCH_DEG: Final = 12.0
"""A table whose stars lie within this radius of their middle is one patch."""
SEED: Final = 20261128


def ratios_of(stars: Stars) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what is known of each star, three arrays of shape (n,); NaN: it was not compared.

    The first is the natural log of the ratio of densities: the mean over two cuts, by the motion
    along right ascension and by that along declination. The second is half the difference between
    the two. The third is the share of the stars of its patch, 0 to 1, that have a lower ratio.
    """
    logs, spread, share = (np.full(len(stars), np.nan) for _ in range(3))
    for rows, centre in patches_of(stars):
        number = len(rows)
        both = _both_cuts(stars, rows, centre, np.random.default_rng([SEED, number]))
        mean = both.mean(axis=0)
        logs[rows], spread[rows] = mean, np.abs(both[0] - both[1]) / 2
        known = np.isfinite(mean)
        share[rows[known]] = np.searchsorted(np.sort(mean[known]), mean[known]) / known.sum()
    return logs, spread, share


def patches_of(stars: Stars) -> list[tuple[IntArray, FloatArray]]:
    """Return the rows of the stars that are compared with each other, and their patch's direction.

    The direction is a vector of length 1, shape (3,).
    """
    judged = np.flatnonzero(stars.is_judged)
    direction = _basis(np.radians(stars.ra[judged]), np.radians(stars.dec[judged]))[0]
    mean = direction.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length > 0 and (direction @ mean).min() / length > np.cos(np.radians(ONE_PATCH_DEG)):
        return [(judged, mean / length)]
    pixel = healpy.vec2pix(NSIDE, *direction.T, nest=True)
    return [
        (judged[pixel == each], np.array(healpy.pix2vec(NSIDE, each, nest=True)))
        for each in np.unique(pixel)
    ]


def flatten(stars: Stars, rows: IntArray, centre: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return places (degrees) and proper motions (mas/yr) on the plane that touches the sky.

    Both of shape (m, 2), in the directions of right ascension and declination at its centre: so
    near a pole, too, the motions of neighbours can be compared.
    """
    ra, dec = np.arctan2(centre[1], centre[0]), np.arcsin(np.clip(centre[2], -1, 1))
    here, east, north = _basis(ra, dec)
    star, along_ra, along_dec = _basis(np.radians(stars.ra[rows]), np.radians(stars.dec[rows]))
    depth = star @ here
    place = np.degrees(np.stack([star @ east, star @ north], axis=1) / depth[:, None])
    motion = stars.pmra[rows, None] * along_ra + stars.pmdec[rows, None] * along_dec
    return place, np.stack([motion @ east, motion @ north], axis=1)


def _both_cuts(
    stars: Stars, rows: IntArray, centre: FloatArray, rng: np.random.Generator
) -> FloatArray:
    place, motion = flatten(stars, rows, centre)
    light = np.stack([stars.g[rows], stars.bp_rp[rows]], axis=1)
    cuts = [
        log_ratios(motion[:, axis], np.column_stack([place, motion[:, 1 - axis], light]), rng)
        for axis in (0, 1)
    ]
    return np.stack(cuts)


def _basis(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the direction, and those of growing ra and dec, shape (..., 3) each."""
    sin_ra, cos_ra, sin_dec, cos_dec = np.sin(ra), np.cos(ra), np.sin(dec), np.cos(dec)
    return (
        np.stack([cos_dec * cos_ra, cos_dec * sin_ra, sin_dec], axis=-1),
        np.stack([-sin_ra, cos_ra, np.zeros_like(cos_ra)], axis=-1),
        np.stack([-sin_dec * cos_ra, -sin_dec * sin_ra, cos_dec], axis=-1),
    )
