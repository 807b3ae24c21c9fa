"""The galaxies at the members of a list, as they were found at a moment.

The counterpart lies where the light of galaxies is at the map's distance: in a listed galaxy, or in
one that no catalogue has. With the light s_g L_g of the galaxies at a place, as far as the survey
sees (`tom.sky.hosts`), the density of counterparts there is, over the map's,

    light x (sum over g of share_g overlap_g + none_share x overlap of what is not listed)

`light` is that at the place over its mean, and `overlap` the ratio of distances of
`tom.sky.distance_overlap`. The mean over places is 1.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from django.db import connection

from tom.events.localizations import skymap_of
from tom.events.models import EventLocalization
from tom.galaxies.association import METHOD
from tom.galaxies.completeness import EDGES
from tom.galaxies.loaded import loaded_catalogues
from tom.galaxies.models import DistanceKind
from tom.moments import Moment, known
from tom.ranking.case import Case
from tom.ranking.terms.distance import GIVEN_SHARE, OUTLIERS, PHOTOMETRIC_OUTLIERS
from tom.ranking.weighing import FloatArray, IntArray
from tom.sky import SkyMap, distance_overlap, unlisted_share
from tom.sky.distance import unrelated_scale
from tom.sky.hosts import unseen_density
from tom.targets.copy import array_of

READ = f"""
    SELECT e.place - 1, h.distance_mpc IS NOT NULL,
        coalesce(h.distance_mpc, m.distance_mpc),
        CASE WHEN h.distance_mpc IS NULL THEN m.distance_error_mpc ELSE h.distance_error_mpc END,
        CASE WHEN h.distance_mpc IS NULL THEN m.share ELSE {GIVEN_SHARE} END,
        CASE WHEN h.distance_mpc IS NULL AND m.distance_kind = '{DistanceKind.PHOTOMETRIC.value}'
            THEN {PHOTOMETRIC_OUTLIERS} ELSE {OUTLIERS} END,
        CASE WHEN h.distance_mpc IS NULL AND h.catalogues = %(catalogues)s
            THEN h.none_share END
    FROM unnest(%(targets)s::bigint[]) WITH ORDINALITY AS e (target, place)
    CROSS JOIN LATERAL (
        SELECT id, distance_mpc, distance_error_mpc, catalogues, none_share FROM galaxies_hostsearch
        WHERE target_id = e.target AND {known()}
        ORDER BY id DESC LIMIT 1
    ) h
    LEFT JOIN galaxies_hostmatch m ON m.search_id = h.id AND h.distance_mpc IS NULL
    ORDER BY e.place, m.id
"""  # noqa: S608  of our own text alone


COLUMNS: Final = ("distance_overlap", "host_share", "elsewhere_overlap", "galaxy_light")


class Hosts(NamedTuple):
    """Possible hosts of the members of a list: every array has shape (m,).

    `row` numbers the members. `is_given`: it is the distance of a redshift that was given. The
    distances are in Mpc; NaN: it has none, or no galaxy is near. `share` is the chance that it is
    the host, and `outliers` that its distance is wrong. `none_share` is the chance that the host is
    not listed; NaN: a redshift was given, or other catalogues were searched than the ranking's.
    """

    row: IntArray
    is_given: FloatArray
    distance_mpc: FloatArray
    error_mpc: FloatArray
    share: FloatArray
    outliers: FloatArray
    none_share: FloatArray


@dataclass(frozen=True)
class Listed:
    """What the loaded catalogues list: `known_by` is how a search names them.

    `completeness` is the share of the light in each shell of `tom.galaxies.completeness`.
    """

    known_by: str
    completeness: list[float]


def listed() -> dict[str, Any] | None:
    """Return the fields of what is listed now, for a ranking's basis; None: nothing. One query."""
    found = loaded_catalogues(method=METHOD)
    if found is None:
        return None
    return asdict(Listed(found.known_by, found.completeness.tolist()))


