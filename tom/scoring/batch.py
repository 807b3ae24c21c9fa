"""The input of a scorer: many objects' light curves in one ragged, read-only batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tom.photometry import SHINING_SIGMA

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
StrArray = npt.NDArray[np.str_]

KINDS = ("alert", "limit", "forced")
# An alert and the forced point at the same exposure are one visit; exposures last 30 s or more.
SAME_VISIT_DAYS = 2e-4


@dataclass(frozen=True)
class Curve:
    """One object as the database holds it: its points, and the values of its place.

    `mjd` is UTC. `flux` and `flux_error` are nJy (AB 31.4), flux signed; a limit has flux NaN and
    a fifth of the 5-sigma limit as its error. Missing scalars are NaN. `alert_values` are the
    newest alert's own scores (`rb`, `drb`). `point_values` are the scores of each point; NaN: it
    has none. `key` is each point's identity, and orders points of one time and kind. `key` and the
    points' `survey` may be left out. `given` has the other inputs that a scorer asked for, by name.
    """

    object_id: str
    mjd: Sequence[float]
    flux: Sequence[float]
    flux_error: Sequence[float]
    band: Sequence[str]
    kind: Sequence[str]
    as_of_mjd: float
    ra: float = np.nan
    dec: float = np.nan
    ebv: float = np.nan
    ebv_sigma: float = np.nan
    alert_values: Mapping[str, float] = field(default_factory=dict)
    point_values: Mapping[str, Sequence[float]] = field(default_factory=dict)
    key: Sequence[str] = ()
    survey: Sequence[str] = ()
    given: Mapping[str, Any] = field(default_factory=dict)

    def order(self) -> IntArray:
        """Return the order of the points by time, kind and key, shape (m,).

        The order is total: it does not depend on the order in which the points came.
        """
        mjd = np.asarray(self.mjd, float)
        if len(np.unique(mjd)) == len(mjd):
            return np.argsort(mjd)
        values = [_values_of(self, name) for name in sorted(self.point_values, reverse=True)]
        names = [
            np.asarray(column, str) for column in (self.band, self.key or self.band, self.kind)
        ]
        numbers = [np.asarray(column, float) for column in (self.flux_error, self.flux)]
        columns = [*values, *numbers, *names, mjd]
        if any(column.shape != mjd.shape for column in columns):
            return np.argsort(mjd, kind="stable")  # `Batch.build` refuses it
        order: IntArray = np.lexsort(columns)
        return order


@dataclass(frozen=True, eq=False)
class Batch:
    """Light curves of n objects with m points in all; every array is read-only.

    Attributes
    ----------
    object_ids : array of str, shape (n,)
    start : array of int, shape (n + 1,)
        Object i owns the points `start[i]` to `start[i + 1]`, in order of time, kind and key.
    mjd, flux, flux_error : array, shape (m,)
        UTC days; nJy, signed; nJy. A limit has flux NaN and error = 5-sigma limit / 5.
    band, kind : array of str, shape (m,)
        "g", "r", "i", ...; "alert", "limit" or "forced".
    ra, dec, ebv, ebv_sigma, as_of_mjd : array, shape (n,)
        ICRS degrees; Milky Way E(B-V) and its error, mag (NaN: not known); UTC MJD of the score.
    alert_values : mapping of str to array, shape (n,)
        The newest alert's own scores; NaN: the alert had none.
    point_values : mapping of str to array, shape (m,)
        The scores of each point; NaN: the point has none.
    survey : array of str, shape (m,)
        The survey of each point; "": not known.
    given : mapping of str to tuple, length n
        The inputs that a scorer asked for by name (`tom.scoring.inputs`); None: not known.
    """

    object_ids: StrArray
    start: IntArray
    mjd: FloatArray
    flux: FloatArray
    flux_error: FloatArray
    band: StrArray
    kind: StrArray
    ra: FloatArray
    dec: FloatArray
    ebv: FloatArray
    ebv_sigma: FloatArray
    as_of_mjd: FloatArray
    alert_values: Mapping[str, FloatArray] = field(default_factory=dict)
    point_values: Mapping[str, FloatArray] = field(default_factory=dict)
    survey: StrArray = field(default_factory=lambda: np.empty(0, str))
    given: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every shape and freeze the arrays.

        Raises
        ------
        ValueError
            If a shape, a kind or the order of time is wrong.
        """
        if not len(self.survey):
            object.__setattr__(self, "survey", np.full(len(self.mjd), ""))
        self._check_shapes()
        self._check_points()
        for item in fields(self):
            object.__setattr__(self, item.name, _frozen(getattr(self, item.name)))

    def _check_shapes(self) -> None:
        n, m = len(self.object_ids), len(self.mjd)
        start = self.start
        if start.shape != (n + 1,) or start[0] != 0 or start[-1] != m or np.any(np.diff(start) < 0):
            message = f"start must rise from 0 to {m} in {n + 1} values"
            raise ValueError(message)
        points = ("mjd", "flux", "flux_error", "band", "kind", "survey")
        objects = ("ra", "dec", "ebv", "ebv_sigma", "as_of_mjd")
        shapes = {name: (getattr(self, name).shape, (m,)) for name in points}
        shapes |= {name: (getattr(self, name).shape, (n,)) for name in objects}
        shapes |= {name: (array.shape, (n,)) for name, array in self.alert_values.items()}
        shapes |= {f"{name} of points": (a.shape, (m,)) for name, a in self.point_values.items()}
        shapes |= {name: ((len(values),), (n,)) for name, values in self.given.items()}
        for name, (found, expected) in shapes.items():
            if found != expected:
                message = f"{name} has shape {found}, expected {expected}"
                raise ValueError(message)

    def _check_points(self) -> None:
        if not np.all(np.isin(self.kind, KINDS)):
            message = f"a point's kind must be one of {', '.join(KINDS)}"
            raise ValueError(message)
        if not np.all(np.isfinite(self.mjd)) or not np.all(np.isfinite(self.as_of_mjd)):
            message = "every time must be finite"
            raise ValueError(message)
        if np.any(np.diff(self.mjd)[np.diff(self.point_object) == 0] < 0):
            message = "an object's points must be in order of time"
            raise ValueError(message)

    @classmethod
    def build(cls, curves: Sequence[Curve]) -> Self:
        """Make a batch from one `Curve` per object; points are sorted by `Curve.order`."""
        orders = [curve.order() for curve in curves]
        alert_names = sorted({name for curve in curves for name in curve.alert_values})
        point_names = sorted({name for curve in curves for name in curve.point_values})
        given_names = sorted({name for curve in curves for name in curve.given})

        def points(name: str, dtype: type) -> npt.NDArray[Any]:
            return _join([np.asarray(getattr(c, name), dtype) for c in curves], orders, dtype)

        def objects(name: str) -> FloatArray:
            return np.array([getattr(curve, name) for curve in curves], float)

        return cls(
            object_ids=np.array([curve.object_id for curve in curves], str),
            start=np.concatenate([[0], np.cumsum([len(o) for o in orders])]).astype(np.int64),
            mjd=points("mjd", float),
            flux=points("flux", float),
            flux_error=points("flux_error", float),
            band=points("band", str),
            kind=points("kind", str),
            ra=objects("ra"),
            dec=objects("dec"),
            ebv=objects("ebv"),
            ebv_sigma=objects("ebv_sigma"),
            as_of_mjd=objects("as_of_mjd"),
            alert_values={
                name: np.array([c.alert_values.get(name, np.nan) for c in curves], float)
                for name in alert_names
            },
            point_values={
                name: _join([_values_of(c, name) for c in curves], orders, float)
                for name in point_names
            },
            survey=_join([_surveys_of(curve) for curve in curves], orders, str),
            given={name: tuple(c.given.get(name) for c in curves) for name in given_names},
        )

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.object_ids)

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Make the batch picklable; a scorer's process checks and freezes it again."""
        values = (getattr(self, item.name) for item in fields(self))
        plain = tuple(dict(each) if isinstance(each, Mapping) else each for each in values)
        return type(self), plain

    @property
    def point_object(self) -> IntArray:
        """The row of the object to which each point belongs, shape (m,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    @cached_property
    def is_detection(self) -> BoolArray:
        """Whether each point is a positive detection up to `as_of_mjd`, shape (m,).

        A positive alert is a detection. A forced point is one from 5 sigma on. NaN flux is not.
        """
        known = self.mjd <= self.as_of_mjd[self.point_object]
        with np.errstate(invalid="ignore", divide="ignore"):
            significant = self.flux >= SHINING_SIGMA * self.flux_error
        usable = (self.flux > 0) & (self.flux_error > 0) & np.isfinite(self.flux)
        shows = (self.kind == "alert") | (self.kind == "forced") & significant
        detected: BoolArray = known & usable & shows
        return detected

    @cached_property
    def n_detections(self) -> IntArray:
        """Number of visits with a positive detection up to `as_of_mjd`, per object, shape (n,).

        An alert and the forced point at the same exposure count once.
        """
        rows = np.flatnonzero(self.is_detection)
        owner, time = self.point_object[rows], self.mjd[rows]
        repeats = np.zeros(len(rows), bool)
        repeats[1:] = (np.diff(owner) == 0) & (np.diff(time) < SAME_VISIT_DAYS)
        return np.bincount(owner[~repeats], minlength=len(self)).astype(np.int64)

    def rows(self, index: int) -> slice:
        """Return the slice of the points of one object."""
        return slice(int(self.start[index]), int(self.start[index + 1]))

    def take(self, indices: npt.ArrayLike) -> Self:
        """Return the batch of these objects, in this order."""
        chosen = np.asarray(indices, np.int64).reshape(-1)
        counts = np.diff(self.start)[chosen]
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        offset = np.repeat(self.start[chosen] - start[:-1], counts)
        return self._pick(chosen, np.arange(start[-1]) + offset, start)

    def since(self, mjd: npt.ArrayLike) -> Self:
        """Return the batch without the detections before `mjd` (scalar or shape (n,)).

        Earlier limits and faint forced points stay: they show when the rise began. Earlier
        detections belong to another term of the ranking, and each datum enters once.
        """
        earliest = np.broadcast_to(np.asarray(mjd, float), len(self))[self.point_object]
        with np.errstate(invalid="ignore"):
            dark = (self.kind == "limit") | (
                (self.kind == "forced") & (np.abs(self.flux) < SHINING_SIGMA * self.flux_error)
            )
        kept = np.flatnonzero((self.mjd >= earliest) | dark)
        counts = np.bincount(self.point_object[kept], minlength=len(self))
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return self._pick(np.arange(len(self)), kept, start)

    def _pick(self, objects: IntArray, points: IntArray, start: IntArray) -> Self:
        return replace(
            self,
            start=start,
            object_ids=self.object_ids[objects],
            ra=self.ra[objects],
            dec=self.dec[objects],
            ebv=self.ebv[objects],
            ebv_sigma=self.ebv_sigma[objects],
            as_of_mjd=self.as_of_mjd[objects],
            mjd=self.mjd[points],
            flux=self.flux[points],
            flux_error=self.flux_error[points],
            band=self.band[points],
            kind=self.kind[points],
            alert_values={name: values[objects] for name, values in self.alert_values.items()},
            point_values={name: values[points] for name, values in self.point_values.items()},
            survey=self.survey[points],
            given={
                name: tuple(values[row] for row in objects.tolist())
                for name, values in self.given.items()
            },
        )


def _surveys_of(curve: Curve) -> StrArray:
    return np.asarray(curve.survey or [""] * len(curve.mjd), str)


def _values_of(curve: Curve, name: str) -> FloatArray:
    missing = np.full(len(curve.mjd), np.nan)
    return np.asarray(curve.point_values.get(name, missing), float)


def _join(arrays: list[npt.NDArray[Any]], orders: list[IntArray], dtype: type) -> npt.NDArray[Any]:
    for array, order in zip(arrays, orders, strict=True):
        if array.shape != order.shape:
            message = f"a curve has {len(order)} times but {len(array)} values"
            raise ValueError(message)
    ordered = [array[order] for array, order in zip(arrays, orders, strict=True)]
    return np.concatenate([np.empty(0, dtype), *ordered])


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType({name: _frozen(array) for name, array in value.items()})
    if isinstance(value, tuple):
        return value
    frozen = value.view()
    frozen.flags.writeable = False
    return frozen
