"""The forms in which an ONNX model may take its input, as `tom.scoring.own.LAYOUTS` says."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from ml_plugins.outbursts.features import NAMES, measure, nights_of
from tom.scoring.contract import Batch, Reason

Float32Array = npt.NDArray[np.float32]

MOST_POINTS: Final = 200
COLUMNS: Final = 6
BANDS: Final = "ugrizy"
NANOJANSKY: Final = 1e-3  # in microjansky
SIDE: Final = 63
KINDS: Final = ("science", "template", "difference")


class Layout(Protocol):
    """One form: the shape of one object's input, whether an object has it, and the input."""

    @property
    def shapes(self) -> Sequence[tuple[int, ...]]:
        """The shapes of one object's input that a model may ask for; the first is what is made."""

    def reason(self, batch: Batch, row: int) -> Reason:
        """Return why an object has no input; `Reason.OK`: it has one."""

    def read(self, batch: Batch, row: int) -> Float32Array:
        """Return an object's input, of the first shape."""

    def missing(self, given: Float32Array) -> Sequence[str]:
        """Return the names of what is NaN in an object's input."""


class Features:
    """Features of `ml_plugins.outbursts.features`, by their names."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        names = options.get("features") or NAMES
        unknown = [name for name in names if name not in NAMES]
        if unknown:
            near = get_close_matches(unknown[0], NAMES)
            like = f" (is it {' or '.join(map(repr, near))}?)" if near else ""
            message = f"there is no feature {unknown[0]!r}{like}; there is {'; '.join(NAMES)}"
            raise ValueError(message)
        self.columns = [NAMES.index(name) for name in names]
        missing = options.get("missing")
        self.instead = np.nan if missing is None else float(missing)

    @property
    def shapes(self) -> Sequence[tuple[int, ...]]:
        """One number for each feature."""
        return [(len(self.columns),)]

    def reason(self, batch: Batch, row: int) -> Reason:
        """Want a night in each band."""
        nights = nights_of(batch, row)
        if not len(nights.time):
            return Reason.TOO_FEW_POINTS
        return Reason.OK if len(set(nights.band.tolist())) == 2 else Reason.NO_COLOUR

    def read(self, batch: Batch, row: int) -> Float32Array:
        """Return the named features, with what stands for those that cannot be read."""
        found = measure(nights_of(batch, row))[self.columns]
        return np.where(np.isfinite(found), found, self.instead).astype(np.float32)

    def missing(self, given: Float32Array) -> Sequence[str]:
        """Name the features that are NaN."""
        return [NAMES[self.columns[place]] for place in np.flatnonzero(np.isnan(given))]


class Points:
    """The newest measured points of a light curve, padded with zeros."""

    shapes: Sequence[tuple[int, ...]] = [(MOST_POINTS, COLUMNS)]

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.least = int(options.get("least", 1))

    def reason(self, batch: Batch, row: int) -> Reason:
        """Want so many detections as the model was made for."""
        enough = batch.n_detections[row] >= max(self.least, 1)
        return Reason.OK if enough else Reason.TOO_FEW_POINTS

    def read(self, batch: Batch, row: int) -> Float32Array:
        """Return the table of the points, shape (200, 6)."""
        mine = batch.rows(row)
        first = batch.mjd[mine][batch.is_detection[mine]].min()
        known = (batch.mjd[mine] <= batch.as_of_mjd[row]) & np.isfinite(batch.flux[mine])
        known &= np.isfinite(batch.flux_error[mine])
        kept = np.flatnonzero(known)[-MOST_POINTS:]
        table = np.zeros((MOST_POINTS, COLUMNS), np.float32)
        band = [BANDS.find(name) for name in batch.band[mine][kept]]
        columns = (
            batch.mjd[mine][kept] - first,
            batch.flux[mine][kept] * NANOJANSKY,
            batch.flux_error[mine][kept] * NANOJANSKY,
            [number if number >= 0 else len(BANDS) for number in band],
            batch.is_detection[mine][kept],
            np.ones(len(kept)),
        )
        table[: len(kept)] = np.stack([np.asarray(column, float) for column in columns], axis=1)
        return table

    def missing(self, given: Float32Array) -> Sequence[str]:
        """Name nothing: points without a value are left out."""
        return []


class Cutouts:
    """The newest stamps, each divided by its norm."""

    shapes: Sequence[tuple[int, ...]] = [(SIDE, SIDE, len(KINDS)), (len(KINDS), SIDE, SIDE)]

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take no option."""

    def reason(self, batch: Batch, row: int) -> Reason:
        """Want all three stamps, each of 63 x 63 pixels with something in it."""
        stamps = _stamps(batch, row)
        if stamps is None or any(kind not in stamps for kind in KINDS):
            return Reason.MISSING_INPUT
        fits = all(np.shape(stamps[kind]) == (SIDE, SIDE) for kind in KINDS)
        return Reason.OK if fits else Reason.OUT_OF_SCOPE

    def read(self, batch: Batch, row: int) -> Float32Array:
        """Return the stamps, shape (63, 63, 3)."""
        stamps = _stamps(batch, row) or {}
        return np.stack([_by_norm(stamps[kind]) for kind in KINDS], axis=-1)

    def missing(self, given: Float32Array) -> Sequence[str]:
        """Name nothing: pixels without a value are 0."""
        return []


def _stamps(batch: Batch, row: int) -> Mapping[str, Any] | None:
    given = batch.given.get("cutouts")
    return None if given is None else given[row]


def _by_norm(stamp: Any) -> Float32Array:
    image = np.nan_to_num(np.asarray(stamp, float), posinf=0.0, neginf=0.0)
    norm = float(np.linalg.norm(image))
    return (image / norm if norm > 0 else image).astype(np.float32)


LAYOUTS: Final[Mapping[str, type[Features] | type[Points] | type[Cutouts]]] = {
    "features": Features,
    "lightcurve": Points,
    "cutouts": Cutouts,
}
