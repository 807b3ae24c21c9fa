"""How a catalogue's columns are ours: declared in TOML, checked before a row is read."""

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tom.galaxies.models import DistanceKind
from tom.sky.arrays import BoolArray, FloatArray

Convert = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Quantity:
    """A number of a galaxy: its least and greatest value, and how each unit becomes ours.

    The first unit is ours, and the one of a column for which none is declared.
    """

    least: float
    most: float
    units: Mapping[str, Convert]


def _times(factor: float) -> Convert:
    return lambda values: values * factor


_SAME = _times(1.0)
C_KM_S = 299_792.458
QUANTITIES: dict[str, Quantity] = {
    "ra": Quantity(0, 360, {"degrees": _SAME, "hours": _times(15)}),
    "dec": Quantity(-90, 90, {"degrees": _SAME}),
    "distance": Quantity(
        1e-3,
        1e5,
        {
            "Mpc": _SAME,
            "kpc": _times(1e-3),
            "distance modulus": lambda values: 10 ** (values / 5 - 5),
        },
    ),
    "distance_error": Quantity(0, 1e5, {"Mpc": _SAME, "kpc": _times(1e-3)}),
    "redshift": Quantity(-0.01, 20, {"z": _SAME, "km/s": _times(1 / C_KM_S)}),
    "redshift_error": Quantity(0, 20, {"z": _SAME, "km/s": _times(1 / C_KM_S)}),
    "diameter": Quantity(
        1e-3,
        2e4,
        {
            "arcsec": _SAME,
            "arcmin": _times(60),
            "radius in arcsec": _times(2),
            "log10 of 0.1 arcmin": lambda values: 6 * 10**values,
        },
    ),
    "axis_ratio": Quantity(
        1e-3,
        1,
        {
            "b/a": _SAME,
            "a/b": lambda values: 1 / values,
            "log10 of a/b": lambda values: 10 ** (-values),
            "1 - b/a": lambda values: 1 - values,
        },
    ),
    "position_angle": Quantity(-360, 360, {"degrees": _SAME}),
    "b_magnitude": Quantity(-5, 40, {"mag": _SAME}),
    "k_magnitude": Quantity(-5, 40, {"mag": _SAME}),
    "stellar_mass": Quantity(
        1e2,
        1e14,
        {
            "Msun": _SAME,
            "1e10 Msun": _times(1e10),
            "log10 Msun": lambda values: 10**values,
        },
    ),
}


class BadMappingError(ValueError):
    """A mapping does not say what it must; the text says what is wrong."""


class Kinds(BaseModel):
    """Which column says what a distance rests on; without one, every row has the first value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = ""
    values: dict[str, DistanceKind] = Field(min_length=1)


class Errors(BaseModel):
    """The error of a distance whose row tells none: of the redshift over 1 + z, or relative."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    redshift: Annotated[float, Field(ge=0, le=1)] | None = None
    distance: Annotated[float, Field(ge=0, le=1)] | None = None


class Columns(BaseModel):
    """The names of a catalogue's columns. `name`: the first of them that is not empty."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    ra: str
    dec: str
    name: list[str] = []
    distance: str = ""
    distance_error: str = ""
    redshift: str = ""
    redshift_error: str = ""
    diameter: str = ""
    axis_ratio: str = ""
    position_angle: str = ""
    b_magnitude: str = ""
    k_magnitude: str = ""
    stellar_mass: str = ""

    def quantities(self) -> dict[str, str]:
        """Return the column of each number that the catalogue has."""
        found = {name: getattr(self, name) for name in QUANTITIES}
        return {name: column for name, column in found.items() if column}


class CatalogueMapping(BaseModel):
    """A catalogue: what it is called, who made it, and which of its columns are ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=40)]
    version: Annotated[str, Field(max_length=80)] = ""
    licence: Annotated[str, Field(min_length=1)]
    citation: Annotated[str, Field(min_length=1)]
    columns: Columns
    units: dict[str, str] = {}
    only: dict[str, list[str]] = {}
    kinds: Kinds | None = None
    errors: dict[DistanceKind, Errors] = {}

    @model_validator(mode="after")
    def _know_units(self) -> "CatalogueMapping":
        for name, unit in self.units.items():
            known = QUANTITIES[name].units if name in QUANTITIES else {}
            if unit not in known:
                allowed = ", ".join(known) or f"a unit of {', '.join(QUANTITIES)}"
                message = f"units.{name} is {unit!r}: it can be {allowed}"
                raise ValueError(message)
        return self

    def convert(self, name: str) -> Convert:
        """Return what makes a column's numbers ours."""
        units = QUANTITIES[name].units
        return units[self.units.get(name, next(iter(units)))]

    @property
    def needed(self) -> set[str]:
        """The columns without which the file is another catalogue."""
        of_kinds = {self.kinds.column} if self.kinds and self.kinds.column else set()
        columns = {*self.columns.quantities().values(), self.columns.id, *self.columns.name}
        return columns | set(self.only) | of_kinds

    @property
    def digest(self) -> str:
        """A hash of all that it says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def read_mapping(path: Path) -> CatalogueMapping:
    """Read a mapping from a TOML file.

    Raises
    ------
    BadMappingError
        If it is no TOML, lacks something, or says something that is not known.
    """
    try:
        return CatalogueMapping.model_validate(tomllib.loads(path.read_text("utf-8-sig")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path.name} cannot be read: {error}"
        raise BadMappingError(message) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = (
            f"{path.name}: {where}: {first['msg']}" if where else f"{path.name}: {first['msg']}"
        )
        raise BadMappingError(message) from error


def within(name: str, values: FloatArray) -> BoolArray:
    """Return whether each value is one that the quantity can have, shape `(n,)`; NaN is one."""
    quantity = QUANTITIES[name]
    inside = (values >= quantity.least) & (values <= quantity.most)
    return np.asarray(inside | np.isnan(values), bool)
