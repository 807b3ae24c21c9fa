"""Store rankings: the places that changed, and the newest ranks in the rows that pages read."""

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.locks import hold_events
from tom.events.models import NonLocalizedEvent
from tom.ranking.case import Case
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.pooling import Posterior
from tom.ranking.weighing import IntArray
from tom.targets.copy import Table, array_of, copy_lines, copy_rows, line_of
from tom.targets.models import Audience

Key = tuple[int, Audience]
# Odd numbers without a pattern: a fingerprint is a hash, not a secret.
_STIR = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


def fingerprints(posterior: Posterior) -> IntArray:
    """Return an int64 hash of all terms of each candidate, shape (n,)."""
    total = np.zeros(len(posterior), np.uint64)
    for term in posterior.terms:
        total = _stir(total, np.uint64(zlib.crc32(term.name.encode())))
        for column in (term.log_lr, term.low, term.high, term.value):
            total = _stir(total, np.ascontiguousarray(column, float).view(np.uint64))
        total = _stir(total, term.missing.astype(np.uint64))
        total = _stir(total, term.mark.view(np.uint64))
    return _stir(total, posterior.log_weight.view(np.uint64)).view(np.int64)


def _stir(total: npt.NDArray[np.uint64], value: npt.ArrayLike) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        mixed = (total ^ np.asarray(value, np.uint64)) * _STIR[0]
        return np.asarray((mixed ^ (mixed >> np.uint64(29))) * _STIR[1], np.uint64)


class Moves(NamedTuple):
    """What a new ranking changes: the rows with a new place, and the keys of places that end."""

    rows: Sequence[int]
    ended: Sequence[int]


def moves(case: Case, posterior: Posterior) -> Moves:
    """Compare each row's evidence with its valid place; places of members that left end, too."""
    stands = _standing_places(case.listing)
    rows, ended = [], []
    keys = zip(case.members.tolist(), case.audiences, strict=True)
    for row, (key, mark) in enumerate(zip(keys, fingerprints(posterior).tolist(), strict=True)):
        pk, fingerprint = stands.pop(key, (None, None))
        if fingerprint != mark:
            rows.append(row)
            ended += [] if pk is None else [pk]
    return Moves(rows, ended + [pk for pk, _ in stands.values()])


def _standing_places(listing: Listing) -> dict[Key, tuple[int, int]]:
    """Return the key and fingerprint of each place that is valid now, by member and audience."""
    rows = RankedCandidate.objects.newest().of(listing)
    columns = rows.values_list(listing.member_column, "programs", "pk", "fingerprint")
    return {
        (member, tuple(programs)): (pk, fingerprint)
        for member, programs, pk, fingerprint in columns.iterator()
    }


def keep(ranking: Ranking, case: Case, posterior: Posterior, moved: Moves) -> bool:
    """Store a ranking, the places that moved, and the ranks in the rows that pages read.

    Call it in a transaction. Returns False, and stores nothing, if a member no longer exists.
    """
    event = ranking.event
    if event is not None:
        hold_events()
        if not _lock_candidates(event) >= set(case.members.tolist()):
            return False  # two targets were joined meanwhile: this made the event due again
    ranking.save()
    RankedCandidate.objects.filter(pk__in=moved.ended).update(until=ranking)
    columns = (ranking.listing.owner_column, ranking.listing.member_column, *PLACES)
    with connection.cursor() as cursor:
        places = _places(ranking, case, posterior, moved.rows)
        copy_lines(cursor, "ranking_rankedcandidate", columns, places)
        if event is not None:
            copy_rows(cursor, RANKS, ())
            copy_lines(cursor, RANKS.name, list(RANKS.columns), _ranks(case, posterior))
            for statement in (COPY_RANKS, COPY_NARROWER_RANKS):
                cursor.execute(statement)
    Ranking.objects.filter(pk=ranking.pk).update(published=timezone.now())
    publish(Topic.RANKING, ranking.listing.key)
    return True


def _lock_candidates(event: NonLocalizedEvent) -> set[int]:
    """Lock the candidates in the same order as matching: no deadlock. Return their keys."""
    rows = event.candidates.select_for_update(no_key=True).order_by("target_id")
    return set(rows.values_list("pk", flat=True))


def _places(
    ranking: Ranking, case: Case, posterior: Posterior, moved: Sequence[int]
) -> Iterator[str]:
    """Yield a line for each moved place: owner, member, and `PLACES`."""
    at = np.asarray(moved, np.int64)
    figures = (posterior.log_weight, posterior.low, posterior.high)
    columns = (case.members, *figures, fingerprints(posterior))
    values = zip(*(column[at].tolist() for column in columns), strict=True)
    texts = zip(*(term.texts(moved) for term in posterior.terms), strict=True)
    owner, pk = str(getattr(ranking, ranking.listing.owner_column)), str(ranking.pk)
    audiences = _audience_texts(case)
    for row, terms, (member, *numbers) in zip(moved, texts, values, strict=True):
        who = (owner, str(member), pk, audiences[row])
        yield line_of(*who, *map(repr, numbers), f"[{','.join(terms)}]")


def _ranks(case: Case, posterior: Posterior) -> Iterator[str]:
    """Yield the lines of the table `RANKS`."""
    order, audiences = posterior.order(), _audience_texts(case)
    columns = (order, case.members[order])
    figures = (posterior.log_weight, posterior.low, posterior.high)
    weights = (column[order] for column in figures)
    values = zip(*(column.tolist() for column in (*columns, *weights)), strict=True)
    for rank, (row, member, weight, low, high) in enumerate(values, start=1):
        yield f"{member}\t{audiences[row]}\t{rank}\t{weight!r}\t{low!r}\t{high!r}\n"


def _audience_texts(case: Case) -> list[str]:
    """Return the audience of each entry as a PostgreSQL array."""
    texts = {audience: array_of(audience) for audience in set(case.audiences)}
    return [texts[audience] for audience in case.audiences]


PLACES = (
    *("ranking_id", "programs", "log_weight", "log_weight_low"),
    *("log_weight_high", "fingerprint", "terms"),
)
RANKS = Table(
    "new_ranks",
    {
        "member": "bigint",
        "programs": "bigint[]",
        "rank": "integer",
        "log_weight": "float8",
        "log_weight_low": "float8",
        "log_weight_high": "float8",
    },
)
# Only rows with other values are written: more writes would slow pages and indexes.
COPY_RANKS = """
    UPDATE candidates_eventcandidate c
    SET rank = r.rank, log_weight = r.log_weight, log_weight_low = r.log_weight_low,
        log_weight_high = r.log_weight_high
    FROM new_ranks r
    WHERE c.id = r.member AND r.programs = '{}'
        AND (c.rank, c.log_weight, c.log_weight_low, c.log_weight_high)
            IS DISTINCT FROM (r.rank, r.log_weight, r.log_weight_low, r.log_weight_high)
"""
COPY_NARROWER_RANKS = """
    UPDATE candidates_candidatestanding k
    SET rank = r.rank, log_weight = r.log_weight, log_weight_low = r.log_weight_low,
        log_weight_high = r.log_weight_high
    FROM new_ranks r
    WHERE r.programs <> '{}' AND k.candidate_id = r.member AND k.programs = r.programs
        AND (k.rank, k.log_weight, k.log_weight_low, k.log_weight_high)
            IS DISTINCT FROM (r.rank, r.log_weight, r.log_weight_low, r.log_weight_high)
"""
