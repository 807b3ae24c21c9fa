"""Telescopes that are offered by name, from `telescopes.toml`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tom.planning.telescope import Telescope
from tom.pointings.instruments import instruments
from tom.sky import Site


def _read(declared: Mapping[str, Any]) -> Telescope:
    given = {**declared, "site": Site(**declared["site"])}
    if "camera" in given:
        given["shape"] = _shape_of(given.pop("camera"))
    return Telescope(**given)


def _shape_of(camera: str) -> Mapping[str, Any]:
    """Return the field of view of a camera that is known by name, as plain data."""
    shape = instruments()[camera].shape
    if shape.radius_deg:
        return {"kind": "circle", "radius_deg": shape.radius_deg}
    return {"kind": "polygons", "polygons": [[list(c) for c in each] for each in shape.polygons]}


_DECLARED = tomllib.loads((Path(__file__).parent / "telescopes.toml").read_text())
TELESCOPES: Final = tuple(_read(each) for each in _DECLARED["telescope"])
