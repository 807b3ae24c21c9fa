"""Read what was known at a moment of an event's candidates, for each audience."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection

from tom.events.localizations import skymap_of
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.moments import Moment, known
from tom.photometry import is_strong
from tom.ranking.columns import Columns
from tom.ranking.weighing import FloatArray, IntArray
from tom.scoring.contract import ScorerSpec
from tom.sky import distance_overlap
from tom.targets.copy import array_of
from tom.targets.models import Audience

NOT_SCORED = "not scored yet"


@dataclass(frozen=True, eq=False)
class Case:
    """An event's candidates at a moment: n entries, one for each candidate and audience.

    They come by name, which says who is first of those alike: not by how they came.

    Attributes
    ----------
    moment, since
        What was known; from when detections count as the event's (None: from ever).
    candidates, targets : array of int, shape (n,)
        Keys.
    audiences : sequence of tuple of int, length n
    healpix29 : array of int, shape (n,)
        Nested, order 29.
    localizations : array, shape (n,)
        Keys of the uses of maps that the candidates were matched by; NaN: none.
    facts : array, shape (n, 8)
        In the order of `FACTS`; NaN where it is not known.
    """

    moment: Moment
    since: datetime | None
    candidates: IntArray
    targets: IntArray
    audiences: Sequence[Audience]
    healpix29: IntArray
    localizations: FloatArray
    facts: FloatArray

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.candidates)

    def fact(self, name: str) -> FloatArray:
        """Return one of `FACTS`, shape (n,)."""
        return np.asarray(self.facts[:, FACTS.index(name)])


FACTS = (
    *("probdensity", "was_looked_up", "star_separation_arcsec", "star_score"),
    *("solar_system_separation_arcsec", "sight_age_days", "host_distance_mpc"),
    "host_distance_error_mpc",
)


def read_case(event: NonLocalizedEvent, moment: Moment, since: datetime | None) -> Case:
    """Read the entries and the facts on each; one query."""
    with connection.cursor() as cursor:
        parameters = {"event": event.pk, "since": since, **moment.parameters()}
        cursor.execute(ENTRIES, parameters)
        rows = cursor.fetchall()
    candidates, targets, audiences, places, maps, *facts = (
        zip(*rows, strict=True) if rows else [() for _ in range(5 + len(FACTS))]
    )
    return Case(
        moment=moment,
        since=since,
        candidates=np.array(candidates, np.int64),
        targets=np.array(targets, np.int64),
        audiences=[tuple(audience) for audience in audiences],
        healpix29=np.array(places, np.int64),
        localizations=np.array(maps, float),
        facts=np.array(facts, float).T,
    )


def read_columns(case: Case, *, horizon_mpc: float) -> Columns:
    """Read the rest of what terms read: the history of the places, and the fit of distances."""
    epochs, age_days = _earlier_epochs(case)
    sight = case.fact("sight_age_days")
    return Columns(
        has_map=~np.isnan(case.localizations),
        probdensity=case.fact("probdensity"),
        distance_overlap=_overlaps(case, horizon_mpc),
        was_looked_up=case.fact("was_looked_up") == 1,
        star_separation_arcsec=case.fact("star_separation_arcsec"),
        star_score=case.fact("star_score"),
        planet_separation_arcsec=case.fact("solar_system_separation_arcsec"),
        epochs=epochs,
        epoch_age_days=age_days,
        sight_age_days=np.where(sight > 0, sight, np.nan),
    )


class Opinions(NamedTuple):
    """What a scorer had said of each entry: arrays of shape (n,), NaN where it abstained."""

    value: FloatArray
    sigma: FloatArray
    silence: list[str]


def read_opinions(case: Case, spec: ScorerSpec, label: str) -> Opinions:
    """Read the newest outcome of a scorer's version on each entry; one query."""
    parameters = {
        "targets": case.targets.tolist(),
        "audiences": [array_of(audience) for audience in case.audiences],
        "scorer": spec.name,
        "version": spec.version,
        "label": label,
        "since": case.since,
        **case.moment.parameters(),
    }
    with connection.cursor() as cursor:
        cursor.execute(OPINIONS, parameters)
        rows = cursor.fetchall()
    value, sigma, reason = zip(*rows, strict=True) if rows else ((), (), ())
    return Opinions(
        np.array(value, float),
        np.array(sigma, float),
        [NOT_SCORED if text is None else text for text in reason],
    )


def _earlier_epochs(case: Case) -> tuple[FloatArray, FloatArray]:
    """Positive 5 sigma epochs before the window, and the age of the newest in days."""
    n = len(case)
    if case.since is None:
        return np.full(n, np.nan), np.full(n, np.nan)
    count, age = np.zeros(n), np.full(n, np.nan)
    for audience in sorted(set(case.audiences)):
        rows = [row for row, known_by in enumerate(case.audiences) if known_by == audience]
        before = _epochs_before(case, case.targets[rows].tolist(), audience)
        for row in rows:
            found = before.get(int(case.targets[row]))
            if found is not None:
                count[row], age[row] = found
    return count, age


