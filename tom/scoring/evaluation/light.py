"""Read the light curves of an evaluation, some objects at a time, in the form of the contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from tom.photometry import SHINING_SIGMA, fluxes
from tom.records.alert import AB_ZERO_POINT_NJY
from tom.scoring.contract import Curve
from tom.scoring.evaluation.columns import Labelled, WrongFileError, collect, find, find_any, scan

BANDS: Final = "ugrizyJHK"
FLUXCAL_ZERO_POINT: Final = 27.5  # SNANA's FLUXCAL: https://github.com/RickKessler/SNANA
FORMS: Final = ("fluxcal", "mag", "flux")
"""The columns of brightness, the most exact first; each has its error in a column + "err"."""
FLOAT = pl.Float64()
MJD_EPOCH: Final = datetime(1858, 11, 17)  # noqa: DTZ001  polars takes times without a zone
LATEST_MJD: Final = 200_000
"""No photometry has a later MJD; Julian dates and seconds of Unix are larger."""
MAGNITUDES: Final = (-30.0, 50.0)
"""Magnitudes outside, such as 99 and -999, stand for none."""


@dataclass(frozen=True)
class LightFile:
    """A file of points: object, mjd, band and a brightness with its error.

    Attributes
    ----------
    path : Path
    name : str
        The column of the object's name.
    form : str
        One of `FORMS`: `mag` is AB; `fluxcal` has the zero point 27.5.
    zero_point : float
        The AB magnitude of a flux of 1; not used for magnitudes.
    """

    path: Path
    name: str
    form: str
    zero_point: float

    def check_folds(self) -> None:
        """Refuse a file in which rows of one object are in two folds; else do nothing."""
        fold = find_any(scan(self.path).collect_schema().names(), "fold")
        if fold is None:
            return
        counts = scan(self.path).group_by(self.name).agg(pl.col(fold).n_unique().alias("n"))
        split = collect(counts.filter(pl.col("n") > 1), self.path)
        if len(split):
            message = (
                f"{self.path}: rows of {len(split)} objects are in two folds or more, such as"
                f" {min(map(str, split[self.name]))}: split by object, not by row"
            )
            raise WrongFileError(message)

    def curves(self, objects: Sequence[Labelled], *, most: int) -> Iterator[list[Curve]]:
        """Yield the curves of these objects, at most `most` at a time; without points: no curve."""
        for first in range(0, len(objects), most):
            chunk = {each.name: each for each in objects[first : first + most]}
            parts = self._points(list(chunk)).partition_by("name", as_dict=True)
            yield [_curve(chunk[str(key[0])], points) for key, points in sorted(parts.items())]

    def check_points(self) -> None:
        """Refuse a file whose times, bands, values or errors mean nothing here; else do nothing."""
        rows = self._read()
        known = pl.col("band").str.contains(f"[{BANDS}]$")
        usable = self._usable() & pl.col("value").is_finite()
        facts = rows.select(
            n=pl.len(),
            latest=pl.col("mjd").filter(pl.col("mjd").is_finite()).max(),
            bands=(usable & known).sum(),
            named=pl.col("band").filter(usable & ~known).unique().head(5).implode(),
            usable=usable.sum(),
            text=(pl.col("mjd").is_null() & pl.col("told").is_not_null()).sum(),
            first=pl.col("told").filter(pl.col("mjd").is_null()).drop_nulls().first(),
        )
        (found,) = collect(facts, self.path).to_dicts()
        for is_so, why in _faults(found, self.form):
            if is_so:
                message = f"{self.path} {why}"
                raise WrongFileError(message)

    def _read(self) -> pl.LazyFrame:
        """Return all rows, each column as one type; `told` is the time as it stands there."""
        frame = scan(self.path)
        types = frame.collect_schema()
        value, error = (
            pl.col(column).cast(FLOAT, strict=False) for column in (self.form, f"{self.form}err")
        )
        return frame.select(
            _text(self.name, types[self.name]).alias("name"),
            _days("mjd", types["mjd"]),
            pl.col("mjd").cast(pl.String()).alias("told"),
            _text("band", types["band"]).fill_null("").alias("band"),
            value.alias("value"),
            error.alias("error"),
        )

    def _usable(self) -> pl.Expr:
        """Whether a row is a point: a magnitude beyond `MAGNITUDES` stands for none."""
        there = pl.col("mjd").is_finite() & (pl.col("error") > 0)
        return there & pl.col("value").is_between(*MAGNITUDES) if self.form == "mag" else there

    def _points(self, names: list[str]) -> pl.DataFrame:
        """Return the points of these objects; a row that is there twice is one datum."""
        rows = self._read().filter(pl.col("name").is_in(names) & self._usable()).drop("told")
        known = rows.unique().with_columns(*self._flux()).sort("name", "mjd", "band")
        return collect(known, self.path)

    def _flux(self) -> tuple[pl.Expr, pl.Expr]:
        """Return the flux and its error in nJy."""
        value, error = pl.col("value"), pl.col("error")
        if self.form != "mag":
            scale = float(fluxes(self.zero_point))
            return value * scale, error * scale
        flux = 10 ** ((AB_ZERO_POINT_NJY - value) / 2.5)
        return flux.alias("value"), (flux * error * (np.log(10) / 2.5)).alias("error")


def open_light(path: Path, *, zero_point: float | None = None) -> LightFile:
    """Open a file of points; raise WrongFileError, with what to do, if it cannot be read as one."""
    columns = scan(path).collect_schema().names()
    name = find(columns, "name", path)
    missing = [column for column in ("mjd", "band") if column not in columns]
    if missing:
        message = f"{path} has no column {' and no '.join(missing)}; it has {', '.join(columns)}"
        raise WrongFileError(message)
    _refuse_lists(path)
    form = next((f for f in FORMS if f in columns and f"{f}err" in columns), None)
    if form is None:
        message = f"{path} needs mag and magerr (AB), flux and fluxerr, or fluxcal and fluxcalerr"
        raise WrongFileError(message)
    if zero_point is not None and not -50 <= zero_point <= 100:
        message = f"--zero-point {zero_point:g} is no AB magnitude of a flux of 1"
        raise WrongFileError(message)
    if form == "flux" and zero_point is None:
        message = (
            f"{path} holds fluxes of an unknown unit: give --zero-point, the AB magnitude of a flux"
            " of 1 (31.4 for nJy, 23.9 for microjansky)"
        )
        raise WrongFileError(message)
    return LightFile(path, name, form, FLUXCAL_ZERO_POINT if form == "fluxcal" else zero_point or 0)


def _refuse_lists(path: Path) -> None:
    nested = [name for name, kind in scan(path).collect_schema().items() if kind.is_nested()]
    if {"mjd", "band"} & set(nested):
        message = f"{path} has lists in its column {nested[0]}: give each point a row of its own"
        raise WrongFileError(message)


def _faults(found: dict[str, Any], form: str) -> Iterator[tuple[bool, str]]:
    """Yield what may be wrong with the points of a file, and whether it is."""
    yield found["n"] == 0, "has no row"
    yield (
        found["text"] > 0,
        f"has {found['text']} rows whose mjd is no number, such as {found['first']!r}:"
        " give modified Julian dates",
    )
    yield (
        (found["latest"] or 0) > LATEST_MJD,
        f"has an mjd of {found['latest']}: give modified Julian dates (Julian dates - 2400000.5)",
    )
    yield found["usable"] == 0, f"has no row with an mjd, a {form} and a {form}err above 0"
    yield (
        found["usable"] > 0 and not found["bands"],
        f"has no band whose last letter is one of {BANDS}; it has"
        f" {', '.join(map(repr, sorted(found['named'] or [])))}",
    )


def _text(column: str, kind: pl.DataType) -> pl.Expr:
    """Return a column as text without blanks at its ends; a whole number as `7`, never `7.0`."""
    values = pl.col(column)
    if kind.is_float():
        whole = values.cast(pl.Int64(), strict=False)
        is_whole = whole.cast(FLOAT) == values
        return pl.when(is_whole).then(whole.cast(pl.String())).otherwise(values.cast(pl.String()))
    return values.cast(pl.String(), strict=False).str.strip_chars()


def _days(column: str, kind: pl.DataType) -> pl.Expr:
    """Return a column of times as MJD: numbers are MJD, dates and times are UTC."""
    values = pl.col(column)
    if isinstance(kind, pl.Date | pl.Datetime):
        if isinstance(kind, pl.Datetime) and kind.time_zone:
            values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        since = values.cast(pl.Datetime("us")) - pl.lit(MJD_EPOCH)
        return since.dt.total_microseconds() / 86_400e6
    return values.cast(FLOAT, strict=False)


def _curve(known: Labelled, points: pl.DataFrame) -> Curve:
    """Make a curve: a point of `SHINING_SIGMA` errors is an alert, a fainter one is forced."""
    flux, error = points["value"].to_numpy(), points["error"].to_numpy()
    with np.errstate(invalid="ignore"):
        kind = np.where(flux >= SHINING_SIGMA * error, "alert", "forced")
    kind = np.where(np.isfinite(flux), kind, "limit")
    named = [_band_of(text) for text in points["band"].to_list()]
    given = {"redshift": known.redshift, "galaxies": known.galaxies}
    return Curve(
        object_id=known.name,
        mjd=points["mjd"].to_list(),
        flux=np.where(kind == "limit", np.nan, flux).tolist(),
        flux_error=error.tolist(),
        band=[band for band, _ in named],
        kind=kind.tolist(),
        as_of_mjd=float(points["mjd"][-1]),
        ra=known.ra,
        dec=known.dec,
        ebv=known.ebv,
        survey=[survey for _, survey in named],
        given={name: value for name, value in given.items() if value is not None},
    )


def _band_of(text: str) -> tuple[str, str]:
    """Return band and survey of a name such as `g`, `xyzg` or `xyz_g`; `clear` is none."""
    if text.lower() == "clear":
        return text, ""
    survey = text[:-1].rstrip("_:- ")
    return (text[-1], survey) if text and text[-1] in BANDS else (text, "")
