"""The family of kilonovae that hard nights draw from.

A third are AT2017gfo as it was observed, a sixth GRB 211211A's light with its afterglow, and half
come from a grid: AT2017gfo fainter or brighter, faster or slower, bluer or redder. The grid is
plain on purpose: no scorer here was trained on its form.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from tom.demo.explosions import KILONOVA, Template, explosion_light
from tom.demo.light import Light

# After the photometry in Rastinejad et al. 2022 (doi 10.1038/s41586-022-05390-w), at 350 Mpc,
# rounded to 0.1 mag. After 0.7 days nobody measured g: there its colour is assumed to redden as
# AT2017gfo's.
GRB211211A = Template(
    days=np.array([0.05, 0.27, 0.45, 0.70, 1.40, 1.70, 2.70, 5.10]),
    magnitudes=np.array(
        [
            [-18.1, -17.4, -17.2, -16.7, -15.6, -14.4, -12.2, -10.2],
            [-18.4, -17.4, -17.4, -16.9, -16.1, -15.0, -13.0, -11.2],
            [-18.4, -17.4, -17.4, -17.0, -16.2, -15.1, -13.2, -11.7],
        ]
    ),
    scatter=0.0,
    pace=0.0,
    host_ebv=0.0,
)

BRIGHTER: Final = (0.7, 0.0, -1.0, -2.0)  # magnitudes above AT2017gfo
PACES: Final = (0.6, 1.0, 1.5, 2.2)  # times slower
COLOURS: Final = (-0.4, 0.0, 0.5)  # magnitudes that g - r is redder, and r - i half of it
FAMILIES: Final = {"AT2017gfo": 1 / 3, "GRB 211211A": 1 / 6, "grid": 1 / 2}


@dataclass(frozen=True, eq=False)
class Model:
    """One kilonova: which, and how it differs from its template."""

    name: str
    template: Template
    brighter: float = 0.0
    pace: float = 1.0

    def light(self, *, start_jd: float, distance_mpc: float) -> Light:
        """Return its light from a distance; the merger is at `start_jd`."""
        return explosion_light(
            self.template,
            start_jd=start_jd,
            distance_mpc=distance_mpc,
            brighter=self.brighter,
            pace=self.pace,
        )


def _coloured(redder: float) -> Template:
    shift = np.array([[redder], [0.0], [-redder / 2]])
    return Template(KILONOVA.days, KILONOVA.magnitudes + shift, 0.0, 0.0, 0.0)


GRID: Final = tuple(
    Model(f"grid {brighter:+g} x{pace:g} {redder:+g}", _coloured(redder), brighter, pace)
    for brighter, pace, redder in product(BRIGHTER, PACES, COLOURS)
)


def draw_model(rng: np.random.Generator) -> Model:
    """Draw a kilonova from the family."""
    family = str(rng.choice(list(FAMILIES), p=list(FAMILIES.values())))
    if family == "AT2017gfo":
        return Model(family, KILONOVA)
    if family == "GRB 211211A":
        return Model(family, GRB211211A)
    return GRID[int(rng.integers(len(GRID)))]
