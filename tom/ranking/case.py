"""Read the facts about the members of a list that each audience knew at a moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.moments import Moment, known
from tom.photometry import is_strong
from tom.ranking.columns import Columns
from tom.ranking.members import FACTS, read_members
from tom.ranking.models import Listing
from tom.ranking.reread import Versions, read_anew
from tom.ranking.terms.earlier_activity import STACK_DAYS
from tom.ranking.weighing import BoolArray, FloatArray, IntArray
from tom.scoring.contract import ScorerSpec
from tom.targets.copy import array_of, read_numbers
from tom.targets.models import Audience

NOT_SCORED = "not scored yet"


@dataclass(frozen=True, eq=False)
class Case:
    """A list at a moment: n entries, one for each member and audience.

    The entries of an event are sorted by the target's name, those of a list without one by when the
    target was made, the first first. So that decides the order of equal chances.

    Attributes
    ----------
    listing
        The list.
    moment, since
        The moment whose knowledge is used. Detections from `since` on count as the event's; None:
        all count.
    members, targets : array of int, shape (n,)
        Keys of the members (the event's candidates; targets if the list has no event), and keys of
        the targets.
    audiences : sequence of tuple of int, length n
        The keys of the private programs that the audience reads; (): the public.
    healpix29 : array of int, shape (n,)
        Nested, order 29.
    localizations : array, shape (n,)
        Keys of the `EventLocalization` by which each candidate was matched; NaN: none.
    facts : array, shape (n, 9)
        In the order of `FACTS`; NaN: not known.
    owned : frozenset of int
        Keys of the members by public points whose targets are private: people own them.
    versions
        The version of each target at the moment; None: it is past.
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
    owned: frozenset[int]
    versions: Versions | None = None

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.members)

    @cached_property
    def seen_by_all(self) -> BoolArray:
        """The entries that everybody sees, shape (n,)."""
        is_public = np.array([audience == () for audience in self.audiences], bool)
        return np.asarray(is_public & ~np.isin(self.members, list(self.owned)))

    def take(self, rows: BoolArray) -> "Case":
        """Return a part of the entries."""
        at = np.flatnonzero(rows)
        return replace(
            self,
            members=self.members[at],
            targets=self.targets[at],
            audiences=[self.audiences[row] for row in at.tolist()],
            healpix29=self.healpix29[at],
            localizations=self.localizations[at],
            facts=self.facts[at],
        )

    def fact(self, name: str) -> FloatArray:
        """Return one of `FACTS`, shape (n,)."""
        return np.asarray(self.facts[:, FACTS.index(name)])


def read_case(
    listing: Listing,
    moment: Moment,
    since: datetime | None,
    rule: Mapping[str, Any],
    versions: Versions | None = None,
) -> Case:
    """Read the entries and the facts about each. `rule` as in `read_members`."""
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
        owned=_owned(listing.event, targets),
        versions=versions,
    )


def _owned(event: NonLocalizedEvent | None, targets: Sequence[int]) -> frozenset[int]:
    if event is None:
        return private_among(targets)
    rows = EventCandidate.objects.filter(event=event, is_public=True)
    return frozenset(rows.filter(target__permissions="PRIVATE").values_list("pk", flat=True))


def private_among(targets: Sequence[int]) -> frozenset[int]:
    """Return the keys of those of these targets that are private."""
    with connection.cursor() as cursor:
        cursor.execute(PRIVATE, {"targets": array_of(targets)})
        return frozenset(pk for (pk,) in cursor.fetchall())


def read_columns(
    case: Case, *, galaxies: Mapping[str, FloatArray], brightness: Mapping[str, FloatArray]
) -> Columns:
    """Return the inputs of the terms: the facts, the earlier epochs, and what others have read.

    `galaxies` as `tom.ranking.hosts.read_galaxies` returns it, `brightness` as `read_brightness`.
    """
    epochs, age_days, stacked = _earlier_epochs(case)
    sight = case.fact("sight_age_days")
    return Columns(
        has_map=~np.isnan(case.localizations),
        probdensity=case.fact("probdensity"),
        was_looked_up=case.fact("was_looked_up") == 1,
        star_separation_arcsec=case.fact("star_separation_arcsec"),
        star_score=case.fact("star_score"),
        planet_separation_arcsec=case.fact("solar_system_separation_arcsec"),
        epochs=epochs,
        epoch_age_days=age_days,
        sight_age_days=np.where(sight > 0, sight, np.nan),
        stacked=stacked,
        **galaxies,
        **brightness,
    )


