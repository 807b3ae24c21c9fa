"""The filters of an event's list of candidates, as its address says them."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.lookups import Exact, GreaterThan, LessThanOrEqual
from django.http import QueryDict
from tom_targets.models import TargetName

from tom.candidates.models import CandidateStanding, EventCandidate, Vetting
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import Given, kept_query
from tom.targets.search import find_few_by_part
from tom.web.candidate_list import CandidateList
from tom.web.candidate_order import one_of
from tom.web.known import standing_of
from tom.web.news import find_moved
from tom.web.said import FEW, read_said
from tom.web.up_now import find_up
from tom.web.vettings import not_rejected

LONGEST_TEXT = 100
ALL = 2**31  # more than there are


class Chosen(NamedTuple):
    """The candidates that the filters of an address ask for, in no order.

    `is_few`: they are among a few that were read, by what brokers say of them.
    """

    rows: QuerySet[EventCandidate]
    is_few: bool


def choose(listing: CandidateList, query: QueryDict, kept: Collection[int]) -> Chosen:
    """What the filters ask for, and those that stay whatever they say.

    A few that a filter asks for are read now.
    """
    said = read_said(query).of("target", listing.programs)
    few = _few_said(listing, query)
    chosen = (
        _by_verdict(listing, query)
        & _by_region(listing, query)
        & _by_text(listing.event, query)
        & (said if few is None else Q(pk__in=few))
        & _by_news(listing, query)
        & find_up(query.get("up", ""), listing.programs, now=listing.now)
    )
    if kept and chosen:  # no filter at all hides nothing
        chosen |= Q(pk__in=kept)
    return Chosen(listing.each().filter(chosen), few is not None)


def _few_said(listing: CandidateList, query: QueryDict) -> list[int] | None:
    """What brokers say what is asked for of; None: all are asked for, or they are many."""
    said = read_said(query)
    if not said.is_few(listing.programs):
        return None
    # With a limit, however large, the database finds the targets by themselves.
    asked = said.targets(listing.programs)[:ALL]
    return _few(EventCandidate.objects.filter(target__in=asked, event=listing.event))


def _by_verdict(listing: CandidateList, query: QueryDict) -> Q:
    asked = query.get("vetting", "")
    if asked not in Vetting.values:
        return Q() if asked == "all" else not_rejected(listing.vetting)
    vetted = Q(Exact(listing.vetting, asked))
    if asked == Vetting.NEW:  # as most are
        return vetted
    few = _few(EventCandidate.objects.filter(vetted, event=listing.event))
    return vetted if few is None else Q(pk__in=few)


def _by_region(listing: CandidateList, query: QueryDict) -> Q:
    if query.get("region") == "all":
        return Q()
    level = standing_of("credible_level_2d", listing.programs)
    return Q(LessThanOrEqual(level, listing.level_shown)) | Q(pk__in=listing.best)


def _by_text(event: NonLocalizedEvent, query: QueryDict) -> Q:
    """What has a text in its name. A few are read first: in order of rank each would be tried."""
    text = query.get("q", "").strip()[:LONGEST_TEXT]
    if not text:
        return Q()
    # Of each candidate its own aliases: the table holds those of all targets.
    aliases = TargetName.objects.filter(target=OuterRef("target"), name__icontains=text)
    named = Q(target__name__icontains=text) | Q(target__summary__host_name__icontains=text)
    named |= Q(Exists(aliases))
    rows = EventCandidate.objects.filter(event=event)
    targets = find_few_by_part(text)
    rows = rows.filter(named) if targets is None else rows.filter(target__in=one_of(targets))
    few = _few(rows)
    return named if few is None else Q(pk__in=few)


def _by_news(listing: CandidateList, query: QueryDict) -> Q:
    since, asked = listing.since, query.get("since", "")
    if since is None or asked not in ("new", "moved"):
        return Q()
    is_new = _is_new(listing, since)
    if asked == "new":
        return is_new
    moved = find_moved(listing.event, listing.user, when=since)
    return is_new if moved is None else is_new | Q(pk__in=moved)


def _is_new(listing: CandidateList, since: datetime) -> Q:
    """What came since. A few are read first, as of a text."""
    is_new = Q(GreaterThan(standing_of("created", listing.programs), since))
    came = {"event": listing.event.pk, "since": since}
    few = _if_few(_came(FEW, **came))
    told = _if_few(_were_told(FEW, **came)) if listing.programs else []
    return is_new if few is None or told is None else is_new & Q(pk__in={*few, *told})


@kept_query
def _came(few: int, *, event: Given, since: Given) -> QuerySet[EventCandidate, Any]:
    rows = EventCandidate.objects.filter(event=event, created__gt=since)
    return rows.values_list("pk", flat=True)[: few + 1]


@kept_query
def _were_told(few: int, *, event: Given, since: Given) -> QuerySet[CandidateStanding, Any]:
    rows = CandidateStanding.objects.filter(event=event, created__gt=since)
    return rows.values_list("candidate", flat=True)[: few + 1]


def _few(rows: QuerySet[EventCandidate]) -> list[int] | None:
    """The keys of few candidates; None: they are more."""
    return _if_few(list(rows.values_list("pk", flat=True)[: FEW + 1]))


def _if_few(keys: list[int]) -> list[int] | None:
    return keys if len(keys) <= FEW else None
