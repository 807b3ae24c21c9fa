"""What is new to a person in an event's list: where the candidates stood at their last look."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.scoring.models import Ranking
from tom.web.known import known_places, programs_of


def ranks_at(
    event: NonLocalizedEvent,
    candidates: Sequence[EventCandidate],
    user: User,
    *,
    when: datetime | None,
) -> dict[int, int]:
    """The rank that each candidate had at a moment, among those that the user may see now.

    By what the user knows of them: ranks among all would tell of the others.
    """
    if when is None:
        return {}
    rankings = Ranking.objects.filter(event=event, created__lte=when).order_by("-created", "-pk")
    then = rankings.first()
    if then is None:
        return {}
    seen = EventCandidate.objects.visible_to(user).filter(event=event)
    places = known_places(programs_of(user)).filter(ranking=then, candidate__in=seen)
    ranks = dict(places.distinct("candidate").values_list("candidate_id", "rank"))
    order = sorted(ranks.values())
    shown = (row.pk for row in candidates if row.pk in ranks)
    return {pk: bisect_left(order, ranks[pk]) + 1 for pk in shown}
