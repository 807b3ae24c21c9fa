"""Loci as filters for ANTARES take them, made of light curves as scorers get them."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ml_plugins.filter.devkit import DevkitAlert, DevKitLocus
from tom.scoring.contract import Batch, IntArray

ZTF, LIMIT, DECAM, LSST = 1, 2, 3, 4
NUMBERS: Final[Mapping[str, int]] = {"ZTF": ZTF, "": ZTF, "DECAM": DECAM, "LSST": LSST}
"""The number of each survey of ours that ANTARES has; a point without a survey counts as ZTF's."""
PREFIXES: Final[Mapping[int, str]] = {ZTF: "ztf_candidate", LIMIT: "ztf_upper_limit"}
PASSBANDS: Final[Mapping[str, str]] = {"r": "R"}
"""ZTF's r is called R there."""
ZTF_BANDS: Final[Mapping[str, int]] = {"g": 1, "r": 2, "i": 3}
ZERO_POINT: Final = 31.4  # of nanojansky, AB
MAG_OF_SHARE: Final = 2.5 / np.log(10)
MJD_TO_JD: Final = 2_400_000.5


def locus_of(batch: Batch, row: int) -> DevKitLocus | None:
    """Return an object's alerts and limits up to its newest detection; None: it has none.

    Forced points are left out, as ANTARES has none. The ids are this site's: of the target, and of
    the alert's place in its light curve.
    """
    points = _points(batch, row)
    name = str(batch.object_ids[row])
    alerts = [_alert(batch, row, int(point), name) for point in points]
    if not alerts:
        return None
    _add_newest(alerts[-1], batch, row)
    return DevKitLocus(
        id=name,
        ra=float(batch.ra[row]),
        dec=float(batch.dec[row]),
        alerts=alerts,
        internal_properties=_properties(alerts, name),
    )


def _points(batch: Batch, row: int) -> IntArray:
    """Return the points that are told, in order of time; the last one is a detection."""
    own = np.arange(len(batch.mjd))[batch.rows(row)]
    known = own[np.isin(batch.survey[own], list(NUMBERS)) & (batch.kind[own] != "forced")]
    known = known[(batch.mjd[known] <= batch.as_of_mjd[row]) & (batch.flux_error[known] > 0)]
    has_value = np.isfinite(batch.flux[known]) & (batch.flux[known] != 0)
    is_alert = (batch.kind[known] == "alert") & has_value
    told = known[is_alert | (batch.kind[known] == "limit")]
    detected = np.flatnonzero(batch.kind[told] == "alert")
    end = int(detected[-1]) + 1 if len(detected) else 0
    chosen: IntArray = told[:end]
    return chosen


def _alert(batch: Batch, row: int, point: int, name: str) -> DevkitAlert:
    mjd, band = float(batch.mjd[point]), str(batch.band[point])
    flux, error = float(batch.flux[point]), float(batch.flux_error[point])
    number, place = NUMBERS[str(batch.survey[point])], point - int(batch.start[row])
    is_limit = str(batch.kind[point]) == "limit"
    if is_limit and number == ZTF:
        number = LIMIT
    told: dict[str, Any] = {
        "ant_mjd": mjd,
        "ant_survey": number,
        "ant_passband": PASSBANDS.get(band, band) if number in {ZTF, LIMIT} else band,
        "ant_maglim": _magnitude(5 * error),
    }
    if not is_limit:
        told |= {
            "ant_mag": _magnitude(abs(flux)),
            "ant_magerr": float(MAG_OF_SHARE * error / abs(flux)),
            "ant_ra": float(batch.ra[row]),
            "ant_dec": float(batch.dec[row]),
        }
    told |= _of_survey(told, band, flux, number)
    score = batch.point_values.get("rb")
    if number == ZTF and score is not None and np.isfinite(score[point]):
        told["ztf_rb"] = float(score[point])
    return DevkitAlert(f"{PREFIXES.get(number, 'alert')}:{name}:{place}", mjd, told)


def _of_survey(told: Mapping[str, Any], band: str, flux: float, number: int) -> dict[str, Any]:
    """Return the survey's own names of what an alert tells."""
    if number == LSST:
        own = {"lsst_diaSource_psfFlux": flux, "lsst_diaSource_band": band}
        return own if "ant_mag" in told else {}
    if number not in {ZTF, LIMIT}:
        return {}
    own = {
        "ztf_jd": told["ant_mjd"] + MJD_TO_JD,
        "ztf_fid": ZTF_BANDS.get(band, 0),
        "ztf_diffmaglim": told["ant_maglim"],
    }
    if number == LIMIT:
        return own
    return own | {
        "ztf_magpsf": told["ant_mag"],
        "ztf_sigmapsf": told["ant_magerr"],
        "ztf_isdiffpos": "t" if flux > 0 else "f",
        "ztf_ra": told["ant_ra"],
        "ztf_dec": told["ant_dec"],
    }


def _add_newest(alert: DevkitAlert, batch: Batch, row: int) -> None:
    """Add the newest packet's own scores to its alert."""
    number = alert.properties["ant_survey"]
    prefix = {ZTF: "ztf_", LSST: "lsst_diaSource_"}.get(number)
    if prefix is None:
        return
    for name, values in batch.alert_values.items():
        if np.isfinite(values[row]):
            alert.properties[prefix + name] = float(values[row])


def _properties(alerts: list[DevkitAlert], name: str) -> dict[str, Any]:
    seen = [each for each in alerts if "ant_mag" in each.properties]
    told: dict[str, Any] = {
        "num_alerts": len(alerts),
        "num_mag_values": len(seen),
        "is_corrected": "false",
    }
    if any(each.properties["ant_survey"] in {ZTF, LIMIT} for each in alerts):
        told["ztf_object_id"] = name
    brightest = min(seen, key=lambda each: each.properties["ant_mag"])
    for which, alert in (("newest", seen[-1]), ("oldest", seen[0]), ("brightest", brightest)):
        told |= {
            f"{which}_alert_id": alert.id,
            f"{which}_alert_magnitude": alert.properties["ant_mag"],
            f"{which}_alert_observation_time": alert.mjd,
        }
    return told


def _magnitude(flux: float) -> float:
    """Return the AB magnitude of a flux above 0, in nanojansky."""
    return float(ZERO_POINT - 2.5 * np.log10(flux))