def read_galaxies(
    case: Case, *, horizon_mpc: float, catalogues: Mapping[str, Any] | None
) -> dict[str, FloatArray]:
    """Return what `Columns` has of the galaxies at each member.

    A given redshift comes before the host that a survey told, and that before those found in
    catalogues. `horizon_mpc` as in `tom.sky.distance_overlap`, `catalogues` as of `listed`.
    """
    n = len(case)
    uses = EventLocalization.objects.filter(
        pk__in=set(case.localizations[~np.isnan(case.localizations)].tolist())
    )
    skymaps = {pk: skymap_of(key) for pk, key in uses.values_list("pk", "localization_id")}
    in_3d = {pk: skymap for pk, skymap in skymaps.items() if skymap.is_3d}
    has_distance = {"map_in_3d": np.isin(case.localizations, list(in_3d)).astype(float)}
    if not in_3d:
        return has_distance | dict.fromkeys(COLUMNS, np.full(n, np.nan))
    overlap_of = partial(_overlap_of, case, in_3d, horizon_mpc)
    told = overlap_of(
        np.arange(n),
        case.fact("host_distance_mpc"),
        np.nan_to_num(case.fact("host_distance_error_mpc")),
    )
    here = Listed(**catalogues) if catalogues else None
    hosts = read_hosts(case.targets, case.moment, here.known_by if here else "")
    mean, share = mix(hosts, n, overlap_of)
    light, elsewhere = np.full(n, np.nan), np.full(n, np.nan)
    if here is not None:
        light, elsewhere = _around(hosts, share, _unlisted(case, in_3d, here), here, horizon_mpc)
    is_alone = np.isnan(mean) & ~np.isnan(elsewhere)
    given = np.bincount(hosts.row, weights=hosts.is_given, minlength=n) > 0
    found = {
        "distance_overlap": np.where(is_alone, elsewhere, mean),
        "host_share": np.where(is_alone, 0.0, share),
        "elsewhere_overlap": elsewhere,
        "galaxy_light": light,
    }
    for name, column in found.items():
        other = told if name == "distance_overlap" else np.nan
        found[name] = np.where(~np.isnan(told) & ~given, other, column)
    return has_distance | found


def _around(
    hosts: Hosts, share: FloatArray, unlisted: FloatArray, here: Listed, horizon_mpc: float
) -> tuple[FloatArray, FloatArray]:
    """Return the light at each member over its mean, and the overlap of all but its known hosts.

    Galaxies without a distance have any. `unlisted` is the chance that what lies there at the map's
    distance is in no catalogue.
    """
    scale = unrelated_scale(horizon_mpc)
    unseen = unseen_density(
        edges_mpc=EDGES, completeness=here.completeness, mean_density=1.0, scale_mpc=scale
    ) / (2 * scale**3)
    none = np.full(len(share), np.nan)
    none[hosts.row] = hosts.none_share
    shared = np.nan_to_num(share)
    rest = np.maximum(1 - shared, none)
    elsewhere = (np.maximum(rest - none, 0.0) + none * unlisted / unseen) / rest
    return np.where(np.isnan(elsewhere), np.nan, unseen / none), elsewhere


def _unlisted(case: Case, skymaps: Mapping[int, SkyMap], here: Listed) -> FloatArray:
    found = np.full(len(case), np.nan)
    for pk, skymap in skymaps.items():
        rows = np.flatnonzero(case.localizations == pk)
        found[rows] = unlisted_share(
            skymap, case.healpix29[rows], edges_mpc=EDGES, completeness=here.completeness
        )
    return found


def read_hosts(targets: IntArray, moment: Moment, catalogues: str) -> Hosts:
    """Read the possible hosts of targets that were known at a moment; one query.

    `catalogues` is how a search names those whose shares of unlisted galaxies are asked for.
    """
    parameters = {
        "targets": array_of(targets.tolist()),
        "catalogues": catalogues,
        **moment.parameters(),
    }
    with connection.cursor() as cursor:
        cursor.execute(READ, parameters)
        columns = np.array(cursor.fetchall(), float).reshape(-1, 7).T
    return Hosts(columns[0].astype(np.int64), *columns[1:])


def mix(
    hosts: Hosts, n: int, overlap_of: Callable[[IntArray, FloatArray, FloatArray], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return the mean overlap of each member's hosts and the sum of their shares, shape (n,).

    `overlap_of` takes rows, distances and errors. NaN: the member has no host with an overlap.
    """
    overlap = overlap_of(hosts.row, hosts.distance_mpc, hosts.error_mpc)
    overlap = (1 - hosts.outliers) * overlap + hosts.outliers
    share = np.where(np.isnan(overlap), 0.0, hosts.share)
    total = np.bincount(hosts.row, weights=share, minlength=n)
    weighted = np.bincount(hosts.row, weights=share * np.nan_to_num(overlap), minlength=n)
    with np.errstate(invalid="ignore"):
        mean = weighted / total
    return mean, np.where(total > 0, np.minimum(total, 1.0), np.nan)


def _overlap_of(
    case: Case,
    skymaps: Mapping[int, SkyMap],
    horizon_mpc: float,
    rows: IntArray,
    distance_mpc: FloatArray,
    error_mpc: FloatArray,
) -> FloatArray:
    """Return `distance_overlap` of hosts of these entries, shape (m,); NaN: not known."""
    overlap = np.full(len(rows), np.nan)
    for pk, skymap in skymaps.items():
        on_it = np.flatnonzero((case.localizations[rows] == pk) & ~np.isnan(distance_mpc))
        overlap[on_it] = distance_overlap(
            skymap,
            case.healpix29[rows[on_it]],
            distance_mpc=distance_mpc[on_it],
            distance_sigma_mpc=error_mpc[on_it],
            horizon_mpc=horizon_mpc,
        )
    return np.where(np.isfinite(overlap), overlap, np.nan)
