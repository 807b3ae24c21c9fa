"""The possible hosts of the members of a list, as they were found at a moment."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from django.db import connection

from tom.galaxies.models import DistanceKind
from tom.moments import Moment, known
from tom.ranking.terms.distance import GIVEN_SHARE, OUTLIERS, PHOTOMETRIC_OUTLIERS
from tom.ranking.weighing import FloatArray, IntArray
from tom.targets.copy import array_of

READ = f"""
    SELECT e.place - 1, h.distance_mpc IS NOT NULL,
        coalesce(h.distance_mpc, m.distance_mpc),
        CASE WHEN h.distance_mpc IS NULL THEN m.distance_error_mpc ELSE h.distance_error_mpc END,
        CASE WHEN h.distance_mpc IS NULL THEN m.share ELSE {GIVEN_SHARE} END,
        CASE WHEN h.distance_mpc IS NULL AND m.distance_kind = '{DistanceKind.PHOTOMETRIC.value}'
            THEN {PHOTOMETRIC_OUTLIERS} ELSE {OUTLIERS} END
    FROM unnest(%(targets)s::bigint[]) WITH ORDINALITY AS e (target, place)
    CROSS JOIN LATERAL (
        SELECT id, distance_mpc, distance_error_mpc FROM galaxies_hostsearch
        WHERE target_id = e.target AND {known()}
        ORDER BY id DESC LIMIT 1
    ) h
    LEFT JOIN galaxies_hostmatch m ON m.search_id = h.id AND h.distance_mpc IS NULL
    WHERE h.distance_mpc IS NOT NULL OR m.distance_mpc IS NOT NULL
    ORDER BY e.place, m.id
"""  # noqa: S608  of our own text alone


class Hosts(NamedTuple):
    """Possible hosts of the members of a list: every array has shape (m,).

    `row` numbers the members. `is_given`: it is the distance of a redshift that was given. The
    distances are in Mpc. `share` is the chance that it is the host, and `outliers` that its
    distance is wrong.
    """

    row: IntArray
    is_given: FloatArray
    distance_mpc: FloatArray
    error_mpc: FloatArray
    share: FloatArray
    outliers: FloatArray


def read_hosts(targets: IntArray, moment: Moment) -> Hosts:
    """Read the possible hosts of targets that were known at a moment; one query."""
    parameters = {"targets": array_of(targets.tolist()), **moment.parameters()}
    with connection.cursor() as cursor:
        cursor.execute(READ, parameters)
        columns = np.array(cursor.fetchall(), float).reshape(-1, 6).T
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
