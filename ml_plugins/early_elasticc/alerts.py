"""An alert of ELAsTiCC's version 0.9 as a light curve.

The alerts that brokers got in 2023 have fluxes in nJy, AB 31.4: against the peaks that were
simulated the zero point is 31.39 (n 1,487). The packets for the first tests have 27.5; they do not
say how the host's redshift was measured (`hostgal_zspec`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from tom.photometry import SHINING_SIGMA, fluxes
from tom.scoring.contract import Curve, Redshift, RedshiftSource

_STREAMED: Final = 31.4
_FIRST: Final = 27.5
HISTORY: Final = ("prvDiaSources", "prvDiaForcedSources")


class Point(NamedTuple):
    """One point: MJD (TAI, as in the alert), band, flux and its error (the alert's own unit)."""

    mjd: float
    band: str
    flux: float
    error: float


def points_of(alert: Mapping[str, Any]) -> Iterator[Point]:
    """Yield the alert's own point and those of its history that have a positive error."""
    rows = [alert["diaSource"], *(row for part in HISTORY for row in alert.get(part) or ())]
    for row in rows:
        point = Point(
            float(row["midPointTai"]),
            row["filterName"].lower(),
            float(row["psFlux"]),
            float(row["psFluxErr"]),
        )
        if point.error > 0:
            yield point


def redshift_of(alert: Mapping[str, Any]) -> Redshift | None:
    """Return the host's redshift, spectroscopic before photometric; None: the alert has none."""
    host = alert["diaObject"]
    for name, source in (("zspec", RedshiftSource.HOST), ("zphot", RedshiftSource.PHOTOMETRIC)):
        value = host.get(f"hostgal_{name}")
        if value is not None and value > 0:
            return Redshift(float(value), source)
    return None


def curve_of(alert: Mapping[str, Any]) -> Curve:
    """Return what an alert tells of its object, as of its own time; fluxes in nJy."""
    own = float(alert["diaSource"]["midPointTai"])
    points = [point for point in points_of(alert) if point.mjd <= own]
    scale = float(fluxes(_STREAMED if "hostgal_zspec" in alert["diaObject"] else _FIRST))
    flux = np.array([point.flux for point in points]) * scale
    error = np.array([point.error for point in points]) * scale
    return Curve(
        object_id=str(alert["diaSource"]["diaObjectId"]),
        mjd=[point.mjd for point in points],
        flux=flux.tolist(),
        flux_error=error.tolist(),
        band=[point.band for point in points],
        kind=np.where(flux >= SHINING_SIGMA * error, "alert", "forced").tolist(),
        as_of_mjd=own,
        ebv=float(alert["diaObject"]["mwebv"]),
        given={"redshift": redshift_of(alert)},
    )
