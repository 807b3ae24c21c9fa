"""Make the library of `analogues` from files of light curves and labels.

python -m ml_plugins.analogues.training.train LIGHTCURVES LABELS [FOLDER]

Prints the class counts and the artefact's hash, which the specification must declare. The labels
are those of the column `type`.
"""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml_plugins.analogues import CLASSES
from ml_plugins.outbursts.features import features_of
from ml_plugins.outbursts.known import read_known, write_fit
from ml_plugins.outbursts.library import numbers
from ml_plugins.outbursts.scope import reasons_of
from tom.scoring.contract import Batch, Reason
from tom.taxonomy import find_class

COLUMN = "type"


def fit(batch: Batch, labels: Sequence[str]) -> bytes:
    """Return the artefact: the library of those of these objects that say enough.

    Raises
    ------
    ValueError
        If none of them does.
    """
    enough = np.flatnonzero(reasons_of(batch) == Reason.OK)
    if not len(enough):
        message = "no light curve has five nights in g and r"
        raise ValueError(message)
    kept = batch.take(enough)
    told = numbers(kept.object_ids.tolist(), [labels[row] for row in enough], features_of(kept))
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in told["objects"])
    return f'{{"spread": {json.dumps(told["spread"])}, "objects": [\n{rows}\n]}}\n'.encode("ascii")


def main(arguments: list[str]) -> None:
    """Make and write it; print what the specification must declare."""
    folder = Path(arguments[2] if len(arguments) > 2 else Path(__file__).parents[1])
    light, labels = map(Path, arguments[:2])
    known = read_known(light, labels, classes=CLASSES, column=COLUMN)
    types = [str(find_class(each.label)) for each in known.objects]
    found = write_fit(folder, fit(known.batch, types), known.objects)
    counts = Counter(known.classes)
    sys.stdout.write(f"objects {[counts[name] for name in CLASSES]}\n")
    sys.stdout.write(f"sha256 {found}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
