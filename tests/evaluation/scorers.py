"""Print the figures of the scorers that are off at first: `make evaluate`.

python -m tests.evaluation.scorers DATA [SCORER ...]
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ml_plugins.mdwarf_prior.training import evaluate as mdwarf_prior

SCORERS: Final[dict[str, Callable[[Path], None]]] = {
    "mdwarf_prior": lambda data: mdwarf_prior.main([str(data.parent)]),
}


def main(arguments: list[str]) -> None:
    """Measure the named scorers, or all of them, on a folder of real data."""
    data, *named = arguments
    for name in named or SCORERS:
        sys.stdout.write(f"\n{name}\n")
        sys.stdout.flush()
        SCORERS[name](Path(data) / "ml")


if __name__ == "__main__":
    main(sys.argv[1:])
