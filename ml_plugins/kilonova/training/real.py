"""The two kilonovae whose photometry is public, judged as each of their epochs with colour came."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ml_plugins.injections.sources import DISTANCE_OF_AT2017GFO_MPC, MERGER_OF_AT2017GFO
from ml_plugins.kilonova import Kilonova
from tom.photometry import fluxes
from tom.scoring.contract import Batch, Curve, Host
from tom.sky import at2017gfo

START_MJD = 58000.0
COLOUR_DAYS = 0.2
"""g and r within so many days are an epoch with colour."""
HOST_ERROR = 0.1


class Known(NamedTuple):
    """A kilonova: its file, the merger or burst, its distance in Mpc and reddening."""

    file: str
    began: datetime
    megaparsec: float
    ebv: float


# The burst, its distance (z 0.076) and reddening: Rastinejad et al. 2022,
# https://doi.org/10.1038/s41586-022-05390-w.
KNOWN = {
    "AT2017gfo": Known(
        "AT2017gfo.dat", MERGER_OF_AT2017GFO, DISTANCE_OF_AT2017GFO_MPC, at2017gfo.EBV
    ),
    "GRB 211211A": Known(
        "GRB211211A.txt", datetime(2021, 12, 11, 13, 9, 59, tzinfo=UTC), 346.0, 0.015
    ),
}


def read_known(folder: Path, known: Known) -> Curve:
    """Read its detections in g and r."""
    points = []
    for line in (folder / "ml" / "kn" / known.file).read_text().splitlines():
        stamp, band, magnitude, error = line.split()
        if band in {"ps1::g", "ps1::r"} and np.isfinite(float(error)):
            after = datetime.fromisoformat(stamp).replace(tzinfo=UTC) - known.began
            points.append((after.total_seconds() / 86400, band[-1], float(magnitude), float(error)))
    days, bands, magnitude_, error_ = zip(*sorted(points), strict=True)
    flux = fluxes(np.array(magnitude_))
    return Curve(
        object_id=known.file,
        mjd=(START_MJD + np.array(days)).tolist(),
        flux=flux.tolist(),
        flux_error=(flux * np.array(error_) * np.log(10) / 2.5).tolist(),
        band=list(bands),
        kind=["alert"] * len(bands),
        as_of_mjd=START_MJD + days[-1],
        ebv=known.ebv,
        ebv_sigma=0.16 * known.ebv,
    )


def epochs_of(curve: Curve) -> list[float]:
    """Return the days by which each epoch with colour was complete."""
    days = np.array(curve.mjd) - START_MJD
    in_g = days[np.array(curve.band) == "g"]
    in_r = days[np.array(curve.band) == "r"]
    ends = []
    for at in in_g:
        near = in_r[np.abs(in_r - at) <= COLOUR_DAYS]
        if len(near):
            ends.append(max(at, near[np.abs(near - at).argmin()]))
    return sorted({round(float(end), 4) for end in ends})


def found_when(scorer: Kilonova, folder: Path, line: float, *, hosted: bool) -> list[str]:
    """Return the chance at each epoch with colour, and whether it is above the line."""
    lines = []
    for name, known in KNOWN.items():
        whole = read_known(folder, known)
        host = Host(name, known.megaparsec, HOST_ERROR * known.megaparsec)
        given = {"host": host} if hosted else {}
        for number, end in enumerate(epochs_of(whole), 1):
            seen = replace(whole, as_of_mjd=START_MJD + end + 1e-4, given=given)
            chance = scorer.score(Batch.build([seen])).probability[0, 0]
            told = "found" if chance > line else "not found"
            lines.append(f"| {name} | epoch {number}, {end:.2f} d | {chance:.3f} | {told} |")
    return lines
