"""The sky maps of hard nights: arcs from tens to thousands of square degrees."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tom.demo.localization import Arc, is_observable, make_skymap, middle_of
from tom.sky import SkyMap

TRIES: Final = 1000
# Of a Gaussian of two dimensions, the 90% area over the product of its sigmas.
AREA_OF_SIGMAS: Final = 2 * np.pi * np.log(10)
WIDER: Final = (1.5, 1.3)  # the preliminary map's length and width over the update's
RADII_DEG: Final = (40.0, 80.0)


@dataclass(frozen=True)
class Extent:
    """How wide and how far away a night's map is: the 90% area it aims at, and the distance."""

    area_deg2: float
    distance_mpc: float


def draw_maps(extent: Extent, merger_jd: float, rng: np.random.Generator) -> tuple[SkyMap, SkyMap]:
    """Draw a preliminary map and its update, about a place that Palomar can see.

    The update's middle is drawn from the preliminary map, so that the two agree. A map so wide that
    it closes its ring has less area than it aims at.
    """
    for _ in range(TRIES):
        narrow = _draw_narrow(extent, rng)
        wide = _widen(narrow, rng)
        if is_observable(middle_of(narrow), merger_jd):
            return make_skymap(wide), make_skymap(narrow)
    message = "no part of the sky can be seen on these nights"
    raise RuntimeError(message)


def _draw_narrow(extent: Extent, rng: np.random.Generator) -> Arc:
    width = float(np.clip(1.2 * (extent.area_deg2 / 100) ** 0.35, 0.8, 8.0))
    length = extent.area_deg2 / (AREA_OF_SIGMAS * width)
    radius = np.deg2rad(rng.uniform(*RADII_DEG))
    pole = rng.normal(size=3)
    return Arc(
        pole=pole / np.linalg.norm(pole),
        radius=float(radius),
        along=float(rng.uniform(0, 2 * np.pi)),
        length=float(np.deg2rad(length) / np.sin(radius)),
        width=float(np.deg2rad(width)),
        distance=extent.distance_mpc,
        slope=float(rng.uniform(-0.08, 0.08)),
        spread=float(rng.uniform(0.18, 0.3)),
    )


def _widen(narrow: Arc, rng: np.random.Generator) -> Arc:
    """Return the arc of the preliminary map, about a middle from which the update's was drawn."""
    length, width = narrow.length * WIDER[0], narrow.width * WIDER[1]
    return replace(
        narrow,
        along=narrow.along + float(rng.normal(0, np.sqrt(length**2 - narrow.length**2))),
        radius=narrow.radius + float(rng.normal(0, np.sqrt(width**2 - narrow.width**2))),
        length=length,
        width=width,
        distance=narrow.distance * float(1 + rng.normal(0, 0.1)),
        spread=narrow.spread * 1.2,
    )
