"""Find the hosts of targets: many at once, and again where something about them changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from tom.galaxies.completeness import EDGES, MEAN_LUMINOSITY, assumed_luminosity, completeness_at
from tom.galaxies.distances import PECULIAR_MPC, distance_error_of, distance_of, total_error
from tom.galaxies.loaded import LoadedCatalogues, loaded_catalogues, no_catalogue
from tom.galaxies.models import HostMatch, HostSearch
from tom.galaxies.nearby import Nearby, pairs_of, read_galaxies_near
from tom.sky import radec_of
from tom.sky.arrays import FloatArray, IntArray
from tom.sky.distance import gauss, unrelated_scale
from tom.sky.galaxy_weights import MEAN_SEEN
from tom.sky.hosts import (
    B_MINUS_R,
    chance_coincidence,
    directional_light_radius,
    half_light_arcsec,
    host_shares,
    offset_density,
    offsets,
    unseen_density,
)
from tom.targets.redshifts import REDSHIFT

# Part of what a search is known by: another number makes every search due.
METHOD = 1
AT_ONCE = 2000
MOST_KEPT = 5
LEAST_SHARE = 1e-4
# Of a given redshift, over 1 + z.
GIVEN_ERROR = 0.001
STALE = """
    SELECT s.target_id, s.healpix29, x.float_value
    FROM unnest(%(targets)s::bigint[]) AS e (target)
    JOIN targets_targetsummary s ON s.target_id = e.target
    LEFT JOIN tom_targets_targetextra x
        ON x.target_id = e.target AND x.key = %(key)s AND x.float_value > 0
    LEFT JOIN LATERAL (
        SELECT healpix29, catalogues, given_redshift FROM galaxies_hostsearch h
        WHERE h.target_id = e.target ORDER BY h.id DESC LIMIT 1
    ) h ON true
    WHERE (h.healpix29, h.catalogues, h.given_redshift)
        IS DISTINCT FROM (s.healpix29, %(catalogues)s, x.float_value)
        AND (%(is_any)s OR coalesce(x.float_value, h.given_redshift) IS NOT NULL)
    ORDER BY s.healpix29
