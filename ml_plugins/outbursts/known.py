"""Read outbursts of known class from files, without those that nothing is trained on."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tom.scoring.contract import Batch, RedshiftSource
from tom.scoring.evaluation.classes import class_of
from tom.scoring.evaluation.columns import Labelled, read_labels
from tom.scoring.evaluation.groups import hash_of
from tom.scoring.evaluation.light import open_light

KEPT_BACK: Final = 70


class Known(NamedTuple):
    """Light curves, and the class and the label of each."""

    batch: Batch
    classes: list[str]
    objects: list[Labelled]


def is_kept_back(name: str) -> bool:
    """Say whether an object is of the part that nothing is trained on."""
    return int(hashlib.sha256(f"holdout-1:{name}".encode()).hexdigest(), 16) % 100 >= KEPT_BACK


def read_known(
    lightcurves: Path,
    labels: Path,
    *,
    classes: Sequence[str],
    column: str | None = None,
    zero_point: float | None = None,
    source: RedshiftSource = RedshiftSource.UNKNOWN,
) -> Known:
    """Read the objects of these classes that have points; `column` has the labels, if not found.

    `source` declares what their redshifts were measured on; else none is read.

    Raises
    ------
    WrongFileError
        If a file is not of the form that it must have.
    """
    told = {
        each.name: (each, found)
        for each in read_labels(labels, column=column, source=source)
        if (found := class_of(each.label, classes)) and not is_kept_back(each.name)
    }
    light = open_light(lightcurves, zero_point=zero_point)
    light.check_points()
    chunks = light.curves([each for each, _ in told.values()], most=1000)
    curves = [curve for chunk in chunks for curve in chunk]
    chosen = [told[curve.object_id] for curve in curves]
    return Known(Batch.build(curves), [found for _, found in chosen], [each for each, _ in chosen])


def hashes_of(objects: Iterable[Labelled]) -> str:
    """Return the text of a file `trained_on`: a line for each name of these objects."""
    names = {name for each in objects for name in (each.name, each.alias) if name}
    return "\n".join(sorted(map(hash_of, names))) + "\n"


def write_fit(folder: Path, artefact: bytes, objects: Iterable[Labelled]) -> str:
    """Write `model.json` and `trained_on.txt`; return the hash for the specification."""
    (folder / "model.json").write_bytes(artefact)
    (folder / "trained_on.txt").write_text(hashes_of(objects), encoding="ascii")
    return hashlib.sha256(artefact).hexdigest()
