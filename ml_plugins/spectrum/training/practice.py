"""Write simulated templates as a person would bring them, to try the scorer without real ones.

python -m ml_plugins.spectrum.training.practice FOLDER
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ml_plugins.spectrum.grid import flatten
from ml_plugins.spectrum.templates import LIST, Template, class_of
from ml_plugins.spectrum.training.simulate import KINDS, REST, make

SEED: Final = 20261128
EACH: Final = 12
"""Templates of each type."""
INSIDE: Final = (REST > 2400) & (REST < 10_000)


def main(arguments: Sequence[str]) -> None:
    """Write the folder: a list, and a file of two columns for each template."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    with (folder / LIST).open("w", encoding="utf-8", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["file", "type", "name"])
        for kind in KINDS:
            for number in range(1, EACH + 1):
                name = f"simulated {kind} {number}"
                file = name.replace(" ", "_").replace("/", "") + ".txt"
                table = np.stack([REST[INSIDE], make(kind, rng)[INSIDE]], axis=1)
                np.savetxt(folder / file, table, fmt="%.6g", header="wavelength flux")
                rows.writerow([file, kind, name])


def simulated_templates(rng: np.random.Generator, each: int = EACH) -> list[Template]:
    """Return the same in memory: `each` of every type."""
    found = []
    for kind in KINDS:
        for number in range(1, each + 1):
            flat = flatten(REST[INSIDE], make(kind, rng)[INSIDE])
            label = class_of(kind) or ""
            found.append(Template(f"simulated {kind} {number}", kind, label, flat))
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
