"""Real tidal disruptions (manyTDE) beside real supernovae (ZTF), in the form of an evaluation."""

from pathlib import Path

import numpy as np
import polars as pl

from tom.photometry import fluxes

JANSKY_NJY = 1e9
NJY_ZERO_POINT = 31.4


def write_files(data: Path, folder: Path) -> tuple[Path, Path]:
    """Write points in nJy and labels of both; return the paths.

    Forced photometry of ZTF in g, r and i of the disruptions, alerts of ZTF of the supernovae: the
    two differ in more than the class.
    """
    bands = {f"{band}.ztf": band for band in "gri"}
    many = pl.read_parquet(data / "manytde_lc.parquet").filter(pl.col("filter").is_in(bands))
    tdes = many.select(
        "oid",
        "mjd",
        pl.col("filter").replace_strict(bands).alias("band"),
        (pl.col("flux_Jy") * JANSKY_NJY).alias("flux"),
        (pl.col("e_flux_Jy") * JANSKY_NJY).alias("fluxerr"),
    )
    alerts = pl.read_parquet(data / "ztf_bts_lc.parquet")
    flux = fluxes(alerts["mag"].cast(pl.Float64).to_numpy())
    error = flux * alerts["magerr"].cast(pl.Float64).to_numpy() * np.log(10) / 2.5
    others = alerts.select("oid", "mjd", "band").with_columns(flux=flux, fluxerr=error)
    pl.concat([tdes, others.select(tdes.columns)]).write_parquet(folder / "lc.parquet")
    known = pl.read_parquet(data / "manytde_meta.parquet")
    meta = pl.read_parquet(data / "ztf_bts_meta.parquet").filter(pl.col("cls").str.starts_with("S"))
    labels = pl.concat(
        [
            known.select("oid", pl.col("z").alias("redshift"), label=pl.lit("TDE")),
            meta.select("oid", "redshift", label=pl.lit("supernova")),
        ]
    )
    labels.write_parquet(folder / "meta.parquet")
    return folder / "lc.parquet", folder / "meta.parquet"
