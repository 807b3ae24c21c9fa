"""The inputs that a scorer may ask for, by name; inputs that it does not name are not loaded.

Pure: `tom.scoring.loading` reads the database.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tom.records.redshift import Redshift, RedshiftSource

__all__ = [
    "ALWAYS",
    "INPUTS",
    "ON_REQUEST",
    "Classified",
    "Host",
    "Listed",
    "Redshift",
    "RedshiftSource",
    "Spectrum",
    "base_of",
]

FloatArray = npt.NDArray[np.float64]

INPUTS: Final[Mapping[str, str]] = {
    "lightcurve": "its points, each with its survey: `batch.mjd`, `flux`, ..., `survey`",
    "alert": "the newest packet's own figures: `batch.alert_values`, `batch.point_values`",
    "place": "`batch.ra`, `dec`, and the Milky Way's `ebv`",
    "cutouts": "the newest stamps: kind (science, template, difference) to image",
    "host": "the galaxy taken for its host: `Host`",
    "galaxies": "what the catalogues of galaxies list at its place: `Listed`",
    "redshift": "as a person gave it, with its source: `Redshift`",
    "classifications": "what brokers say: a tuple of `Classified`, the newest first",
    "spectrum": "the newest one: `Spectrum`",
    "event": "when its event's window begins, MJD (UTC)",
}
"""The base name of each input to what it is.

An input is a base name, or a part of one after a dot (`alert.star`). The ranking uses each input
once. The inputs below `place` are loaded if a scorer asks for them, and are in `batch.given`.
"""
ALWAYS: Final = ("lightcurve", "alert", "place")
ON_REQUEST: Final = tuple(name for name in INPUTS if name not in ALWAYS)


def base_of(name: str) -> str:
    """Return the base name of an input: `alert` of `alert.star:near`."""
    return name.partition(":")[0].partition(".")[0]


class Host(NamedTuple):
    """A host galaxy; distance and error in Mpc, NaN: not known."""

    name: str
    distance_mpc: float
    error_mpc: float


class Listed(NamedTuple):
    """What the loaded catalogues of galaxies list at a place; without a catalogue there is none.

    `share` is the chance that a listed galaxy is the host, 0 to 1, without the redshift of the
    transient; 0: none is near. It means nothing without the names of the catalogues, in order.
    """

    share: float
    catalogues: tuple[str, ...]


class Classified(NamedTuple):
    """One classifier's answer: probabilities by its names of classes, and our names if known."""

    author: str
    classifier: str
    version: str
    probabilities: Mapping[str, float]
    classes: Mapping[str, str]


class Spectrum(NamedTuple):
    """A spectrum: arrays of shape (k,), in the units given in it; `error` may be empty."""

    mjd: float
    wavelength: FloatArray
    flux: FloatArray
    error: FloatArray
    wavelength_unit: str
    flux_unit: str
