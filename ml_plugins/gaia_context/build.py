"""Compare the stars of a table with what their side bands foretell, and keep that as a file.

python -m ml_plugins.gaia_context.build TABLE FOLDER

TABLE is a .parquet, .csv or .fits file with Gaia's columns. FOLDER is `scorers/gaia_context` of the
site's TOM_HOME.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml_plugins.gaia_context.known import FILE, make_rows, write_rows
from ml_plugins.gaia_context.patches import ratios_of
from ml_plugins.gaia_context.table import BadTableError, read_stars


def main(arguments: Sequence[str]) -> None:
    """Read the table and write the file; say how many stars got a number."""
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    table, folder = map(Path, arguments)
    try:
        stars = read_stars(table)
    except (BadTableError, OSError) as error:
        message = f"{table} cannot be used: {error}"
        raise SystemExit(message) from error
    log_ratio, spread, share = ratios_of(stars)
    known = int(np.isfinite(share).sum())
    if not known:
        message = f"{table} has too few stars to be compared with each other: {len(stars):,}"
        raise SystemExit(message)
    rows = make_rows(
        ra=stars.ra,
        dec=stars.dec,
        pmra=stars.pmra,
        pmdec=stars.pmdec,
        epoch=stars.epoch,
        log_ratio=log_ratio,
        spread=spread,
        share=share,
    )
    write_rows(folder / FILE, rows)
    sys.stdout.write(f"{len(stars):,} stars, {known:,} of them compared: {folder / FILE}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