class Opinions(NamedTuple):
    """A scorer's opinion of each of n entries at a moment; NaN if it abstained.

    `values` has shape (k, n), for the k classes that were asked for: probabilities or likelihood
    ratios. `sigma` has shape (n,), in natural log odds. `silence` has n reasons for abstaining.
    """

    values: FloatArray
    sigma: FloatArray
    silence: list[str]


def read_opinions(case: Case, spec: ScorerSpec, labels: Sequence[str]) -> Opinions:
    """Read the newest outcome of this version of a scorer on each entry; one query.

    For a list without an event this is the newest outcome for any window: of the newest data, the
    one over all detections comes first.
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
    """Write audiences as one array of texts: much faster to read than 25,000 parameters."""
    known_by = list(audiences)
    texts = {audience: f'"{array_of(audience)}"' for audience in set(known_by)}
    return "{" + ",".join([texts[audience] for audience in known_by]) + "}"


def _earlier_epochs(case: Case) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return each entry's positive 5-sigma epochs before the window, the newest one's age, the sum.

    All have shape (n,); the age is in days before the window. NaN: no window, no epoch (age), or no
    others to add up (the sum).
    """
    n = len(case)
    if case.since is None:
        return np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    count, age, stacked = np.zeros(n), np.full(n, np.nan), np.full(n, np.nan)
    for audience in sorted(set(case.audiences)):
        rows = np.flatnonzero([known_by == audience for known_by in case.audiences])
        targets = case.targets[rows]
        read = partial(_epochs_before, case, audience)
        about = ("epochs before", case.since)
        before = read_anew(case.versions, about, audience, targets, read)
        order = np.argsort(targets)
        found = rows[order][np.searchsorted(targets[order], before[:, 0])]
        count[found], age[found], stacked[found] = before[:, 1:].T
    return count, age, stacked


def _epochs_before(case: Case, audience: Audience, targets: IntArray) -> FloatArray:
    """Return target, the hours with an epoch the audience knows, the newest's age, and the sum."""
    parameters = {
        "targets": array_of(targets.tolist()),
        "programs": list(audience),
        "since": case.since,
        **case.moment.parameters(),
    }
    with connection.cursor() as cursor:
        return read_numbers(cursor, EPOCHS, parameters, ("target_id", "epochs", "age", "stacked"))


# Otherwise the planner goes through 25,000 given targets again for each month of points.
HIDDEN_TARGETS = "ARRAY(SELECT unnest(%(targets)s::bigint[]))"


PRIVATE = f"""
    SELECT id FROM tom_targets_basetarget
    WHERE id = ANY({HIDDEN_TARGETS}) AND permissions = 'PRIVATE'
"""  # noqa: S608  of our own text alone


def _is_stacked(days: float) -> str:
    return f"""
        (p.kind = 'forced' AND NOT {is_strong("p")} AND p.flux_error < 'infinity'
            AND p.time > %(since)s::timestamptz - interval '{days} days')
    """


def _stacked(days: float) -> str:
    # In order: sums in another one would differ in the last bit.
    which = f"ORDER BY p.time, p.survey, p.key) FILTER (WHERE {_is_stacked(days)})"
    weighted, weights = "p.flux / p.flux_error ^ 2", "1 / p.flux_error ^ 2"
    return f"sum({weighted} {which} / sqrt(sum({weights} {which})"


EPOCHS = f"""
    SELECT p.target_id,
        count(DISTINCT date_trunc('hour', p.time)) FILTER (WHERE {is_strong("p")}) AS epochs,
        extract(epoch FROM %(since)s::timestamptz - max(p.time) FILTER (WHERE {is_strong("p")})
            )::float8 / 86400 AS age,
        greatest({", ".join(map(_stacked, STACK_DAYS))}) AS stacked
    FROM (
        SELECT target_id, program_id, survey, kind, key, time, flux, flux_error
        FROM targets_lightcurvepoint
        WHERE target_id = ANY({HIDDEN_TARGETS}) AND time < %(since)s AND {known()}
        UNION ALL
        SELECT target_id, program_id, survey, kind, key, time, flux, flux_error
        FROM targets_replacedpoint
        WHERE target_id = ANY({HIDDEN_TARGETS}) AND time < %(since)s AND {known()}
            AND NOT {known(time="replaced", xact="replaced_by")}
    ) p JOIN targets_program g ON g.id = p.program_id
    WHERE p.kind <> 'limit' AND ({is_strong("p")} OR {_is_stacked(max(STACK_DAYS))})
        AND (g.public OR g.id = ANY(%(programs)s::bigint[]))
    GROUP BY p.target_id
"""  # noqa: S608  of our own text alone
VALUES = "<values>"  # replaced by the columns of the classes that are asked for
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
