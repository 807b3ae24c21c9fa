"""Verdicts as pages show them: who decided what on a candidate, and the bar of the target page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate, Verdict, VerdictReason
from tom.kept_queries import AnyOf, Given, kept_query
from tom.web.candidate_list import MOST_LISTED, open_list
from tom.web.candidate_rows import (
    ROWS_SHOWN,
    Listed,
    target_url,
)
from tom.web.candidate_search import find_first
from tom.web.kept_rows import rows_kept
from tom.web.keys import read_pk
from tom.web.known import rank_visible
from tom.web.vettings import verdict_of, verdicts_on

# So far from its place in the list a candidate is looked for, where the list has changed.
NEAR = 50

REASONS = [
    (str(number), value, label) for number, (value, label) in enumerate(VerdictReason.choices, 1)
]
# Each has the same key as in an event's list.
REASONS_WITHOUT_EVENT = [each for each in REASONS if not VerdictReason(each[1]).needs_event]


@dataclass(frozen=True)
class Neighbour:
    """The candidate before or after in the list one came from."""

    name: str
    url: str


@dataclass(frozen=True)
class VerdictBar:
    """What the target page offers for one event: verdicts, and the way through the list."""

    candidate: EventCandidate
    listed: Listed
    said: list[Verdict]
    mine: str
    before: Neighbour | None
    after: Neighbour | None
    back: str


def read_listed(values: QueryDict) -> Listed:
    """The list in which a candidate was opened and its place there, as its page's address says."""
    return Listed(values.get("list", "")[:1000], read_pk(values.get("at", "")) or 0)


def verdict_bar(
    request: HttpRequest, target: BaseTarget, user: User, *, shown: Iterable[EventCandidate] = ()
) -> dict[str, Any]:
    """The bar for the event that the address names, else for the target's newest.

    Of `shown`, candidacies of the page as the user knows them, the newest first, none is read or
    ranked again.
    """
    named = request.GET.get("event", "")
    known = (row for row in shown if named in ("", row.event.event_id))
    candidate = next(known, None) or _read_newest(target, named, user)
    if candidate is None:
        return {"bar": None, "reasons": REASONS}
    bar = make_bar(request, candidate, read_listed(request.GET), user)
    return {"bar": bar, "reasons": REASONS}


def _read_newest(target: BaseTarget, named: str, user: User) -> EventCandidate | None:
    """The target's newest candidacy, of the named event if one is named, as the user knows it."""
    rows = EventCandidate.objects.visible_to(user).filter(target=target)
    if named:
        rows = rows.filter(event__event_id=named)
    joined = rows.select_related("event", "target", "vetted_by")
    newest = joined.order_by("-event__time", "event__event_id")[:1]
    return next(iter(rank_visible(newest, user)), None)


def make_bar(
    request: HttpRequest, candidate: EventCandidate, listed: Listed, user: User
) -> VerdictBar:
    """Gather what the bar shows of a candidate, given as `rank_visible` gives it to the user."""
    said = verdicts_on([candidate], user)[candidate.pk]
    before, after, at = _neighbours(request, candidate, listed, user)
    query = QueryDict(listed.query, mutable=True)
    if at >= ROWS_SHOWN:
        query["page"] = str(at // ROWS_SHOWN + 1)
    page = reverse("event", args=[candidate.event.event_id])
    return VerdictBar(
        candidate=candidate,
        listed=listed,
        said=said,
        mine=verdict_of(said, user),
        before=before,
        after=after,
        back=f"{page}?{query.urlencode()}#candidate-{candidate.pk}",
    )


def _neighbours(
    request: HttpRequest, candidate: EventCandidate, listed: Listed, user: User
) -> tuple[Neighbour | None, Neighbour | None, int]:
    """What stands before and after, and where the candidate stands now.

    A candidate that left the list has its place between its former neighbours.
    """
    event, query = candidate.event, QueryDict(listed.query)
    kept = rows_kept(request, event.pk, query)
    at = min(listed.at, MOST_LISTED)
    listing = open_list(event, user, now=timezone.now())
    keys = find_first(listing, query, most=at + NEAR, kept=kept)
    is_there = candidate.pk in keys[max(at - NEAR, 0) :]
    here = keys.index(candidate.pk) if is_there else min(at, len(keys))
    asked = [here - 1, here + 1 if is_there else here]
    before, after = _neighbours_at(asked, keys, event.event_id, listed)
    return before, after, here


def _neighbours_at(
    places: Sequence[int], keys: Sequence[int], event_id: str, listed: Listed
) -> list[Neighbour | None]:
    """What stands at each of these places of a list; None where it has no such place."""
    held = {place: keys[place] for place in places if 0 <= place < len(keys)}
    rows = {row.pk: row.target for row in _with_targets(keys=list(held.values()))}
    found = {place: rows[pk] for place, pk in held.items()}
    return [
        Neighbour(
            found[place].name, target_url(found[place].pk, event_id, Listed(listed.query, place))
        )
        if place in found
        else None
        for place in places
    ]


@kept_query
def _with_targets(*, keys: Given) -> QuerySet[EventCandidate]:
    return EventCandidate.objects.filter(AnyOf("pk", keys)).select_related("target")
