"""What differs between two maps of an event: figures, what the messages say, and candidates."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tom.candidates.models import EventCandidate
from tom.events.localizations import skymap_of
from tom.events.models import EventLocalization, EventSequence
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.weighing import read_terms
from tom.sky import MapDifference, compare_maps, healpix29, levels_2d
from tom.web.candidate_list import CandidateList
from tom.web.candidate_rows import read_candidates
from tom.web.chances import scale_then
from tom.web.known import known_places, rank_visible
from tom.web.news import first_ranks
from tom.web.reasons import Reason, moved_terms
from tom.web.templatetags.sky import ranked_classes

# Candidates that are among so many first places in one of the two rankings are compared.
MOST_COMPARED = 100
ROWS_SHOWN = 50


@dataclass(frozen=True)
class Side:
    """One of two maps: its message, the last ranking that used it, and the ranks in that."""

    use: EventLocalization
    message: EventSequence | None
    ranking: Ranking | None
    ranks: Mapping[int, int]


@dataclass(frozen=True)
class Standing:
    """A candidate's chance in one ranking, and the terms of which it is made."""

    chance: float | None
    terms: list[dict[str, Any]]


@dataclass(frozen=True)
class Place:
    """A candidate by one of the maps; None: not known, or not among the first places."""

    rank: int | None
    chance: float | None
    level: float | None


@dataclass(frozen=True)
class Moved:
    """A candidate by both maps.

    `steps` says how far it rose, below 0: fell; 0: it stayed, or there is no ranking by one map.
    """

    candidate: EventCandidate
    before: Place
    after: Place
    steps: float
    reason: Reason | None


def open_side(use: EventLocalization, listing: CandidateList) -> Side:
    """Read what one map's message said, and how the candidates stood by it."""
    event = listing.event
    message = event.sequences.filter(localization=use).order_by("number").first()
    rankings = Ranking.objects.filter(event=event, localization=use)
    ranking = rankings.order_by("-created", "-pk").first()
    ranks = {} if ranking is None else first_ranks(ranking, listing.user, most=MOST_COMPARED)
    return Side(use, message, ranking, ranks)


def compare_sides(before: Side, after: Side) -> MapDifference:
    """Compare the two maps themselves."""
    maps = (skymap_of(side.use.localization_id) for side in (before, after))
    return compare_maps(*maps)


def find_classes(before: Side, after: Side) -> list[tuple[str, float | None, float | None]]:
    """Every class and property that a message gives a chance: its name, before and after.

    First the classes, the likeliest by the later message first, then the properties.
    """
    told = [_chances(side) for side in (before, after)]
    names = dict.fromkeys(name for each in reversed(told) for name in each)
    return [(name, told[0].get(name), told[1].get(name)) for name in names]


def find_moved(before: Side, after: Side, listing: CandidateList) -> list[Moved]:
    """The candidates that moved most between the rankings by the two maps, at most `ROWS_SHOWN`.

    Those that did not move come after them, in the order of the later ranking. Without a ranking by
    either map, the first of the present list.
    """
    keys = {*before.ranks, *after.ranks} or set(listing.spots)
    rows = rank_visible(read_candidates(list(keys)), listing.user)
    one, other = (_read_ranking(side, keys, listing) for side in (before, after))
    earlier, later = (_levels(side, rows) for side in (before, after))
    both = before.ranking is not None and after.ranking is not None
    moved = [
        Moved(
            candidate=row,
            before=_place(row.pk, before, one, earlier),
            after=_place(row.pk, after, other, later),
            steps=_steps(before.ranks.get(row.pk), after.ranks.get(row.pk)) if both else 0.0,
            reason=_reason(one.get(row.pk), other.get(row.pk)),
        )
        for row in rows
    ]
    return sorted(moved, key=_most_moved)[:ROWS_SHOWN]


def _most_moved(row: Moved) -> tuple[float, float, float, str]:
    """From the 1st to the 3rd place is farther than from the 81st to the 83rd."""
    present = row.candidate.rank or math.inf
    return -abs(row.steps), row.after.rank or math.inf, present, row.candidate.target.name


def _steps(before: int | None, after: int | None) -> float:
    """How far a candidate rose; a place that is not among the first counts as the next one."""
    if before is None and after is None:
        return 0.0
    beyond = MOST_COMPARED + 1
    return math.log((before or beyond) / (after or beyond))


def _chances(side: Side) -> dict[str, float]:
    told = (side.message.details.get("event") or {}) if side.message else {}
    parts = [ranked_classes(told.get(part)) for part in ("classification", "properties")]
    return {name: chance for part in parts for name, chance in part}


def _levels(side: Side, rows: Sequence[EventCandidate]) -> dict[int, float]:
    places = [
        (row.pk, row.target.ra, row.target.dec)
        for row in rows
        if row.target.ra is not None and row.target.dec is not None
    ]
    if not places:
        return {}
    keys, ra, dec = zip(*places, strict=True)
    levels = levels_2d(skymap_of(side.use.localization_id), healpix29(ra, dec)).tolist()
    return {pk: level for pk, level in zip(keys, levels, strict=True) if not math.isnan(level)}


def _read_ranking(side: Side, keys: Iterable[int], listing: CandidateList) -> dict[int, Standing]:
    """How each candidate stood in a side's ranking, as the reader knows it."""
    if side.ranking is None:
        return {}
    stood = RankedCandidate.objects.as_of(side.ranking).filter(candidate__in=list(keys))
    rows = known_places(stood, listing.programs).distinct("candidate")
    scale = scale_then(side.ranking, listing.user)
    columns = rows.values_list("candidate_id", "log_weight", "ranking__layout", "terms")
    return {
        pk: Standing(scale.chance(weight), read_terms(layout, kept))
        for pk, weight, layout, kept in columns
    }


def _place(
    pk: int, side: Side, standings: Mapping[int, Standing], levels: Mapping[int, float]
) -> Place:
    standing = standings.get(pk)
    return Place(side.ranks.get(pk), standing.chance if standing else None, levels.get(pk))


def _reason(before: Standing | None, after: Standing | None) -> Reason | None:
    """Find the term that moved most; None: one ranking has no place, or nothing moved."""
    if before is None or after is None:
        return None
    return next(iter(moved_terms(before.terms, after.terms)), None)
