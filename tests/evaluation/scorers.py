"""Print the figures of the scorers that are off at first: `make evaluate`.

python -m tests.evaluation.scorers DATA [SCORER ...]
"""

import importlib
import sys

SCORERS = ("mdwarf_prior",)


def main(arguments: list[str]) -> None:
    """Measure the named scorers, or all of them, on a folder of real data."""
    data, *named = arguments
    for name in named or SCORERS:
        sys.stdout.write(f"\n{name}\n")
        sys.stdout.flush()
        importlib.import_module(f"ml_plugins.{name}.training.evaluate").main([data])


if __name__ == "__main__":
    main(sys.argv[1:])
