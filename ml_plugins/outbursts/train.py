"""Fit a scorer on files of light curves and labels, and write its artefact.

python -m ml_plugins.outbursts.train SCORER LIGHTCURVES LABELS [FOLDER]

SCORER is the dotted path of a class that is a `TreeScorer`, as `ml_plugins.sn_type.SnType`. Prints
the class counts and the artefact's hash, which the specification must declare.
"""

import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from ml_plugins.outbursts.known import read_known, write_fit
from ml_plugins.outbursts.scorer import TreeScorer
from tom.scoring.registry import folder_of


def main(arguments: list[str]) -> None:
    """Fit and write; print what the specification must declare."""
    path, lightcurves, labels, *folder = arguments
    module, _, name = path.rpartition(".")
    scorer: TreeScorer[Any] = getattr(import_module(module), name)()
    known = read_known(Path(lightcurves), Path(labels), classes=scorer.spec.classes)
    artefact = scorer.fit(known.batch, known.classes)
    found = write_fit(Path(*folder) if folder else folder_of(scorer), artefact, known.objects)
    counts = Counter(known.classes)
    sys.stdout.write(f"objects {[counts[name] for name in scorer.spec.classes]}\n")
    sys.stdout.write(f"sha256 {found}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
