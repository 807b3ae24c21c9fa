"""What each term said in the mean of unrelated sources, in the newest lists of events."""

import math
from typing import Final, NamedTuple

from django.db.models import OuterRef, Subquery

from tom.events.models import NonLocalizedEvent
from tom.ranking.models import Ranking

NEWEST: Final = 5  # events


class TermMean(NamedTuple):
    """The mean ratio of a term in an event's list, over so many sources; whether it was divided."""

    event_id: str
    mean: float
    sources: int
    divides: bool


def read_means() -> dict[str, list[TermMean]]:
    """Return by a term's name its means in the lists of the newest events; two queries."""
    ranked = Ranking.objects.filter(event=OuterRef("pk")).order_by("-created", "-pk")
    events = NonLocalizedEvent.objects.order_by("-time", "-pk")[:NEWEST]
    newest = events.annotate(newest=Subquery(ranked.values("pk")[:1])).values_list("newest")
    rows = Ranking.objects.filter(pk__in=[pk for (pk,) in newest]).order_by("-event__time")
    found: dict[str, list[TermMean]] = {}
    for event_id, means in rows.values_list("event__event_id", "basis__means"):
        for name, (log_mean, sources, divides) in (means or {}).items():
            if sources:
                told = TermMean(event_id, math.exp(log_mean), sources, divides)
                found.setdefault(name, []).append(told)
    return found
