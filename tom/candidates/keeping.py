"""Store matches: candidates with their levels, and the standings of narrower audiences."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from tom.events.localizations import skymaps_of
from tom.events.models import EventLocalization
from tom.sky import SkyMap, levels_2d, levels_3d, probdensity_at
from tom.targets.copy import Table, array_of, copy_rows
from tom.targets.models import Audience, TargetSummary

NEW = Table(
    "new_candidates",
    {
        "event_id": "bigint",
        "localization_id": "bigint",
        "target_id": "bigint",
        "programs": "bigint[]",
        "level_2d": "float8",
        "level_3d": "float8",
        "density": "float8",
    },
)


class Match(NamedTuple):
    """A target that matches an event by one audience's points, and its order-29 HEALPix cell."""

    event_id: int
    target_id: int
    audience: Audience
    healpix29: int


Hosts = Mapping[int, tuple[float, float]]


def keep(matches: Iterable[Match], chosen: Mapping[int, EventLocalization]) -> set[int]:
    """Store candidates with their levels on their events' maps; return the keys of the events.

    `chosen` has the map that each event uses, by the event's key. The number of queries does not
    depend on the number of events.
    """
    rows = sorted(set(matches))
    if not rows:
        return set()
    with transaction.atomic(), connection.cursor() as cursor:
        copy_rows(cursor, NEW, _with_levels(rows, chosen))
        # A new candidate may have been scored outside the event's window: it is scored again.
        for statement in (NOTE_FRESH, NOTE_FRESH_AUDIENCES, KEEP, KEEP_STANDINGS):
            cursor.execute(statement)
    return {row.event_id for row in rows}


def _with_levels(
    rows: Sequence[Match], chosen: Mapping[int, EventLocalization]
) -> Iterator[tuple[object, ...]]:
    """Yield the rows of the table `NEW`, one map after the other."""
    hosts = known_hosts([row.target_id for row in rows])
    on_map: dict[int, list[Match]] = defaultdict(list)
    for row in rows:
        on_map[chosen[row.event_id].localization_id].append(row)
    for localization_id, skymap in skymaps_of(on_map):
        found = on_map[localization_id]
        for row, figures in zip(found, _levels(skymap, found, hosts), strict=True):
            use = chosen[row.event_id].pk
            yield row.event_id, use, row.target_id, array_of(row.audience), *figures


def _levels(
    skymap: SkyMap, rows: Sequence[Match], hosts: Hosts
) -> Iterator[tuple[float | None, ...]]:
    """Yield each row's 2D level, 3D level and density (1/sr); None if it cannot be computed."""
    places = np.array([row.healpix29 for row in rows], np.int64)
    near = [hosts.get(row.target_id, (np.nan, 0.0)) for row in rows]
    distance, error = np.array(near).T
    columns = (
        levels_2d(skymap, places),
        levels_3d(skymap, places, distance, error) if skymap.is_3d else np.full(len(rows), np.nan),
        probdensity_at(skymap, places),
    )
    for figures in zip(*columns, strict=True):
        yield tuple(None if np.isnan(x) else float(x) for x in figures)


def known_hosts(target_ids: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Return the distance and its error in Mpc of each target's host, if the host is known."""
    known = TargetSummary.objects.filter(pk__in=target_ids, host_distance_mpc__isnull=False)
    rows = known.values_list("pk", "host_distance_mpc", "host_distance_error_mpc")
    return {pk: (distance or 0.0, error or 0.0) for pk, distance, error in rows}


NOTE_FRESH = """
    UPDATE targets_targetsummary s SET version = s.version + 1
    FROM new_candidates n WHERE s.target_id = n.target_id AND n.programs = '{}' AND NOT EXISTS (
        SELECT FROM candidates_eventcandidate c
        WHERE c.event_id = n.event_id AND c.target_id = n.target_id AND c.is_public)
"""
NOTE_FRESH_AUDIENCES = """
    UPDATE targets_audiencesummary s SET version = s.version + 1
    FROM new_candidates n
    WHERE s.target_id = n.target_id AND s.programs = n.programs AND NOT EXISTS (
        SELECT FROM candidates_eventcandidate c
        JOIN candidates_candidatestanding k ON k.candidate_id = c.id
        WHERE c.event_id = n.event_id AND c.target_id = n.target_id AND k.programs = n.programs)
"""
# One row for each candidate, with the levels by public points. A candidate by private points only
# has no public levels. A candidate that becomes public now counts as made now.
KEEP = """
    INSERT INTO candidates_eventcandidate AS old (event_id, target_id, localization_id, vetting,
        created, is_public, credible_level_2d, credible_level_3d, probdensity)
    SELECT DISTINCT ON (event_id, target_id) event_id, target_id, localization_id, 'new', now(),
        programs = '{}', CASE WHEN programs = '{}' THEN level_2d END,
        CASE WHEN programs = '{}' THEN level_3d END, CASE WHEN programs = '{}' THEN density END
    FROM new_candidates ORDER BY event_id, target_id, programs
    ON CONFLICT (event_id, target_id) DO UPDATE
    SET localization_id = excluded.localization_id,
        created = CASE WHEN excluded.is_public AND NOT old.is_public THEN now()
            ELSE old.created END,
        is_public = old.is_public OR excluded.is_public,
        credible_level_2d = excluded.credible_level_2d,
        credible_level_3d = excluded.credible_level_3d, probdensity = excluded.probdensity
"""
KEEP_STANDINGS = """
    INSERT INTO candidates_candidatestanding (candidate_id, event_id, programs, created,
        credible_level_2d, credible_level_3d, probdensity)
    SELECT c.id, c.event_id, n.programs, now(), n.level_2d, n.level_3d, n.density
    FROM new_candidates n JOIN candidates_eventcandidate c
        ON c.target_id = n.target_id AND c.event_id = n.event_id
    WHERE n.programs <> '{}' ORDER BY c.id, n.programs
    ON CONFLICT (candidate_id, programs) DO UPDATE
    SET credible_level_2d = excluded.credible_level_2d,
        credible_level_3d = excluded.credible_level_3d, probdensity = excluded.probdensity
"""
