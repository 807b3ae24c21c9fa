"""Where the sources of a hard night lie: all over the map's region, and beyond it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from tom.demo.fields import FIELD_DEG, field_at, field_centre
from tom.sky import SkyMap, credible_area, credible_levels, healpix29, levels_2d
from tom.sky.arrays import BoolArray, FloatArray, IntArray
from tom.sky.quick_healpy import healpy

LIST_LEVEL: Final = 0.99  # the credible level within which a list has candidates
HALF_FIELD: Final = np.array([[-FIELD_DEG / 2], [FIELD_DEG / 2]])

Places = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class Ground:
    """The part of the sky of a night: the region of its map, and the fields that touch it."""

    skymap: SkyMap

    @cached_property
    def area_deg2(self) -> float:
        """The area within which a list has candidates."""
        return credible_area(self.skymap, LIST_LEVEL)

    @cached_property
    def fields(self) -> IntArray:
        """The fields that touch the region, the most probable first."""
        rows = np.flatnonzero(self._inside)
        level = self.skymap.level[rows].astype(np.int64)
        ra, dec = healpy.pix2ang(2**level, self.skymap.ipix[rows], nest=True, lonlat=True)
        fields, of_row = np.unique(field_at(ra, dec)[0], return_inverse=True)
        probability = np.bincount(of_row, weights=self.skymap.probability[rows])
        return np.asarray(fields[np.argsort(-probability, kind="stable")])

    def draw_inside(self, n: int, rng: np.random.Generator) -> Places:
        """Draw places in the region, even in area: ICRS degrees, shape (n,) each."""
        weights = np.where(self._inside, self.skymap.area_sr, 0.0)
        return self._draw(n, weights, rng)

    def draw_by_map(self, n: int, rng: np.random.Generator) -> Places:
        """Draw places by the map's own probability: ICRS degrees, shape (n,) each."""
        return self._draw(n, self.skymap.probability, rng)

    def draw_outside(self, n: int, rng: np.random.Generator) -> Places:
        """Draw places in the map's fields outside the region; about n, where there is so much room.

        The density is even: n over the area of the fields, before those inside are left out.
        """
        ra, middle = field_centre(rng.choice(self.fields, n))
        south, north = np.sin(np.deg2rad(np.clip(middle + HALF_FIELD, -90, 90))).reshape(2, n)
        dec = np.rad2deg(np.arcsin(rng.uniform(south, north)))
        width = FIELD_DEG / 2 / np.cos(np.deg2rad(middle))
        ra = (ra + rng.uniform(-width, width)) % 360
        beyond = ~(levels_2d(self.skymap, healpix29(ra, dec)) <= LIST_LEVEL)
        return ra[beyond], dec[beyond]

    @cached_property
    def _inside(self) -> BoolArray:
        return np.asarray(credible_levels(self.skymap) <= LIST_LEVEL)

    def _draw(self, n: int, weights: FloatArray, rng: np.random.Generator) -> Places:
        total = np.cumsum(weights)
        rows = np.searchsorted(total, rng.uniform(0, total[-1], n), side="right")
        ids = rng.integers(self.skymap.start29[rows], self.skymap.stop29[rows])
        ra, dec = healpy.pix2ang(2**29, ids, nest=True, lonlat=True)
        return np.asarray(ra, float), np.asarray(dec, float)
