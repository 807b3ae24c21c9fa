"""The cameras that are known by name: their fields of view, and the grids that they point at."""

import csv
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tom.sky import Shape, circle, rectangle

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Instrument:
    """A camera: its field of view, and the places of its numbered fields (ICRS degrees)."""

    name: str
    facility: str
    shape: Shape
    grid: Mapping[int, tuple[float, float]] = field(default_factory=dict)


@cache
def instruments() -> Mapping[str, Instrument]:
    """Every camera that is declared, by its name."""
    declared = tomllib.loads((FOLDER / "instruments.toml").read_text())["instrument"]
    return {each["name"]: _read(each) for each in declared}


def find_instrument(name: str) -> Instrument | None:
    """Find a camera by its name or an alias, whatever the case, blanks and marks."""
    return _by_key().get(_key(name))


@cache
def _by_key() -> Mapping[str, Instrument]:
    declared = tomllib.loads((FOLDER / "instruments.toml").read_text())["instrument"]
    return {
        _key(name): instruments()[each["name"]]
        for each in declared
        for name in (each["name"], *each["aliases"])
    }


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _read(declared: Mapping[str, Any]) -> Instrument:
    grid = _read_grid(FOLDER / "grids" / declared["grid"]) if "grid" in declared else {}
    return Instrument(declared["name"], declared["facility"], _shape(declared), grid)


def _shape(declared: Mapping[str, Any]) -> Shape:
    if "circle" in declared:
        return circle(declared["circle"])
    if "rectangle" in declared:
        return rectangle(*declared["rectangle"])
    return Shape(tuple(tuple((x, y) for x, y in each) for each in declared["polygons"]))


def _read_grid(path: Path) -> Mapping[int, tuple[float, float]]:
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        return {int(row["field"]): (float(row["ra"]), float(row["dec"])) for row in rows}
