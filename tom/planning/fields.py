"""Which fields a plan considers, and what each of them sees."""

import numpy as np

from tom.planning.faces import mass_within
from tom.planning.grid import Places
from tom.planning.telescope import Telescope, reach_deg
from tom.planning.windows import Windows
from tom.sky import FINENESS, SkyMap, cone_ranges, even_fineness, footprint_ranges
from tom.sky.arrays import FloatArray, IntArray

# Of the fields of a grid those with the most probability, so many at most, and so many times the
# exposures that fit.
MOST_FIELDS = 1500
FIELDS_EACH = 4
FEWEST_FIELDS = 60
MOST_REFUSED = 50
# The outline of a field that may hold more than this probability is followed more finely.
MUCH = 0.05


def choose_fields(
    skymap: SkyMap,
    telescope: Telescope,
    places: Places,
    windows: Windows,
    *,
    weights: FloatArray,
    most: int,
) -> IntArray:
    """Choose the fields with the most probability in a circle as wide, those that are up first."""
    wanted = min(max(FIELDS_EACH * most, FEWEST_FIELDS), MOST_FIELDS)
    ra = places[0]
    if len(ra) <= wanted:
        return np.arange(len(ra), dtype=np.int64)
    inside = _in_circles(skymap, telescope, places, weights)
    is_up = np.isin(np.arange(len(ra)), windows.field)
    up = np.flatnonzero(is_up)[np.argsort(-inside[is_up], kind="stable")][:wanted]
    down = np.flatnonzero(~is_up)[np.argsort(-inside[~is_up], kind="stable")][:MOST_REFUSED]
    return np.sort(np.concatenate([up, down])).astype(np.int64)


def _in_circles(
    skymap: SkyMap, telescope: Telescope, places: Places, weights: FloatArray
) -> FloatArray:
    """Find the probability in the circle around each field, shape `(n,)`."""
    radius = 3600 * min(reach_deg(telescope.field), 180.0)
    found = [
        mass_within(skymap, cone_ranges(ra=x, dec=y, radius_arcsec=radius), weights)
        for x, y in zip(places[0].tolist(), places[1].tolist(), strict=True)
    ]
    return np.array(found, dtype=np.float64)


def footprints_of(
    skymap: SkyMap, telescope: Telescope, places: Places, weights: FloatArray
) -> list[IntArray]:
    """Find the ranges of each field. Each polygon of one that may hold much is followed finely."""
    shape, even = telescope.field, even_fineness(telescope.field)
    much = _in_circles(skymap, telescope, places, weights) > MUCH
    return [
        footprint_ranges(
            shape,
            ra=x,
            dec=y,
            position_angle_deg=telescope.position_angle_deg,
            fineness=FINENESS if is_much else even,
        )
        for x, y, is_much in zip(places[0].tolist(), places[1].tolist(), much.tolist(), strict=True)
    ]
