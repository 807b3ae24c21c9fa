"""Write the light curves of `bright_transient`: detections in g and r, and labels.

python -m ml_plugins.bright_transient.training.files DATA FOLDER

FOLDER gets `fit_*.parquet` and `test_*.parquet` (`lc`, `meta`). Transients of the Bright Transient
Survey and periodic variables are real. Dwarf novae, flares and active nuclei are injected at real
epochs and depths, by `ml_plugins.injections`. In the test are the latest quarter of the transients
by first detection, and a fifth of all else by name: no object is in both.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from ml_plugins.injections import samples
from ml_plugins.injections.samples import Sky
from ml_plugins.injections.sources import Source
from ml_plugins.injections.split import Data, part_of
from ml_plugins.outbursts.known import is_kept_back
from tom.photometry import SHINING_SIGMA, magnitudes
from tom.scoring.contract import FloatArray, StrArray

SEED: Final = 20261128
LATEST: Final = 0.25
NUMBER: Final = {"dwarf nova": 500, "flare": 150, "active nucleus": 500}
"""How many are injected for the fit; for the test a third."""
CUTS_OF_VARIABLES: Final = 3
"""At how many moments each variable is seen, each with the ten days before."""
CLASS_OF: Final = {"dwarf nova": "variable", "flare": "variable", "active nucleus": "agn"}
Row = tuple[str, str, str, float, FloatArray, StrArray, FloatArray, FloatArray]


def write_files(data: Path, folder: Path) -> None:
    """Write the four files."""
    told = Data.read(data)
    first = {star.name: float(star.mjd.min()) for star in told.transients}
    edge = float(np.quantile(list(first.values()), 1 - LATEST))
    rng = np.random.default_rng(SEED)
    for part in ("fit", "test"):
        is_test = part == "test"
        stars = [star for star in told.transients if (first[star.name] >= edge) == is_test]
        rows = [*_transients(stars), *_variables(told, part, rng), *_injected(told, part, rng)]
        _write(rows, folder, part)


def _transients(stars: list[Source]) -> Iterator[Row]:
    for star in stars:
        if not is_kept_back(star.name):
            kept = star.flux > SHINING_SIGMA * star.error
            yield (star.name, "transient", star.label, star.ebv, star.mjd[kept], star.band[kept],
                   star.flux[kept], star.error[kept])  # fmt: skip


def _variables(told: Data, part: str, rng: np.random.Generator) -> Iterator[Row]:
    for star in part_of(told.variables, "test") if part == "test" else _not_test(told.variables):
        for number in range(CUTS_OF_VARIABLES):
            curve = samples.cut(star, rng)
            if curve is not None and not is_kept_back(star.name):
                columns = (curve.mjd, curve.band, curve.flux, curve.flux_error)
                mjd, band, flux, error = map(np.array, columns)
                yield f"{star.name} {number}", "variable", "periodic", 0.0, mjd, band, flux, error


def _not_test(stars: list[Source]) -> list[Source]:
    return [*part_of(stars, "fit"), *part_of(stars, "tune")]


def _injected(told: Data, part: str, rng: np.random.Generator) -> Iterator[Row]:
    is_test = part == "test"
    cadences = part_of(told.transients, "test") if is_test else _not_test(told.transients)
    flares = part_of(told.flares, "test") if is_test else part_of(told.flares, "fit")
    lights = {
        "dwarf nova": samples.draw_dwarf_nova,
        "flare": samples.flare_light(flares),
        "active nucleus": samples.draw_active_nucleus,
    }
    sky = Sky(cadences, told.depths)
    for label, light in lights.items():
        number = NUMBER[label] // 3 if is_test else NUMBER[label]
        for made in samples.injected(sky, light, label, number, rng):
            curve, kept = made.curve, np.array(made.curve.kind) == "alert"
            yield (f"{part} {made.group}", CLASS_OF[label], label, curve.ebv,
                   *(np.array(each)[kept] for each in (curve.mjd, curve.band, curve.flux,
                                                       curve.flux_error)))  # fmt: skip


def _write(rows: list[Row], folder: Path, part: str) -> None:
    pl.concat(map(_points, rows)).write_parquet(folder / f"{part}_lc.parquet")
    meta = [(*row[:4], _object_of(row)) for row in rows]
    columns = ["oid", "label", "kind", "ebv", "alias"]
    pl.DataFrame(meta, columns, orient="row").write_parquet(folder / f"{part}_meta.parquet")


def _points(row: Row) -> pl.DataFrame:
    name, _, _, _, mjd, band, flux, error = row
    return pl.DataFrame(
        {
            "oid": [name] * len(mjd),
            "mjd": mjd,
            "band": band,
            "mag": magnitudes(flux),
            "magerr": 2.5 / np.log(10) * error / flux,
        },
        schema_overrides={"oid": pl.String()},
    )


def _object_of(row: Row) -> str:
    """Return the object's name: a variable is seen at several moments."""
    return row[0].rpartition(" ")[0] if row[2] == "periodic" else row[0]


if __name__ == "__main__":
    write_files(Path(sys.argv[1]), Path(sys.argv[2]))
