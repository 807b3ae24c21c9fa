"""Fit a scorer on files of light curves and labels, and write its artefact.

python -m ml_plugins.outbursts.train SCORER LIGHTCURVES LABELS [--folder F] [--redshift-source S]

SCORER is the dotted path of a class that is a `TreeScorer`, as `ml_plugins.sn_type.SnType`. Prints
the class counts and the artefact's hash, which the specification must declare.
"""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ml_plugins.outbursts.known import read_known, write_fit
from ml_plugins.outbursts.scorer import TreeScorer
from tom.scoring.contract import RedshiftSource
from tom.scoring.registry import folder_of


def main(arguments: Sequence[str]) -> None:
    """Fit and write; print what the specification must declare."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("scorer")
    parser.add_argument("lightcurves", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--redshift-source", type=RedshiftSource, default=RedshiftSource.UNKNOWN)
    parser.add_argument("--zero-point", type=float)
    told = parser.parse_args(arguments)
    module, _, name = told.scorer.rpartition(".")
    scorer: TreeScorer[Any] = getattr(import_module(module), name)()
    known = read_known(
        told.lightcurves,
        told.labels,
        classes=scorer.spec.classes,
        zero_point=told.zero_point,
        source=told.redshift_source,
    )
    artefact = scorer.fit(known.batch, known.classes)
    found = write_fit(told.folder or folder_of(scorer), artefact, known.objects)
    counts = Counter(known.classes)
    sys.stdout.write(f"objects {[counts[name] for name in scorer.spec.classes]}\n")
    sys.stdout.write(f"sha256 {found}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
