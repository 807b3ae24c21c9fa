"""Write the labelled alerts of ELAsTiCC as the two files of an evaluation.

python -m ml_plugins.early_elasticc.training.files ALERTS FOLDER

ALERTS is a folder of alerts as Fink stores them: `classId_NUMBER_*.parquet`. FOLDER gets
`lc.parquet` (all points of all alerts of an object, in nJy: zero point 31.4) and `meta.parquet`.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ml_plugins.early_elasticc import CLASSES, NUMBERS
from ml_plugins.early_elasticc.alerts import points_of, redshift_of

NEEDED = ("diaSource", "prvDiaSources", "prvDiaForcedSources", "diaObject")
RIVALS = ("snn_snia_vs_nonia", "rf_snia_vs_nonia")
"""What Fink's own classifiers said of a Ia: SuperNNova and a random forest."""


def alerts_in(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the class and the alert, each alert of the folder."""
    for number, label in zip(NUMBERS, CLASSES, strict=True):
        for path in sorted(folder.glob(f"classId_{number}_*.parquet")):
            for alert in pl.read_parquet(path, columns=[*NEEDED, *RIVALS]).iter_rows(named=True):
                yield label, alert


def write_files(alerts: Path, folder: Path) -> tuple[Path, Path]:
    """Write points and labels of all objects; return the paths."""
    points, known = [], {}
    for label, alert in alerts_in(alerts):
        name, redshift = str(alert["diaSource"]["diaObjectId"]), redshift_of(alert)
        points += [(name, *point) for point in points_of(alert)]
        value = redshift.value if redshift else None
        known[name] = (name, label, float(alert["diaObject"]["mwebv"]), value)
    columns = ["oid", "mjd", "band", "flux", "fluxerr"]
    frame = pl.DataFrame(points, schema=columns, orient="row").unique(maintain_order=True)
    frame.write_parquet(folder / "lc.parquet")
    meta = pl.DataFrame(
        list(known.values()), schema=["oid", "label", "ebv", "redshift"], orient="row"
    )
    meta.write_parquet(folder / "meta.parquet")
    return folder / "lc.parquet", folder / "meta.parquet"


if __name__ == "__main__":
    write_files(Path(sys.argv[1]), Path(sys.argv[2]))
