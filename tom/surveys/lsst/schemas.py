"""The schemas of Rubin's packets, each by its id: those that the survey publishes as a package."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from tom.formats.containers import WriterSchema
from tom.formats.framed import load_schema

_PACKAGE: Final = "lsst-alert-packet"
_FOLDER: Final = "lsst/alert/packet/schema"
_OLDEST: Final = 300  # version 3.0
_NEWEST: Final = 9999


def is_alert_id(number: int) -> bool:
    """Whether an id can be that of one of its alerts: it counts hundred for a version, and parts.

    Ids of other registries look the same. So this is asked only of files, where nothing else
    says whose the bytes are.
    """
    return _OLDEST <= number <= _NEWEST and number % 100 < 10


@cache
def published() -> Mapping[int, WriterSchema]:
    """Every schema of the package by its id; none where the package is not installed."""
    try:
        folder = Path(str(distribution(_PACKAGE).locate_file(_FOLDER)))
    except PackageNotFoundError:
        return {}
    found = {}
    for path in sorted(folder.glob("[0-9]*/[0-9]*/*.alert.avsc")):
        major, minor = (int(part.name) for part in (path.parents[1], path.parent))
        schema = load_schema(path)
        if schema is not None:
            found[100 * major + minor] = schema
    return found