def _epochs_before(
    case: Case, targets: Sequence[int], audience: Audience
) -> dict[int, tuple[int, float]]:
    """Of each target the hours with an epoch that an audience knows, and days since the newest."""
    parameters = {
        "targets": list(targets),
        "programs": list(audience),
        "since": case.since,
        **case.moment.parameters(),
    }
    with connection.cursor() as cursor:
        cursor.execute(EPOCHS, parameters)
        return {target: (count, age) for target, count, age in cursor.fetchall()}


def _overlaps(case: Case, horizon_mpc: float) -> FloatArray:
    """How well each host's distance fits the map's; NaN where either is not known."""
    overlap = np.full(len(case), np.nan)
    distance, error = case.fact("host_distance_mpc"), case.fact("host_distance_error_mpc")
    near = ~np.isnan(distance) & ~np.isnan(case.localizations)
    uses = EventLocalization.objects.filter(pk__in=set(case.localizations[near].tolist()))
    for pk, localization_id in uses.values_list("pk", "localization_id"):
        skymap = skymap_of(localization_id)
        rows = np.flatnonzero(near & (case.localizations == pk))
        if skymap.is_3d:
            overlap[rows] = distance_overlap(
                skymap,
                case.healpix29[rows],
                distance_mpc=distance[rows],
                distance_sigma_mpc=np.nan_to_num(error[rows]),
                horizon_mpc=horizon_mpc,
            )
    return np.where(np.isfinite(overlap), overlap, np.nan)


def _newest(columns: str, table: str, owner: str, programs: str) -> str:
    """SQL of the newest fact that was known then of an entry's candidate or target."""
    return f"""(
        SELECT {columns} FROM {table} f
        WHERE f.{owner}_id = e.{owner} AND f.programs = {programs} AND {known("f")}
        ORDER BY f.id DESC LIMIT 1
    )"""  # noqa: S608  of our own text alone


_PLACE = _newest("localization_id", "candidates_candidatefact", "candidate", "'{}'")
_OWN = _newest("is_known, probdensity", "candidates_candidatefact", "candidate", "e.programs")
_SUMMARY = _newest("*", "targets_summaryfact", "target", "e.programs")
_HOST = _newest(
    "host_distance_mpc, host_distance_error_mpc", "targets_summaryfact", "target", "'{}'"
)
ENTRIES = f"""
    WITH entries AS (
        SELECT id AS candidate, target_id AS target, '{{}}'::bigint[] AS programs
        FROM candidates_eventcandidate WHERE event_id = %(event)s
        UNION ALL
        SELECT c.id, c.target_id, k.programs
        FROM candidates_eventcandidate c
        JOIN candidates_candidatestanding k ON k.candidate_id = c.id
        WHERE c.event_id = %(event)s
    )
    SELECT e.candidate, e.target, e.programs, s.healpix29, place.localization_id, own.probdensity,
        (s.context_time IS NOT NULL)::int, s.star_separation_arcsec, s.star_score,
        s.solar_system_separation_arcsec,
        extract(epoch FROM %(since)s::timestamptz - s.first_seen)::float8 / 86400,
        host.host_distance_mpc, host.host_distance_error_mpc
    FROM entries e
    JOIN tom_targets_basetarget t ON t.id = e.target
    CROSS JOIN LATERAL {_OWN} own
    CROSS JOIN LATERAL {_PLACE} place
    CROSS JOIN LATERAL {_SUMMARY} s
    LEFT JOIN LATERAL {_HOST} host ON true
    WHERE own.is_known ORDER BY t.name, e.programs
"""  # noqa: S608  of our own text alone
EPOCHS = f"""
    SELECT p.target_id, count(DISTINCT date_trunc('hour', p.time)),
        extract(epoch FROM %(since)s::timestamptz - max(p.time))::float8 / 86400
    FROM (
        SELECT target_id, program_id, kind, time, flux, flux_error
        FROM targets_lightcurvepoint
        WHERE target_id = ANY(%(targets)s) AND time < %(since)s AND {known()}
        UNION ALL
        SELECT target_id, program_id, kind, time, flux, flux_error
        FROM targets_replacedpoint
        WHERE target_id = ANY(%(targets)s) AND time < %(since)s AND {known()}
            AND NOT {known(time="replaced", xact="replaced_by")}
    ) p JOIN targets_program g ON g.id = p.program_id
    WHERE p.kind <> 'limit' AND {is_strong("p")}
        AND (g.public OR g.id = ANY(%(programs)s::bigint[]))
    GROUP BY p.target_id
"""  # noqa: S608  of our own text alone
OPINIONS = f"""
    SELECT (s.probability ->> %(label)s)::float8, s.sigma, s.reason
    FROM unnest(%(targets)s::bigint[], %(audiences)s::text[])
        WITH ORDINALITY AS e (target, programs, place)
    LEFT JOIN LATERAL (
        SELECT probability, sigma, reason FROM scoring_score
        WHERE target_id = e.target AND programs = e.programs::bigint[] AND scorer = %(scorer)s
            AND version = %(version)s AND since IS NOT DISTINCT FROM %(since)s::timestamptz
            AND {known(time="created")}
        ORDER BY data_version DESC, id DESC LIMIT 1
    ) s ON true
    ORDER BY e.place
"""  # noqa: S608  of our own text alone
