"""Load a catalogue in one transaction, in place of an earlier load of the same name."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import connection, transaction
from django.utils import timezone

from tom.galaxies.completeness import Shells
from tom.galaxies.mapping import CatalogueMapping
from tom.galaxies.models import Catalogue
from tom.galaxies.reading import BadCatalogueError, Galaxies, Refused, read_galaxies
from tom.targets.copy import copy_lines

COLUMNS = {
    "distance_mpc": "distance",
    "distance_error_mpc": "distance_error",
    "redshift": "redshift",
    "redshift_error": "redshift_error",
    "diameter_arcsec": "diameter",
    "axis_ratio": "axis_ratio",
    "position_angle_deg": "position_angle",
    "b_magnitude": "b_magnitude",
    "k_magnitude": "k_magnitude",
    "stellar_mass": "stellar_mass",
}
ORDER = ("catalogue_id", "number", "name", "distance_kind", "ra", "dec", "healpix29", *COLUMNS)
# One load at a time: the number of a lock of the database, chosen once.
LOCK = 710_0031
# Of a file most of whose rows are wrong, the mapping is wrong.
LEAST_GOOD_SHARE = 0.5
NULL = r"\N"


@dataclass(frozen=True)
class Loaded:
    """What a load did. `is_new`: whether it stored anything; the same file is loaded once."""

    catalogue: Catalogue
    refused: Refused
    is_new: bool


def load_catalogue(
    path: Path, mapping: CatalogueMapping, *, progress: Callable[[int], None]
) -> Loaded:
    """Load a CSV by its mapping; an earlier load of this name is replaced at the end.

    Readers see the earlier load until the new one is complete. `progress` is told how many
    galaxies are stored.

    Raises
    ------
    BadCatalogueError
        If the file is not what the mapping says, or most of its rows are wrong. Nothing is stored.
    """
    digest = _digest(path, mapping)
    refused = Refused()
    with transaction.atomic():
        _lock()
        before = Catalogue.objects.filter(name=mapping.name).first()
        if before is not None and before.sha256 == digest:
            return Loaded(before, refused, is_new=False)
        if before is not None:
            before.delete()
        catalogue = _begin(mapping, digest)
        shells = Shells()
        for galaxies in read_galaxies(path, mapping, refused):
            shells.add(galaxies.numbers["distance"], _numbers_of(galaxies, "b_magnitude"))
            with connection.cursor() as cursor:
                copy_lines(cursor, "galaxies_galaxy", ORDER, _lines(galaxies, catalogue.pk))
            catalogue.n_galaxies += len(galaxies.ids)
            progress(catalogue.n_galaxies)
        _check(catalogue, refused, path)
        catalogue.n_refused = refused.counts.total()
        catalogue.completeness = shells.told()
        catalogue.save()
    return Loaded(catalogue, refused, is_new=True)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _begin(mapping: CatalogueMapping, digest: str) -> Catalogue:
    return Catalogue.objects.create(
        name=mapping.name,
        version=mapping.version,
        licence=mapping.licence,
        citation=mapping.citation,
        n_galaxies=0,
        n_refused=0,
        sha256=digest,
        loaded=timezone.now(),
    )


def _check(catalogue: Catalogue, refused: Refused, path: Path) -> None:
    total = catalogue.n_galaxies + refused.wrong()
    if catalogue.n_galaxies == 0 or catalogue.n_galaxies < LEAST_GOOD_SHARE * total:
        reasons = "; ".join(refused.told()) or "it has no row"
        message = f"{path.name}: {catalogue.n_galaxies} of {total} rows are right: {reasons}"
        raise BadCatalogueError(message)


def _digest(path: Path, mapping: CatalogueMapping) -> str:
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror}"
        raise BadCatalogueError(message) from error
    return hashlib.sha256(f"{content} {mapping.digest}".encode()).hexdigest()


def _numbers_of(galaxies: Galaxies, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return galaxies.numbers.get(name, np.full(len(galaxies.ids), np.nan))


def _lines(galaxies: Galaxies, catalogue_id: int) -> Iterator[str]:
    """Yield a line for each galaxy, in PostgreSQL's text format, in the order of `ORDER`."""
    columns = [
        [NULL if value != value else repr(value) for value in _numbers_of(galaxies, name).tolist()]
        for name in COLUMNS.values()
    ]
    places = (galaxies.numbers["ra"].tolist(), galaxies.numbers["dec"].tolist())
    texts = (galaxies.ids, galaxies.names, galaxies.kinds)
    for row in zip(*texts, *places, galaxies.healpix29.tolist(), *columns, strict=True):
        number, name, kind, *values = row
        words = (_escaped(number), _escaped(name), kind)
        yield "\t".join([str(catalogue_id), *words, *map(str, values)]) + "\n"


def _escaped(text: str) -> str:
    return " ".join(text.replace("\0", "").split()).replace("\\", "\\\\")
