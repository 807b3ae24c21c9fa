"""The members of a list at a moment, for each audience, and the facts about each."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection

from tom.moments import Moment, known
from tom.photometry import shines
from tom.ranking.models import Listing
from tom.records.alert import flux_of_magnitude
from tom.sky import radec_of, separation_arcsec
from tom.strategies.watching import WatchList, watch_list

Row = tuple[Any, ...]
FACTS = (
    *("probdensity", "was_looked_up", "star_separation_arcsec", "star_score"),
    *("solar_system_separation_arcsec", "sight_age_days", "host_distance_mpc"),
    *("host_distance_error_mpc", "ebv"),
)


def read_members(
    listing: Listing, moment: Moment, since: datetime | None, rule: Mapping[str, Any]
) -> list[Row]:
    """Read member, target, programs, place, localization and `FACTS` of each entry.

    The entries of an event are sorted by the target's name. A member is a candidate of the event,
    or a target if the list has no event: the one that was made first comes first then. The place is
    a nested order-29 HEALPix cell. `rule` has the fields of the strategy that select the members
    (`basis.RULE`). One query, and one for a watch list.
    """
    parameters = {"since": since, **moment.parameters()}
    if listing.event is not None:
        return _fetch(OF_EVENT, parameters | {"event": listing.event.pk})
    faintest = rule["brighter_than"]
    watched = watch_list(rule.get("watched"))  # an older ranking names none
    parameters |= {
        "with_tests": rule["with_tests"],
        "shone_from": _days_before(moment, rule["days_before"]),
        "seen_from": _days_before(moment, rule["first_seen_days"]),
        "least_flux": None if faintest is None else flux_of_magnitude(faintest),
        "watches": watched is not None,
        "cells": "{}" if watched is None else _cells(watched),
    }
    return _watched(_in_cone(_fetch(WITHOUT_EVENT, parameters), rule), watched)


def _fetch(sql: str, parameters: Mapping[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _days_before(moment: Moment, days: float | None) -> datetime | None:
    return None if days is None else moment.time - timedelta(days=days)


def _in_cone(rows: list[Row], rule: Mapping[str, Any]) -> list[Row]:
    if rule["ra"] is None or not rows:
        return rows
    ra, dec = radec_of(np.array([row[PLACE] for row in rows], np.int64))
    near = separation_arcsec(ra, dec, rule["ra"], rule["dec"]) <= 3600 * rule["radius_deg"]
    return [row for row, is_near in zip(rows, near.tolist(), strict=True) if is_near]


def _cells(watched: WatchList) -> str:
    """Write the HEALPix cells that surely cover a watch list as a multirange of PostgreSQL."""
    ranges = watched.discs().ranges().tolist()
    return f"{{{','.join(f'[{start},{stop})' for start, stop in ranges)}}}"


def _watched(rows: list[Row], watched: WatchList | None) -> list[Row]:
    if watched is None or not rows:
        return rows
    ra, dec = radec_of(np.array([row[PLACE] for row in rows], np.int64))
    discs, _ = watched.discs().nearest(ra, dec)
    return [row for row, disc in zip(rows, discs.tolist(), strict=True) if disc >= 0]


PLACE = 3  # the column of an entry with its HEALPix cell


def _newest(columns: str, table: str, owner: str, programs: str) -> str:
    """Return SQL for the newest fact known at the moment about an entry's candidate or target."""
    return f"""(
        SELECT {columns} FROM {table} f
        WHERE f.{owner}_id = e.{owner} AND f.programs = {programs} AND {known("f")}
        ORDER BY f.id DESC LIMIT 1
    )"""  # noqa: S608  of our own text alone


_ABOUT = """
    (s.surroundings_time IS NOT NULL)::int, s.star_separation_arcsec, s.star_score,
    s.solar_system_separation_arcsec,
    extract(epoch FROM %(since)s::timestamptz - s.first_seen)::float8 / 86400,
    host.host_distance_mpc, host.host_distance_error_mpc, s.ebv
"""
_SUMMARY = _newest("*", "targets_summaryfact", "target", "e.programs")
_HOST = _newest(
    "host_distance_mpc, host_distance_error_mpc", "targets_summaryfact", "target", "'{}'"
)
_OWN = _newest("*", "candidates_candidatefact", "candidate", "e.programs")
_MAP = _newest("localization_id", "candidates_candidatefact", "candidate", "'{}'")


