"""Fit `anomaly` on files of light curves and labels, and write its artefact.

python -m ml_plugins.anomaly.training.train LIGHTCURVES LABELS [FOLDER]

The labels (column `type`) only name the nearest known ones. Prints the artefact's hash, which the
specification must declare.
"""

import sys
from collections.abc import Container
from pathlib import Path

import polars as pl

from ml_plugins.anomaly.training.fit import fit
from ml_plugins.outbursts.known import read_known, write_fit
from tom.taxonomy import find_class

COLUMN = "type"
CLASSES = ("unusual", "other")
UNUSUAL = frozenset(
    {
        *("SLSN-I", "SLSN-II", "TDE", "nova", "LBV", "other"),
        *("SN Ibn", "SN Icn", "SN Ia-CSM", "SN Iax", "SN Ia-91bg", "SN II-pec"),
    }
)
"""The types that are unusual where it is measured narrowly; none has over 1% of the objects."""
RARE = frozenset({"SLSN", "SN IIn", "TDE", "other"})
"""The classes of the table that have at most 2% of its objects: unusual where it is measured."""


def write_labels(labels: Path, path: Path, *, column: str, unusual: Container[str]) -> None:
    """Write the labels of a column as `unusual` and `other`, with what a file of labels has."""
    frame = pl.read_parquet(labels)
    told = ["unusual" if label in unusual else "other" for label in frame[column].to_list()]
    frame.drop("cls").with_columns(pl.Series("label", told)).write_parquet(path)


def main(arguments: list[str]) -> None:
    """Fit and write; print what the specification must declare."""
    folder = Path(arguments[2] if len(arguments) > 2 else Path(__file__).parents[1])
    known = read_known(Path(arguments[0]), Path(arguments[1]), classes=CLASSES, column=COLUMN)
    labels = [find_class(each.label) or each.label for each in known.objects]
    found = write_fit(folder, fit(known.batch, labels), known.objects)
    sys.stdout.write(f"objects {len(labels)}\n")
    sys.stdout.write(f"sha256 {found}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
