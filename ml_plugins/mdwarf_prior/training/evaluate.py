"""Measure `mdwarf_prior` against flares simulated over the sky by others.

python -m ml_plugins.mdwarf_prior.training.evaluate DATA

Nothing is fitted: this is the command of both training and measuring. It prints the integral over
the sky, what the factor says at the places of published simulated flares, and how far it is from
their published density on the sky.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from astropy.io import fits

from ml_plugins.mdwarf_prior import FLARE_SHARE, flare_factor
from tom.scoring.contract import FloatArray
from tom.sky import galactic
from tom.sky.quick_healpy import healpy

SEED = 20261127
DRAWS = 1000
LATITUDES = (0.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0)


def main(arguments: list[str]) -> None:
    """Print the figures of the card."""
    folder = Path(arguments[0]) / "ml"
    published = read_density(folder / "mdwarf_flare_density_nside32.fits")
    nside = int(np.sqrt(len(published) / 12))
    pixels = np.arange(len(published))
    place = galactic(*healpy.pix2ang(nside, pixels, nest=True, lonlat=True))
    ours = flare_factor(*place)
    flares = pl.read_parquet(folder / "mdwarf_flare_meta.parquet")
    there = flare_factor(flares["l"].to_numpy(), flares["b"].to_numpy())
    mixed = (1 - FLARE_SHARE) + FLARE_SHARE * there
    _tell("integral over the sky", f"{ours.mean():.4f} (of {len(ours)} pixels)")
    _tell("mean log factor of flares", _with_interval(np.log(there)))
    _tell("flares where it is above 1", _with_interval((there > 1).astype(float)))
    _tell("mean log factor of transients there", _with_interval(-np.log(mixed)))
    _tell("and in the mean over the sky", f"{-np.log1p(FLARE_SHARE * (ours - 1)).mean():.3f}")
    gap = np.log(ours) - np.log(published)
    _tell("scatter from the published density", f"{gap.std():.3f} (natural log)")
    latitude = np.abs(place[1])
    for low, high in pairwise(LATITUDES):
        inside = (latitude >= low) & (latitude < high)
        _tell(
            f"|b| {low:g} to {high:g}",
            f"{ours[inside].mean():.2f} (published {published[inside].mean():.2f})",
        )


def read_density(path: Path) -> FloatArray:
    """Read a HEALPix map (ICRS, nested), over its mean."""
    with fits.open(path) as opened:
        values = np.ravel(opened[1].data.field(0)).astype(float)
    return np.asarray(values / values.mean())


def _with_interval(values: FloatArray) -> str:
    rng = np.random.default_rng(SEED)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f}; n {len(values)})"


def _tell(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:38} {figure}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
