"""Rank the galaxies that may hold an event's source: probability, light, distance, completeness."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tom.galaxies.completeness import (
    EDGES,
    MEAN_LUMINOSITY,
    assumed_luminosity,
    completeness_at,
    luminosity,
)
from tom.galaxies.distances import total_error
from tom.galaxies.nearby import Nearby, read_galaxies_in, repeated
from tom.sky import SkyMap, credible_ranges, healpix29, levels_2d
from tom.sky.arrays import FloatArray, IntArray
from tom.sky.distance import distance_rows
from tom.sky.galaxy_weights import distance_offsets, galaxy_weights, mean_completeness
from tom.sky.regions import credible_rows

# Part of what a list is known by: another number makes every list due.
METHOD = 2
# Galaxies are read within this credible level, and as far as the map's distances within `INNER`
# reach by `REACH_SIGMAS`.
OUTER, INNER, REACH_SIGMAS = 0.99, 0.9, 4.0
MOST_LISTED = 500
NUMBERS = ("ra", "dec", "distance_mpc", "b_magnitude")


@dataclass(frozen=True, eq=False)
class RankedGalaxies:
    """The galaxies of a region, the likeliest first.

    Attributes
    ----------
    order
        The galaxies' numbers in what was read, shape `(g,)`, the likeliest first.
    share
        The chance that each is the host, in the order of what was read, shape `(g,)`.
    none_share
        The chance that no listed galaxy is.
    completeness
        The share of the light at the map's distances that the catalogues list.
    """

    order: IntArray
    share: FloatArray
    none_share: float
    completeness: float


def read_galaxies_of(skymap: SkyMap) -> Nearby:
    """Read the galaxies of a map's region, within its distances. One query."""
    nearest, farthest = _reach(skymap)
    return read_galaxies_in(
        credible_ranges(skymap, OUTER), nearest_mpc=nearest, farthest_mpc=farthest
    )


def _reach(skymap: SkyMap) -> tuple[float, float]:
    """Return the distances in Mpc between which the source surely is."""
    mu, sigma, _ = distance_rows(skymap, credible_rows(skymap, INNER))
    if np.isnan(mu).any():
        return 0.0, float("inf")
    nearest = float((mu - REACH_SIGMAS * sigma).min())
    return max(nearest, 0.0), float((mu + REACH_SIGMAS * sigma).max())


def rank_galaxies(
    skymap: SkyMap, found: Nearby, *, completeness: FloatArray, scale_mpc: float
) -> RankedGalaxies:
    """Rank galaxies by the chance that they are the host.

    `completeness` is the share of the light in each shell between `EDGES` that is listed, and
    `scale_mpc` that of unrelated sources (`tom.sky.distance.unrelated_scale`).
    """
    of = found.numbers
    weight = galaxy_weights(
        skymap,
        healpix29(of["ra"], of["dec"]),
        luminosity=assumed_luminosity(of["b_magnitude"], of["distance_mpc"]),
        distance_mpc=of["distance_mpc"],
        distance_error_mpc=total_error(of["distance_mpc"], of["distance_error_mpc"]),
        scale_mpc=scale_mpc,
    )
    weight = np.where(repeated(found), 0.0, weight)
    listed = mean_completeness(
        skymap, edges_mpc=EDGES, completeness=completeness, scale_mpc=scale_mpc
    )
    unlisted = MEAN_LUMINOSITY * (1 - listed)
    total = float(weight.sum()) + unlisted
    order = np.argsort(-weight, kind="stable")
    return RankedGalaxies(
        order[weight[order] > 0], weight / total, unlisted / total, completeness=listed
    )


def rows_of(
    skymap: SkyMap, found: Nearby, ranked: RankedGalaxies, *, completeness: FloatArray
) -> list[dict[str, Any]]:
    """Return the first `MOST_LISTED` galaxies with each part of their rank; None: not known."""
    first = ranked.order[:MOST_LISTED]
    of = {name: values[first] for name, values in found.numbers.items()}
    ids = healpix29(of["ra"], of["dec"])
    error = total_error(of["distance_mpc"], of["distance_error_mpc"])
    offset = distance_offsets(
        skymap, ids, distance_mpc=of["distance_mpc"], distance_error_mpc=error
    )
    columns = {
        **{name: of[name] for name in NUMBERS},
        "distance_error_mpc": error,
        "luminosity": luminosity(of["b_magnitude"], of["distance_mpc"]),
        "credible_level_2d": levels_2d(skymap, ids),
        "distance_offset_sigma": offset,
        "completeness": completeness_at(of["distance_mpc"], completeness),
        "share": ranked.share[first],
    }
    told = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [
        {
            "rank": rank,
            "catalogue": found.catalogue[at],
            "number": found.number[at],
            "name": found.name[at],
            "distance_kind": found.kind[at],
            **{name: _known(value) for name, value in row.items()},
        }
        for rank, (at, row) in enumerate(zip(first.tolist(), told, strict=True), start=1)
    ]


def _known(value: float) -> float | None:
    """A number with as many digits as mean something."""
    return float(f"{value:.9g}") if np.isfinite(value) else None
