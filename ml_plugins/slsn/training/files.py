"""Write light curves and labels of superluminous supernovae and of others, in one form.

python -m ml_plugins.slsn.training.files DATA FOLDER

DATA has `ml/`. FOLDER gets `NAME_lc.parquet` (flux in nJy) and `NAME_meta.parquet` of four names.
`survey`: ZTF's alerts of the Bright Transient Survey. `real`: with them, ZTF's points of real
superluminous supernovae (SLSNe, https://github.com/gmzsebastian/SLSNe). `mallorn`: MALLORN's
rendered nuclear transients. `all`: `real` and `mallorn`, which the scorer is fitted to. What GLADE+
lists at the places of the real ones stands in `listed.csv`; MALLORN's have no place.
"""

import sys
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from tom.photometry import fluxes

MOST_ERROR: Final = 0.217
"""Of a magnitude: 5 sigma. Both sources are cut at it, so that depth does not tell them apart."""
MICROJANSKY_NJY: Final = 1000.0
LISTED: Final = Path(__file__).with_name("listed.csv")
"""Made by `tests/evaluation/listed_galaxies.py`."""
CATALOGUE: Final = "GLADE+"


def write_files(data: Path, folder: Path) -> None:
    """Write the files.

    A superluminous supernova that both sources have is taken from the survey. Redshifts are kept
    for MALLORN alone: most of the real superluminous ones have none here, so that to know one
    would tell the class.
    """
    survey, meta = _survey(data / "ml")
    more, labels = _superluminous(data / "ml", set(meta["alias"]))
    real = pl.concat([survey, more]), pl.concat([meta, labels])
    rendered = _mallorn(data / "ml")
    both = tuple(pl.concat(pair) for pair in zip(real, rendered, strict=True))
    written = {"survey": (survey, meta), "real": real, "mallorn": rendered, "all": both}
    for name, (light, known) in written.items():
        light.write_parquet(folder / f"{name}_lc.parquet")
        _with_galaxies(known).write_parquet(folder / f"{name}_meta.parquet")


def _with_galaxies(meta: pl.DataFrame) -> pl.DataFrame:
    """Return the labels with the chance that a listed galaxy is the host; null: no place."""
    told = meta.join(pl.read_csv(LISTED), on="oid", how="left", maintain_order="left")
    return told.with_columns(galaxy_catalogues=pl.lit(CATALOGUE))


def _survey(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    meta = pl.read_parquet(data / "ztf_bts_meta.parquet").select(
        "oid",
        pl.col("cls").alias("label"),
        pl.col("IAUID").str.replace("^(SN|AT) ?", "").alias("alias"),
        ebv=pl.col("A_V").cast(pl.Float64) / 3.1,
        redshift=pl.lit(None, pl.Float64),
    )
    return _in_njy(pl.read_parquet(data / "ztf_bts_lc.parquet")), meta


def _superluminous(data: Path, known: set[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ZTF's detections in g and r of those that are not known; the file dereddens them."""
    light = pl.read_parquet(data / "slsne_lc.parquet").filter(
        (pl.col("Telescope") == "P48")
        & pl.col("Filter").is_in(["g", "r"])
        & ~pl.col("UL")
        & ~pl.col("Ignore")
        & (pl.col("MagErr") > 0)
        & ~pl.col("oid").is_in(list(known))
    )
    points = light.select(
        "oid",
        mjd=pl.col("MJD"),
        band=pl.col("Filter"),
        mag=pl.col("Mag"),
        magerr=pl.col("MagErr"),
    )
    names = points.select(pl.col("oid").unique(maintain_order=True))
    labels = names.with_columns(
        label=pl.lit("SLSN"),
        alias=pl.col("oid"),
        ebv=pl.lit(0.0),
        redshift=pl.lit(None, pl.Float64),
    )
    return _in_njy(points), labels


def _mallorn(data: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    light = pl.read_parquet(data / "mallorn_lc.parquet").select(
        "oid",
        "mjd",
        "band",
        pl.col("flux").cast(pl.Float64) * MICROJANSKY_NJY,
        pl.col("fluxerr").cast(pl.Float64) * MICROJANSKY_NJY,
    )
    meta = pl.read_parquet(data / "mallorn_meta.parquet").select(
        oid=pl.col("object_id"),
        label=pl.col("SpecType"),
        alias=pl.lit(""),
        ebv=pl.col("EBV"),
        redshift=pl.col("Z"),
    )
    return light, meta


def _in_njy(points: pl.DataFrame) -> pl.DataFrame:
    kept = points.filter(pl.col("magerr") <= MOST_ERROR)
    flux = fluxes(kept["mag"].cast(pl.Float64).to_numpy())
    error = flux * kept["magerr"].cast(pl.Float64).to_numpy() * np.log(10) / 2.5
    return kept.select("oid", "mjd", "band").with_columns(flux=flux, fluxerr=error)


if __name__ == "__main__":
    write_files(Path(sys.argv[1]), Path(sys.argv[2]))
