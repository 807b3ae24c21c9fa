"""Fit `sn_type` on files of light curves and labels, and write its artefact.

python -m ml_plugins.sn_type.training.train LIGHTCURVES LABELS [FOLDER]

Prints the class counts and the artefact's hash, which the specification must declare.
"""

import hashlib
import sys
from collections import Counter
from pathlib import Path

from ml_plugins.sn_type.scope import CLASSES
from ml_plugins.sn_type.training.fit import fit
from tom.scoring.contract import Batch
from tom.scoring.evaluation.classes import class_of
from tom.scoring.evaluation.columns import Labelled, read_labels
from tom.scoring.evaluation.groups import hash_of
from tom.scoring.evaluation.light import open_light

KEPT_BACK = 70


def is_kept_back(name: str) -> bool:
    """Say whether an object is of the part that nothing is trained on."""
    return int(hashlib.sha256(f"holdout-1:{name}".encode()).hexdigest(), 16) % 100 >= KEPT_BACK


def read(lightcurves: Path, labels: Path) -> tuple[Batch, list[str], list[Labelled]]:
    """Return the light curves of our classes, their classes, and what they are labelled with."""
    told = {
        each.name: (each, found)
        for each in read_labels(labels)
        if (found := class_of(each.label, CLASSES)) and not is_kept_back(each.name)
    }
    chunks = open_light(lightcurves).curves([each for each, _ in told.values()], most=1000)
    curves = [curve for chunk in chunks for curve in chunk]
    chosen = [told[curve.object_id] for curve in curves]
    return Batch.build(curves), [found for _, found in chosen], [each for each, _ in chosen]


def main(arguments: list[str]) -> None:
    """Fit and write; print what the specification must declare."""
    folder = Path(arguments[2] if len(arguments) > 2 else Path(__file__).parents[1])
    batch, labels, objects = read(Path(arguments[0]), Path(arguments[1]))
    artefact = fit(batch, labels)
    (folder / "model.json").write_bytes(artefact)
    names = {name for each in objects for name in (each.name, each.alias) if name}
    hashes = "\n".join(sorted(map(hash_of, names)))
    (folder / "trained_on.txt").write_text(hashes + "\n", encoding="ascii")
    counts = Counter(labels)
    sys.stdout.write(f"objects {[counts[name] for name in CLASSES]}\n")
    sys.stdout.write(f"sha256 {hashlib.sha256(artefact).hexdigest()}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