"""


class Sought(NamedTuple):
    """A target whose host is due: its order-29 place, and its redshift if one is given."""

    target_id: int
    healpix29: int
    redshift: float | None


@dataclass(frozen=True, eq=False)
class Pairs:
    """Targets and galaxies near each other: every array has the shape `(m,)`.

    `place` numbers the targets, `galaxy` the galaxies. `share` is the chance that it is the host.
    """

    place: IntArray
    galaxy: IntArray
    distance_error_mpc: FloatArray
    separation_arcsec: FloatArray
    light_radius_arcsec: FloatArray
    chance_coincidence: FloatArray
    share: FloatArray


def find_hosts(target_ids: Iterable[int], *, most: int | None = None) -> int:
    """Search the hosts of those targets that are due, at most so many; return how many were due.

    A target is due if it was never searched, or if since then its place, its redshift or the
    catalogues changed. Without a catalogue only those are that have a redshift, or had one. It may
    run twice at the same time: the same search is then stored twice.
    """
    catalogues = loaded_catalogues(method=METHOD) or no_catalogue(method=METHOD)
    due = _due(target_ids, catalogues)
    chosen = due[:most]
    for start in range(0, len(chosen), AT_ONCE):
        searches, matches = _search(chosen[start : start + AT_ONCE], catalogues)
        with transaction.atomic():
            HostSearch.objects.bulk_create(searches)
            HostMatch.objects.bulk_create(matches)
    return len(due)


def look_for_hosts(sought: Sought) -> tuple[HostSearch, list[HostMatch]] | None:
    """Search the hosts of one target without keeping what is found; None: no catalogue is loaded.

    The matches come the likeliest first. Two queries.
    """
    catalogues = loaded_catalogues(method=METHOD)
    if catalogues is None:
        return None
    (search,), matches = _search([sought], catalogues)
    return search, matches


def look_for_galaxies(places: Sequence[int]) -> tuple[tuple[str, ...], FloatArray] | None:
    """Return the catalogues' names, and what `listed_shares` says of order-29 places, shape (n,).

    None: no catalogue is loaded. Nothing is kept. Two queries for all places.
    """
    catalogues = loaded_catalogues(method=METHOD)
    if catalogues is None:
        return None
    ra, dec = radec_of(np.array(places, np.int64))
    found = read_galaxies_near(ra, dec)
    return catalogues.names, listed_shares(ra, dec, found, catalogues.completeness)


def listed_shares(
    ra: FloatArray, dec: FloatArray, found: Nearby, completeness: FloatArray
) -> FloatArray:
    """Return the chance that a listed galaxy is the host at each place, 0 to 1, shape (n,).

    The transients' redshifts are not used. The arguments are those of `weigh_pairs`.
    """
    _, none = weigh_pairs(ra, dec, np.full(len(ra), np.nan), found, completeness)
    return 1 - none


def _due(target_ids: Iterable[int], catalogues: LoadedCatalogues) -> list[Sought]:
    parameters: dict[str, Any] = {
        "targets": list(target_ids),
        "key": REDSHIFT,
        "catalogues": catalogues.known_by,
        "is_any": bool(catalogues.names),
    }
    with connection.cursor() as cursor:
        cursor.execute(STALE, parameters)
        return [Sought(*row) for row in cursor.fetchall()]


def _search(
    due: Sequence[Sought], catalogues: LoadedCatalogues
) -> tuple[list[HostSearch], list[HostMatch]]:
    ra, dec = radec_of(np.array([each.healpix29 for each in due], np.int64))
    redshift = np.array([each.redshift for each in due], float)
    found = read_galaxies_near(ra, dec)
    pairs, none = weigh_pairs(ra, dec, redshift, found, catalogues.completeness)
    distance = distance_of(redshift)
    error = distance_error_of(redshift, GIVEN_ERROR * (1 + redshift))
    searches = [
        HostSearch(
            target_id=each.target_id,
            healpix29=each.healpix29,
            catalogues=catalogues.known_by,
            given_redshift=each.redshift,
            distance_mpc=_known(distance[row]),
            distance_error_mpc=_known(np.hypot(error[row], PECULIAR_MPC)),
            none_share=float(none[row]),
        )
        for row, each in enumerate(due)
    ]
    return searches, _matches(searches, found, pairs)


def weigh_pairs(
    ra: FloatArray, dec: FloatArray, redshift: FloatArray, found: Nearby, completeness: FloatArray
) -> tuple[Pairs, FloatArray]:
    """Weigh the galaxies near each place; return them, and the chance of none, shape `(n,)`.

    Parameters
    ----------
    ra, dec
        ICRS degrees, shape `(n,)`.
    redshift
        The transient's own, shape `(n,)`; NaN: not known.
    found
        Galaxies, those near the places among them.
    completeness
        The share of the light between `EDGES` that is listed, 0 to 1.
    """
    place, galaxy = pairs_of(ra, dec, found)
    of = {name: values[galaxy] for name, values in found.numbers.items()}
    separation, towards = offsets(
        ra=ra[place], dec=dec[place], galaxy_ra=of["ra"], galaxy_dec=of["dec"]
    )
    size = half_light_arcsec(diameter_arcsec=of["diameter_arcsec"], distance_mpc=of["distance_mpc"])
    radius = directional_light_radius(
        half_light_arcsec=size,
        axis_ratio=of["axis_ratio"],
        axis_angle_deg=of["position_angle_deg"],
        position_angle_deg=towards,
    )
    error = total_error(of["distance_mpc"], of["distance_error_mpc"])
    around = offset_density(
        ratio=separation / radius, half_light_arcsec=size, axis_ratio=of["axis_ratio"]
    )
    light, unseen = _light(of, error, distance_of(redshift), place, completeness)
    share, none = host_shares(target=place, density=light * around, n=len(ra), unseen=unseen)
    chance = chance_coincidence(
        separation_arcsec=separation,
        half_light_arcsec=size,
        r_magnitude=of["b_magnitude"] - B_MINUS_R,
    )
    return Pairs(place, galaxy, error, separation, radius, chance, share), none


def _light(
    of: Mapping[str, FloatArray],
    error: FloatArray,
    given_mpc: FloatArray,
    place: IntArray,
    completeness: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return the light of each pair's galaxy, shape `(m,)`, and of unlisted ones, shape `(n,)`.

    Both count as far as the survey sees. Of a target with a redshift, both are those at its
    distance, per Mpc.
    """
    scale = unrelated_scale(settings.HOST_HORIZON_MPC)
    distance, wanted = of["distance_mpc"], given_mpc[place]
    light = assumed_luminosity(of["b_magnitude"], distance)
    seen = np.where(np.isnan(distance), MEAN_SEEN, np.exp(-distance / scale))
    there = gauss(wanted, distance, error)
    somewhere = wanted**2 / (2 * scale**3)  # of a galaxy whose distance is not known
    there = np.where(np.isnan(distance), somewhere, there)
    everywhere = unseen_density(
        edges_mpc=EDGES, completeness=completeness, mean_density=MEAN_LUMINOSITY, scale_mpc=scale
    )
    listed = completeness_at(given_mpc, completeness)
    at_it = MEAN_LUMINOSITY * (1 - listed) * given_mpc**2
    return (
        light * np.where(np.isnan(wanted), seen, there),
        np.where(np.isnan(given_mpc), everywhere, at_it),
    )


def _matches(searches: Sequence[HostSearch], found: Nearby, pairs: Pairs) -> list[HostMatch]:
    """Return the rows of the likeliest galaxies of each target."""
    order = np.lexsort([-pairs.share, pairs.place])
    kept: dict[int, int] = {}
    rows = []
    for at in order.tolist():
        place, galaxy = int(pairs.place[at]), int(pairs.galaxy[at])
        if pairs.share[at] < LEAST_SHARE or kept.get(place, 0) >= MOST_KEPT:
            continue
        kept[place] = kept.get(place, 0) + 1
        rows.append(
            HostMatch(
                search=searches[place],
                catalogue=found.catalogue[galaxy],
                number=found.number[galaxy],
                name=found.name[galaxy],
                ra=float(found.numbers["ra"][galaxy]),
                dec=float(found.numbers["dec"][galaxy]),
                distance_mpc=_known(found.numbers["distance_mpc"][galaxy]),
                distance_error_mpc=_known(pairs.distance_error_mpc[at]),
                distance_kind=found.kind[galaxy],
                b_magnitude=_known(found.numbers["b_magnitude"][galaxy]),
                separation_arcsec=float(pairs.separation_arcsec[at]),
                light_radius_arcsec=float(pairs.light_radius_arcsec[at]),
                chance_coincidence=_known(pairs.chance_coincidence[at]),
                share=float(pairs.share[at]),
            )
        )
    return rows


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
