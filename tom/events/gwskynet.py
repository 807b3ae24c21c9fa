"""GWSkyNet: does a gravitational wave's map look like that of a merger, or of noise?

The network, the norms of its training and its rates are files of the package `gwskynet`
(https://arxiv.org/abs/2408.06491). None of the package's code runs: it takes a minute for a map,
and many for a fine one. Without the package, or without onnxruntime, there is no answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tom.formats.fits_stream import table_header
from tom.formats.fits_tables import Header
from tom.sky.arrays import FloatArray
from tom.sky.distance import distance_probability_fraction
from tom.sky.healpix import healpix29
from tom.sky.levels import probdensity_at
from tom.sky.projection import principal_axes, project_volume
from tom.sky.skymap import SkyMap

_PACKAGE: Final = "gwskynet"
_FOLDER: Final = "GWSkyNet/GWSkyNet_data"
_CREATOR: Final = "BAYESTAR"
_DETECTORS: Final = ("H1", "L1", "V1")
_FACTORS: Final = ("LOGBCI", "LOGBSN")
_PIXELS: Final = 262
# The pictures of the volume reach from the mean distance so many standard deviations further.
_DEVIATIONS: Final = 2.5
_VOLUMES: Final = ("vol0", "vol1", "vol2")


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer of the network.

    Attributes
    ----------
    score
        0 to 1: near 1 it looks like a merger's. It is no probability.
    false_alarms, misses
        The shares, 0 to 1, of noise that scores more, and of mergers that score less, in the set on
        which its authors tested it.
    """

    score: float
    false_alarms: float
    misses: float


def model_version() -> str:
    """Name the network and its version; empty: it is not installed, or cannot run here."""
    folder, version = _installed()
    return f"GWSkyNet {version}" if folder else ""


def refusal_of(skymap: SkyMap, fits: bytes, *, is_burst: bool) -> str:
    """Say why the network cannot judge a map; empty: it can.

    It judges what it was trained on: mergers seen by at least two of three detectors, in maps of
    one program.
    """
    header = table_header(fits)
    creator = str(header.get("CREATOR", "")) or "a program that is not named"
    if is_burst:
        return "it was trained on mergers, and this is a burst"
    if creator != _CREATOR:
        return f"it was trained on {_CREATOR}'s maps, and this one was made by {creator[:60]}"
    if not distance_probability_fraction(skymap) or not _is_finite(header, "DISTMEAN", "DISTSTD"):
        return "the map has no distance"
    if not _is_finite(header, *_FACTORS):
        return "the map does not say how much its signal exceeds the noise"
    if not np.isclose(skymap.area_sr.sum(), 4 * np.pi):
        return "the map is a part of the sky alone"
    return _strange_detectors(_detectors(header))


def rate(skymap: SkyMap, fits: bytes) -> Rated:
    """Judge a map that is not refused; it takes some two seconds.

    Raises
    ------
    ValueError
        If the network is not installed.
    """
    folder, version = _installed()
    if folder is None:
        message = "GWSkyNet is not installed"
        raise ValueError(message)
    from onnxruntime import InferenceSession, SessionOptions  # slow to import

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    network = InferenceSession(folder / f"models/GWSkyNet_v{version}.onnx", options)
    given = inputs_of(skymap, table_header(fits), _norms(folder, version))
    named = {taken.name: given[taken.name] for taken in network.get_inputs()}
    score = float(np.asarray(network.run(None, named)[0]).ravel()[0])
    thresholds, false_alarms, misses = _rates(folder, version)
    return Rated(
        score,
        float(np.interp(score, thresholds, false_alarms)),
        float(np.interp(score, thresholds, misses)),
    )


def inputs_of(
    skymap: SkyMap, header: Header, norms: Mapping[str, float]
) -> dict[str, npt.NDArray[np.float32]]:
    """Make what the network takes of a map, each in an array of one item, as float32.

    Pictures are divided by their maxima, and these by the norms of the training.
    """
    mean, deviation = float(header["DISTMEAN"]), float(header["DISTSTD"])
    volumes = project_volume(
        skymap, principal_axes(skymap), half_width_mpc=mean + _DEVIATIONS * deviation, n=_PIXELS
    )
    tops = volumes.max(axis=(1, 2))
    sky = _sky(skymap)
    seen = [name in _detectors(header) for name in _DETECTORS]
    values = {
        "input_1": (sky / sky.max())[..., None],
        "input_10": float(header["LOGBSN"]) / norms["logbsn"],
        "input_2": np.moveaxis(volumes / tops[:, None, None], 0, -1),
        "input_3": seen,
        "input_4": mean / norms["distance"],
        "input_5": sky.max() / norms["skymap"],
        "input_6": tops[0] / norms["vol0"],
        "input_7": tops[1] / norms["vol1"],
        "input_8": tops[2] / norms["vol2"],
        "input_9": float(header["LOGBCI"]) / norms["logbci"],
    }
    return {
        name: np.atleast_1d(np.asarray(value, np.float32))[None] for name, value in values.items()
    }


def _sky(skymap: SkyMap) -> FloatArray:
    """The density, 1/sr, at the middle of each square degree: from the south, RA descending."""
    dec, ra = np.meshgrid(np.arange(-89.5, 90), np.arange(359.5, 0, -1), indexing="ij")
    return probdensity_at(skymap, healpix29(ra, dec))


def _detectors(header: Header) -> list[str]:
    return [name.strip() for name in str(header.get("INSTRUME", "")).split(",") if name.strip()]


def _strange_detectors(detectors: list[str]) -> str:
    strange = sorted(set(detectors) - {*_DETECTORS})
    if strange:
        return f"it was trained on {', '.join(_DETECTORS)}, and not on {', '.join(strange)[:60]}"
    if len(detectors) < 2:
        return "it compares detectors, and the map names fewer than two"
    return ""


def _is_finite(header: Header, *keywords: str) -> bool:
    values = [header.get(keyword) for keyword in keywords]
    return all(isinstance(value, int | float) and np.isfinite(value) for value in values)


@cache
def _installed() -> tuple[Path | None, str]:
    """The folder of the package's files, and its version; None where it cannot run."""
    try:
        found = distribution(_PACKAGE)
    except PackageNotFoundError:
        return None, ""
    folder = Path(str(found.locate_file(_FOLDER)))
    has_network = (folder / f"models/GWSkyNet_v{found.version}.onnx").exists()
    return (folder if has_network and find_spec("onnxruntime") else None), found.version


@cache
def _norms(folder: Path, version: str) -> Mapping[str, float]:
    names, *rows = (folder / "models/training_norms.txt").read_text().splitlines()
    row = next(row.split() for row in rows if row.split()[:1] == [f"GWSkyNet_v{version}"])
    return dict(zip(names.split()[1:], map(float, row[1:]), strict=True))


@cache
def _rates(folder: Path, version: str) -> FloatArray:
    """Thresholds, shares of false alarms, and shares of misses: shape `(3, n)`."""
    path = folder / f"rates/GWSkyNet_v{version}_rates.txt"
    return np.loadtxt(path, delimiter="\t", comments="#").T
