"""Read the light curves of an evaluation, some objects at a time, in the form of the contract."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from tom.photometry import SHINING_SIGMA, fluxes
from tom.records.alert import AB_ZERO_POINT_NJY
from tom.scoring.contract import Curve
from tom.scoring.evaluation.columns import Labelled, WrongFileError, find, find_any, scan

BANDS: Final = "ugrizyJHK"
FLUXCAL_ZERO_POINT: Final = 27.5  # SNANA's FLUXCAL: https://github.com/RickKessler/SNANA
FORMS: Final = ("fluxcal", "mag", "flux")
"""The columns of brightness, the most exact first; each has its error in a column + "err"."""
FLOAT = pl.Float64()


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
        split = counts.filter(pl.col("n") > 1).collect(engine="streaming")
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

    def _points(self, names: list[str]) -> pl.DataFrame:
        value, error = (
            pl.col(column).cast(FLOAT, strict=False) for column in (self.form, f"{self.form}err")
        )
        return (
            scan(self.path)
            .select(
                pl.col(self.name).cast(pl.String()).alias("name"),
                pl.col("mjd").cast(FLOAT),
                pl.col("band").cast(pl.String()),
                value.alias("value"),
                error.alias("error"),
            )
            .filter(pl.col("name").is_in(names) & pl.col("mjd").is_finite() & (pl.col("error") > 0))
            .with_columns(*self._flux())
            .sort("name", "mjd", "band")
            .collect(engine="streaming")
        )

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
    form = next((f for f in FORMS if f in columns and f"{f}err" in columns), None)
    if form is None:
        message = f"{path} needs mag and magerr (AB), flux and fluxerr, or fluxcal and fluxcalerr"
        raise WrongFileError(message)
    if form == "flux" and zero_point is None:
        message = (
            f"{path} holds fluxes of an unknown unit: give --zero-point, the AB magnitude of a flux"
            " of 1 (31.4 for nJy, 23.9 for microjansky)"
        )
        raise WrongFileError(message)
    return LightFile(path, name, form, FLUXCAL_ZERO_POINT if form == "fluxcal" else zero_point or 0)


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
    """Return band and survey of a name such as `g`, `xyzg` or `xyz_g`."""
    survey = text[:-1].rstrip("_:- ")
    return (text[-1], survey) if text and text[-1] in BANDS else (text, "")
