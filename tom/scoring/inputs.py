"""What a scorer may ask for, by name; what it does not ask for is not loaded for it.

Pure: the database is read in `tom.scoring.loading`.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

INPUTS: Final[Mapping[str, str]] = {
    "lightcurve": "its points, each with its survey: `batch.mjd`, `flux`, ..., `survey`",
    "alert": "the newest packet's own figures: `batch.alert_values`, `batch.point_values`",
    "place": "`batch.ra`, `dec`, and the Milky Way's `ebv`",
    "cutouts": "the newest stamps: kind (science, template, difference) to image",
    "host": "the galaxy taken for its host: `Host`",
    "redshift": "as a person gave it, a number",
    "classifications": "what brokers say: a tuple of `Classified`, the newest first",
    "spectrum": "the newest one: `Spectrum`",
    "event": "when its event's window begins, MJD (UTC)",
}
"""The base name of each input to what it is.

An input is a base name, or a part of one after a dot (`alert.star`). The ranking lets each enter
once. Those below `place` are loaded where asked for, and stand in `batch.given`.
"""
ALWAYS: Final = ("lightcurve", "alert", "place")
ON_REQUEST: Final = tuple(name for name in INPUTS if name not in ALWAYS)


def base_of(name: str) -> str:
    """Return the base name of an input: `alert` of `alert.star:near`."""
    return name.partition(":")[0].partition(".")[0]


class Host(NamedTuple):
    """A host galaxy; NaN where a distance (Mpc) is not known."""

    name: str
    distance_mpc: float
    error_mpc: float


class Classified(NamedTuple):
    """What one classifier says: its own names of classes to probabilities, and ours where known."""

    author: str
    classifier: str
    version: str
    probabilities: Mapping[str, float]
    classes: Mapping[str, str]


class Spectrum(NamedTuple):
    """A spectrum: arrays of shape (k,), in the units that it came with; `error` may be empty."""

    mjd: float
    wavelength: FloatArray
    flux: FloatArray
    error: FloatArray
    wavelength_unit: str
    flux_unit: str
