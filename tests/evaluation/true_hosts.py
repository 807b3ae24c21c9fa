"""The rank of the true host: in the list of a merger's galaxies, and at the merger's place."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.conf import settings

from tests.evaluation.injections import Injection, Setting, make_injections
from tom.galaxies.association import weigh_pairs
from tom.galaxies.completeness import Shells, assumed_luminosity
from tom.galaxies.distances import total_error
from tom.galaxies.listing import OUTER, rank_galaxies
from tom.galaxies.loaded import MOST_COMPLETE
from tom.galaxies.mapping import read_mapping
from tom.galaxies.nearby import NUMBERS, Nearby
from tom.galaxies.reading import Refused, read_galaxies
from tom.galaxies.shipped import MAPPING, shipped_table
from tom.sky import SkyMap, build_skymap, healpix29, levels_2d, probdensity_at
from tom.sky.arrays import FloatArray, IntArray
from tom.sky.distance import unrelated_scale

COLUMN_OF = {
    "distance_mpc": "distance",
    "distance_error_mpc": "distance_error",
    "diameter_arcsec": "diameter",
    "position_angle_deg": "position_angle",
}
TOP = 10


def measure(setting: Setting) -> dict[str, Any]:
    """Return how often the true host is among the first, by each way to rank."""
    every, completeness = read_catalogue()
    of = every.numbers
    error = total_error(of["distance_mpc"], of["distance_error_mpc"])
    light = assumed_luminosity(of["b_magnitude"], of["distance_mpc"])
    made = make_injections(of, light, error, setting)
    ids = healpix29(of["ra"], of["dec"])
    ranks = [_ranks(each, every, ids, completeness) for each in made]
    return {
        "galaxies": len(every.name),
        "median_galaxies_in_region": int(np.median([each["galaxies"] for each in ranks])),
        **{way: _summary([each[way] for each in ranks]) for way in ranks[0] if way != "galaxies"},
        "first_host_at_the_place": _first_hosts(made, every, completeness),
    }


def read_catalogue() -> tuple[Nearby, FloatArray]:
    """Read GLADE+ as `galaxies load` does, without a database; and its completeness."""
    mapping, shells, blocks = read_mapping(MAPPING), Shells(), []
    with shipped_table() as path:
        for block in read_galaxies(path, mapping, Refused()):
            shells.add(block.numbers["distance"], block.numbers["b_magnitude"])
            blocks.append(block)
    numbers = {
        name: np.concatenate([block.numbers[COLUMN_OF.get(name, name)] for block in blocks])
        for name in NUMBERS
    }
    ids = [number for block in blocks for number in block.ids]
    names = [name for block in blocks for name in block.names]
    kinds = [kind for block in blocks for kind in block.kinds]
    shares = np.minimum(shells.told()["shares"], MOST_COMPLETE)
    return Nearby([mapping.name] * len(ids), ids, names, kinds, numbers), shares


def _ranks(
    injection: Injection, every: Nearby, ids: IntArray, completeness: FloatArray
) -> dict[str, int]:
    """Rank the true host; a host outside of the region that is listed comes after all others."""
    skymap = injection.skymap
    level = levels_2d(skymap, ids)
    rows = np.flatnonzero((level <= OUTER) | (np.arange(len(ids)) == injection.host))
    inside = _chosen(every, rows)
    own = int(np.searchsorted(rows, injection.host))
    scale = unrelated_scale(settings.HOST_HORIZON_MPC)
    flat = _without_distances(skymap)
    whole, by_light = (
        rank_galaxies(each, inside, completeness=completeness, scale_mpc=scale).share
        for each in (skymap, flat)
    )
    density = np.nan_to_num(probdensity_at(skymap, ids[rows]))
    return {
        "in_3d": _rank(whole, own),
        "by_position_and_light": _rank(by_light, own),
        "by_position": _rank(density, own),
        "galaxies": len(rows),
    }


def _rank(value: FloatArray, own: int) -> int:
    """The place of one among others, the largest first; of equal ones, the mean place."""
    return int(1 + np.sum(value > value[own]) + (np.sum(value == value[own]) - 1) // 2)


def _chosen(every: Nearby, rows: IntArray) -> Nearby:
    def of(texts: Sequence[str]) -> Sequence[str]:
        return [texts[row] for row in rows.tolist()]

    return Nearby(
        catalogue=of(every.catalogue),
        number=of(every.number),
        name=of(every.name),
        kind=of(every.kind),
        numbers={name: values[rows] for name, values in every.numbers.items()},
    )


def _without_distances(skymap: SkyMap) -> SkyMap:
    return build_skymap(
        level=skymap.level, ipix=skymap.ipix, probdensity=skymap.probdensity, distance=None
    )


def _summary(ranks: Sequence[int]) -> dict[str, float]:
    found = np.array(ranks)
    return {
        "first": round(float(np.mean(found == 1)), 3),
        f"top_{TOP}": round(float(np.mean(found <= TOP)), 3),
        "top_100": round(float(np.mean(found <= 100)), 3),
        "median_rank": int(np.median(found)),
    }


def _first_hosts(
    made: Sequence[Injection], every: Nearby, completeness: FloatArray
) -> dict[str, float]:
    """How often the true host has the largest share at the transient's own place."""
    ra, dec = (np.array([getattr(each, name) for each in made]) for name in ("ra", "dec"))
    hosts = np.array([each.host for each in made])
    pairs, none = weigh_pairs(ra, dec, np.full(len(made), np.nan), every, completeness)
    best = np.full(len(made), -1)
    order = np.argsort(pairs.share, kind="stable")
    best[pairs.place[order]] = pairs.galaxy[order]  # the largest is written last
    own = (pairs.galaxy == hosts[pairs.place]).nonzero()[0]
    return {
        "first": round(float(np.mean(best == hosts)), 3),
        "mean_share": round(float(pairs.share[own].sum() / len(made)), 3),
        "mean_none_share": round(float(none.mean()), 3),
    }
