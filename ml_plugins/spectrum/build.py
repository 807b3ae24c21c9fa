"""Pack a person's templates into the one file that the scorer reads.

python -m ml_plugins.spectrum.build FOLDER $TOM_HOME/scorers/spectrum
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ml_plugins.spectrum.templates import PACKED, BadTemplatesError, pack, read_folder


def main(arguments: Sequence[str]) -> None:
    """Read the folder of templates, write the packed file, and tell how many are of each class."""
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    folder, out = map(Path, arguments)
    try:
        templates = read_folder(folder)
    except BadTemplatesError as error:
        raise SystemExit(str(error)) from error
    pack(templates, out / PACKED)
    for label, number in Counter(each.label for each in templates).most_common():
        sys.stdout.write(f"{label:28} {number}\n")
    sys.stdout.write(f"{len(templates)} templates kept in {out / PACKED}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
