"""The split into objects for the fit, the tuning and the test, and the samples of each part."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TypeVar

import numpy as np

from ml_plugins.injections import samples, sources
from ml_plugins.injections.samples import Sample, Sky
from ml_plugins.injections.sources import Flare, Source
from tom.scoring.contract import FloatArray

PLACES = {"fit": range(6), "tune": range(6, 8), "test": range(8, 10)}


class Named(Protocol):
    """Anything with a name; the name decides its part of the split."""

    @property
    def name(self) -> str:
        """The object's name."""


T = TypeVar("T", bound=Named)


def part_of(items: Iterable[T], part: str) -> list[T]:
    """Return the objects of one part: 60% "fit", 20% "tune", 20% "test", by their names."""
    return [
        item
        for item in items
        if int(hashlib.sha256(item.name.encode()).hexdigest(), 16) % 10 in PLACES[part]
    ]


@dataclass(frozen=True, eq=False)
class Data:
    """All real data of the fit."""

    transients: list[Source]
    variables: list[Source]
    flares: list[Flare]
    at2017gfo: dict[str, tuple[FloatArray, FloatArray]]
    depths: dict[str, FloatArray]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it from the folder of real data."""
        return cls(
            transients=sources.read_bts(folder),
            variables=sources.read_variables(folder),
            flares=sources.read_flares(folder),
            at2017gfo=sources.read_at2017gfo(folder),
            depths=sources.read_depths(folder),
        )


def draw_samples(
    data: Data, part: str, *, number: int, deeper: float, rng: np.random.Generator
) -> dict[str, list[Sample]]:
    """Make `number` samples of each injected class, and some of each real object, of one part.

    `deeper` is added to the survey's depth for injected sources, mag.
    """
    transients = part_of(data.transients, part)
    sky = Sky(transients, {band: depth + deeper for band, depth in data.depths.items()})
    injected = {
        "kilonova": samples.grid_kilonova(rng, 400),
        "flare": samples.flare_light(part_of(data.flares, part)),
        "dwarf nova": samples.draw_dwarf_nova,
        "active nucleus": samples.draw_active_nucleus,
    }
    made = {
        label: list(samples.injected(sky, light, label, number, rng))
        for label, light in injected.items()
    }
    made["supernova"] = _real([star for star in transients if star.label != "nova"], 2, rng)
    made["variable"] = _real(part_of(data.variables, part), 8, rng)
    return made


def _real(chosen: Sequence[Source], per_object: int, rng: np.random.Generator) -> list[Sample]:
    return list(samples.real(chosen, per_object, rng))
