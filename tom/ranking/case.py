"""Read what was known at a moment of the members of a list, for each audience."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from tom.events.localizations import skymap_of
from tom.events.models import EventLocalization
from tom.moments import Moment, known
from tom.photometry import is_strong
from tom.ranking.columns import Columns
from tom.ranking.members import FACTS, read_members
from tom.ranking.models import Listing
from tom.ranking.weighing import FloatArray, IntArray
from tom.scoring.contract import ScorerSpec
from tom.sky import distance_overlap
from tom.targets.copy import array_of
from tom.targets.models import Audience

NOT_SCORED = "not scored yet"


@dataclass(frozen=True, eq=False)
class Case:
    """A list at a moment: n entries, one for each member and audience.

    They come by name, which says who is first of those alike: not by how they came.

    Attributes
    ----------
    listing
        The list.
    moment, since
        What was known; from when detections count as the event's (None: from ever).
    members, targets : array of int, shape (n,)
        Keys: of the event's candidates, or of the targets where the list has no event; of targets.
    audiences : sequence of tuple of int, length n
    healpix29 : array of int, shape (n,)
        Nested, order 29.
    localizations : array, shape (n,)
        Keys of the uses of maps that the candidates were matched by; NaN: none.
    facts : array, shape (n, 8)
        In the order of `FACTS`; NaN where it is not known.
    """

    listing: Listing
    moment: Moment
    since: datetime | None
    members: IntArray
    targets: IntArray
    audiences: Sequence[Audience]
    healpix29: IntArray
    localizations: FloatArray
    facts: FloatArray

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.members)

    def fact(self, name: str) -> FloatArray:
        """Return one of `FACTS`, shape (n,)."""
        return np.asarray(self.facts[:, FACTS.index(name)])


def read_case(
    listing: Listing, moment: Moment, since: datetime | None, rule: Mapping[str, Any]
) -> Case:
    """Read the entries and the facts on each; one query. `rule` as in `read_members`."""
    rows = read_members(listing, moment, since, rule)
    members, targets, audiences, places, maps, *facts = (
        zip(*rows, strict=True) if rows else [() for _ in range(5 + len(FACTS))]
    )
    return Case(
        listing=listing,
        moment=moment,
        since=since,
        members=np.array(members, np.int64),
        targets=np.array(targets, np.int64),
        audiences=[tuple(audience) for audience in audiences],
        healpix29=np.array(places, np.int64),
        localizations=np.array(maps, float),
        facts=np.array(facts, float).T,
    )


def read_columns(case: Case, *, horizon_mpc: float) -> Columns:
    """Read the other inputs of the terms: the history of the places, and the fit of distances."""
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
    """A scorer's opinion of each entry at the moment: NaN where it abstained.

    `values` has shape (k, n), for the k classes that were asked for; `sigma` shape (n,).
    """

    values: FloatArray
    sigma: FloatArray
    silence: list[str]


def read_opinions(case: Case, spec: ScorerSpec, labels: Sequence[str]) -> Opinions:
    """Read the newest outcome of a scorer's version on each entry; one query.

    In a list without an event that is what it last said, of all that shone or in an event's window.
    """
    parameters = {
        "targets": array_of(case.targets.tolist()),
        "audiences": _texts_of(case.audiences),
        "scorer": spec.name,
        "version": spec.version,
        **{f"label_{at}": label for at, label in enumerate(labels)},
        "since": case.since,
        **case.moment.parameters(),
    }
    sql = OPINIONS if case.listing.event is not None else OPINIONS_WITHOUT_EVENT
    columns = ", ".join(f"(s.probability ->> %(label_{at})s)::float8" for at in range(len(labels)))
    with connection.cursor() as cursor:
        cursor.execute(sql.replace(VALUES, columns), parameters)
        rows = cursor.fetchall()
    *values, sigma, reason = (
        zip(*rows, strict=True) if rows else [() for _ in range(len(labels) + 2)]
    )
    return Opinions(
        np.array(values, float),
        np.array(sigma, float),
        [NOT_SCORED if text is None else text for text in reason],
    )


def _texts_of(audiences: Iterable[Audience]) -> str:
    """Audiences as one array of texts: the database reads it much faster than 25,000 parameters."""
    return "{" + ",".join([f'"{array_of(audience)}"' for audience in audiences]) + "}"


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
        "targets": array_of(targets),
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


# The planner would go through 25,000 given targets again for each month of points.
_HIDDEN_TARGETS = "ARRAY(SELECT unnest(%(targets)s::bigint[]))"
EPOCHS = f"""
    SELECT p.target_id, count(DISTINCT date_trunc('hour', p.time)),
        extract(epoch FROM %(since)s::timestamptz - max(p.time))::float8 / 86400
    FROM (
        SELECT target_id, program_id, kind, time, flux, flux_error
        FROM targets_lightcurvepoint
        WHERE target_id = ANY({_HIDDEN_TARGETS}) AND time < %(since)s AND {known()}
        UNION ALL
        SELECT target_id, program_id, kind, time, flux, flux_error
        FROM targets_replacedpoint
        WHERE target_id = ANY({_HIDDEN_TARGETS}) AND time < %(since)s AND {known()}
            AND NOT {known(time="replaced", xact="replaced_by")}
    ) p JOIN targets_program g ON g.id = p.program_id
    WHERE p.kind <> 'limit' AND {is_strong("p")}
        AND (g.public OR g.id = ANY(%(programs)s::bigint[]))
    GROUP BY p.target_id
"""  # noqa: S608  of our own text alone
VALUES = "<values>"  # where a query names what is asked of a scorer
_SAID = f"""
    SELECT probability, sigma, reason FROM scoring_score
    WHERE target_id = e.target AND programs = e.programs::bigint[] AND scorer = %(scorer)s
        AND version = %(version)s AND {known(time="created")}
"""  # noqa: S608  of our own text alone


def _opinions(newest: str) -> str:
    return f"""
        SELECT {VALUES}, s.sigma, s.reason
        FROM unnest(%(targets)s::bigint[], %(audiences)s::text[])
            WITH ORDINALITY AS e (target, programs, place)
        LEFT JOIN LATERAL ({_SAID} {newest} LIMIT 1) s ON true
        ORDER BY e.place
    """  # noqa: S608  of our own text alone


OPINIONS = _opinions(
    "AND since IS NOT DISTINCT FROM %(since)s::timestamptz ORDER BY data_version DESC, id DESC"
)
OPINIONS_WITHOUT_EVENT = _opinions("ORDER BY data_version DESC, since NULLS FIRST, id DESC")