def _of_event(entries: str, *, place: str, host: str) -> str:
    return f"""
        SELECT e.candidate, e.target, e.programs, s.healpix29, place.localization_id,
            own.probdensity, {_ABOUT}
        FROM ({entries}) e
        CROSS JOIN LATERAL {_OWN} own
        CROSS JOIN LATERAL {place} place
        CROSS JOIN LATERAL {_SUMMARY} s
        LEFT JOIN LATERAL {host} host ON true
        WHERE own.is_known
    """  # noqa: S608  of our own text alone


# Of everybody's entries the map and the host stand in the rows that tell the rest, too.
_EVERYBODYS = _of_event(
    """
        SELECT id AS candidate, target_id AS target, '{}'::bigint[] AS programs
        FROM candidates_eventcandidate WHERE event_id = %(event)s
    """,
    place="(SELECT own.localization_id)",
    host="(SELECT s.host_distance_mpc, s.host_distance_error_mpc)",
)
_NARROWER = _of_event(
    """
        SELECT c.id AS candidate, c.target_id AS target, k.programs
        FROM candidates_eventcandidate c
        JOIN candidates_candidatestanding k ON k.candidate_id = c.id
        WHERE c.event_id = %(event)s
    """,
    place=_MAP,
    host=_HOST,
)
OF_EVENT = f"""
    SELECT a.* FROM ({_EVERYBODYS} UNION ALL {_NARROWER}) a
    JOIN tom_targets_basetarget t ON t.id = a.target
    ORDER BY t.name, a.programs
"""  # noqa: S608  of our own text alone
# The last detection of a target never moves to an earlier time. So the present summaries find all
# targets that may belong to the list. The points known at the moment decide which of them do.
WITHOUT_EVENT = f"""
    WITH entries AS (
        SELECT target_id AS target, '{{}}'::bigint[] AS programs
        FROM targets_targetsummary
        WHERE (%(shone_from)s IS NULL OR last_detection >= %(shone_from)s)
            AND (%(with_tests)s OR NOT is_test)
        UNION ALL
        SELECT a.target_id, a.programs
        FROM targets_audiencesummary a LEFT JOIN targets_targetsummary s USING (target_id)
        WHERE (%(shone_from)s IS NULL OR a.last_detection >= %(shone_from)s)
            AND (%(with_tests)s OR s.is_test IS NOT TRUE)
    ),
    watched AS (SELECT %(cells)s::int8multirange AS cells)
    SELECT e.target, e.target, e.programs, s.healpix29, NULL, NULL,
        {_ABOUT}
    FROM entries e
    CROSS JOIN LATERAL {_SUMMARY} s
    LEFT JOIN LATERAL {_HOST} host ON true
    WHERE (NOT %(watches)s OR s.healpix29 <@ (SELECT cells FROM watched))
        AND (%(seen_from)s IS NULL OR s.first_seen >= %(seen_from)s) AND EXISTS (
        SELECT FROM (
            SELECT program_id, kind, time, flux, flux_error FROM targets_lightcurvepoint
            WHERE target_id = e.target AND {known()}
            UNION ALL
            SELECT program_id, kind, time, flux, flux_error FROM targets_replacedpoint
            WHERE target_id = e.target AND {known()}
                AND NOT {known(time="replaced", xact="replaced_by")}
        ) p JOIN targets_program g ON g.id = p.program_id
        WHERE (g.public OR g.id = ANY(e.programs)) AND {shines("p")} AND p.time <= %(at)s
            AND (%(shone_from)s IS NULL OR p.time >= %(shone_from)s)
            AND (%(least_flux)s IS NULL OR p.flux >= %(least_flux)s)
    )
    ORDER BY e.target, e.programs
"""  # noqa: S608  of our own text alone
