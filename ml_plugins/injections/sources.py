"""Real light curves from the folder of real data, in one form for fitting and measuring."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from tom.photometry import fluxes
from tom.scoring.contract import FloatArray, StrArray

MERGER_OF_AT2017GFO = datetime(2017, 8, 17, 12, 41, 4, tzinfo=UTC)
DISTANCE_OF_AT2017GFO_MPC = 40.7  # Cantiello et al. 2018, https://doi.org/10.3847/2041-8213/aaad64
# A BTS object's reddening: A_V of its catalogue over R_V.
R_V = 3.1


@dataclass(frozen=True, eq=False)
class Source:
    """One real object in g and r: days (MJD), bands, signed flux and error in nJy, its reddening.

    `period` is in days; NaN: it has none.
    """

    name: str
    label: str
    mjd: FloatArray
    band: StrArray
    flux: FloatArray
    error: FloatArray
    ebv: float
    period: float = np.nan


def read_bts(folder: Path) -> list[Source]:
    """Read the Bright Transient Survey: real ZTF alerts of typed transients."""
    meta = pl.read_parquet(folder / "ml" / "ztf_bts_meta.parquet")
    known = {row["oid"]: row for row in meta.iter_rows(named=True)}
    sources = []
    for name, curve in _curves(pl.read_parquet(folder / "ml" / "ztf_bts_lc.parquet")):
        row = known[name]
        label = "nova" if row["type"] == "nova" else str(row["cls"])
        sources.append(_from_magnitudes(name, label, curve, float(row["A_V"] or 0.0) / R_V))
    return sources


def read_variables(folder: Path) -> list[Source]:
    """Read periodic variables of ZTF DR3, as flux above or below their own median.

    A reference image has about the median flux, so this is the flux after subtraction.
    """
    sources = []
    table = pl.read_parquet(folder / "ml" / "ztf_dr3_variables_lc.parquet")
    for name, curve in _curves(table.filter(pl.col("band").is_in(["g", "r"]))):
        whole = _from_magnitudes(name, "variable", curve, np.nan)
        flux = whole.flux.copy()
        for band in "gr":
            chosen = whole.band == band
            flux[chosen] -= np.median(flux[chosen]) if np.any(chosen) else 0.0
        sources.append(replace(whole, flux=flux, period=float(curve["period"][0])))
    return sources


@dataclass(frozen=True, eq=False)
class Flare:
    """One M-dwarf flare: days from its start, and flux above quiescence per band, any unit."""

    name: str
    days: FloatArray
    flux: dict[str, FloatArray]


def read_flares(folder: Path) -> list[Flare]:
    """Read flares: shapes seen by Kepler, in LSST's bands by a two-temperature model."""
    table = pl.read_parquet(folder / "ml" / "mdwarf_flare_lc.parquet")
    flares = []
    for (name,), curve in table.group_by("oid", maintain_order=True):
        quiet = curve.filter(pl.col("row") == "T")
        shape = curve.filter(pl.col("row") == "S").sort("t_bkjd")
        days = shape["t_bkjd"].to_numpy() - quiet["t_bkjd"].to_numpy()[0]
        excess = {
            band: np.maximum(
                fluxes(shape[band].to_numpy()) - fluxes(quiet[band].to_numpy()[0]), 0.0
            )
            for band in "gr"
        }
        if len(days) >= 2 and all(np.any(flux > 0) for flux in excess.values()):
            flares.append(Flare(str(name), days, excess))
    return flares


def read_at2017gfo(folder: Path) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Read AT2017gfo: per band the days after the merger and the absolute AB magnitude."""
    modulus = 5 * np.log10(DISTANCE_OF_AT2017GFO_MPC * 1e5)
    seen: dict[str, list[tuple[float, float]]] = {"g": [], "r": []}
    for line in (folder / "ml" / "kn" / "AT2017gfo.dat").read_text().splitlines():
        stamp, name, magnitude, error = line.split()
        band = name.removeprefix("ps1::")
        if band in seen and np.isfinite(float(error)):
            after = datetime.fromisoformat(stamp).replace(tzinfo=UTC) - MERGER_OF_AT2017GFO
            seen[band].append((after.total_seconds() / 86400, float(magnitude) - modulus))
    return {
        band: (np.array([day for day, _ in points]), np.array([mag for _, mag in points]))
        for band, points in seen.items()
    }


def read_depths(folder: Path) -> dict[str, FloatArray]:
    """Read real 5-sigma limits of ZTF, AB mag, per band, from ALeRCE's non-detections."""
    table = pl.read_csv(folder / "labels" / "alerce" / "30_sne_non_detections.csv")
    return {
        band: table.filter(pl.col("fid") == fid)["diffmaglim"].to_numpy()
        for band, fid in (("g", 1), ("r", 2))
    }


def _curves(table: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (name,), curve in table.sort("oid", "mjd").group_by("oid", maintain_order=True):
        yield str(name), curve


def _from_magnitudes(name: str, label: str, curve: pl.DataFrame, ebv: float) -> Source:
    flux = fluxes(curve["mag"].to_numpy().astype(float))
    error = flux * curve["magerr"].to_numpy().astype(float) * np.log(10) / 2.5
    return Source(
        name, label, curve["mjd"].to_numpy(), curve["band"].to_numpy().astype(str), flux, error, ebv
    )
