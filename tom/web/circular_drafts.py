"""Which candidates a circular or a report is offered, for pages and the API."""

from collections.abc import Collection, Sequence

from django.contrib.auth.models import User
from django.utils import timezone

from tom.candidates.models import EventCandidate, Vetting
from tom.events.models import NonLocalizedEvent
from tom.web.candidate_list import open_list
from tom.web.candidate_rows import read_candidates
from tom.web.known import rank_visible

OFFERED = 40


def offer_candidates(event: NonLocalizedEvent, user: User) -> list[EventCandidate]:
    """The likeliest candidates that the user may see and nobody rejected."""
    best = open_list(event, user, now=timezone.now()).spots[:OFFERED]
    return list(rank_visible(read_candidates(best), user))


def promising(shown: Sequence[EventCandidate]) -> set[int]:
    """The keys of those that are ticked at first."""
    return {row.pk for row in shown if row.vetting == Vetting.PROMISING}


def chosen_of(event: NonLocalizedEvent, user: User, keys: Collection[int]) -> list[EventCandidate]:
    """Those of the keys that are candidates the user may see and nobody rejected."""
    rows = open_list(event, user, now=timezone.now()).not_rejected().filter(pk__in=keys)
    return list(rows.select_related("target", "target__summary", "event"))
