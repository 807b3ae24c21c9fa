"""Sky maps as multi-order FITS files, as LIGO-Virgo-KAGRA sends them."""

import io
from collections.abc import Mapping

import numpy as np

from tom.sky.skymap import SkyMap
from tom.sky.skymap_fits import DISTANCES


def write_skymap(skymap: SkyMap, *, header: Mapping[str, str | float] | None = None) -> bytes:
    """Write a multi-order FITS file as LIGO-Virgo-KAGRA sends it: rows by UNIQ, 1/sr, Mpc.

    `header` adds keywords of the caller's, such as `OBJECT` or `DATE-OBS`.
    """
    from astropy.io import fits  # slow to import, and only writers need it

    order = np.argsort(skymap.uniq, kind="stable")
    columns = [
        fits.Column("UNIQ", "K", array=skymap.uniq[order]),
        fits.Column("PROBDENSITY", "D", unit="sr-1", array=skymap.probdensity[order]),
    ]
    distances = (skymap.distmu, skymap.distsigma, skymap.distnorm)
    for name, unit, values in zip(DISTANCES, ("Mpc", "Mpc", "Mpc-2"), distances, strict=True):
        if values is not None:
            columns.append(fits.Column(name, "D", unit=unit, array=values[order]))
    table = fits.BinTableHDU.from_columns(columns)
    table.header.update(_header(skymap) | dict(header or {}))
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    return buffer.getvalue()


def _header(skymap: SkyMap) -> dict[str, str | float]:
    header: dict[str, str | float] = {
        "PIXTYPE": "HEALPIX",
        "ORDERING": "NUNIQ",
        "COORDSYS": "C",
        "MOCORDER": int(skymap.level.max()),
        "INDXSCHM": "EXPLICIT",
    }
    distances = {"DISTMEAN": skymap.distance_mean, "DISTSTD": skymap.distance_std}
    return header | {name: value for name, value in distances.items() if np.isfinite(value)}
