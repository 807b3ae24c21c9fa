"""Fit `early` on files of light curves and labels, and write its artefact.

python -m ml_plugins.early.training.train LIGHTCURVES LABELS [FOLDER]

Prints the class counts and the artefact's hash, which the specification must declare.
"""

import sys
from collections import Counter
from pathlib import Path

from ml_plugins.early.training.fit import fit
from ml_plugins.outbursts.known import read_known, write_fit
from ml_plugins.outbursts.scope import CLASSES


def main(arguments: list[str]) -> None:
    """Fit and write; print what the specification must declare."""
    folder = Path(arguments[2] if len(arguments) > 2 else Path(__file__).parents[1])
    known = read_known(Path(arguments[0]), Path(arguments[1]), classes=CLASSES)
    found = write_fit(folder, fit(known.batch, known.classes), known.objects)
    counts = Counter(known.classes)
    sys.stdout.write(f"objects {[counts[name] for name in CLASSES]}\n")
    sys.stdout.write(f"sha256 {found}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
