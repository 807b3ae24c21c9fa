"""Exploration: each night some members of a list are drawn at random, whatever their rank.

Who looks only at the first of a list learns only of objects that the list likes: classes from such
objects tell nothing of the rest. A share of each night's looks goes to members that are drawn at
random, each by itself and all with one chance, the propensity (Poisson sampling). What is found out
of them stands for the whole list, if each counts by one over its propensity (Horvitz & Thompson
1952, https://doi.org/10.1080/01621459.1952.10483446). A number in 0 to 1 is made of the night's
seed and the target's key: so a draw can be repeated.

Only public targets with public points are drawn: everybody may look at them.
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from tom_targets.base_models import BaseTarget

from tom.ranking.drawn import Drawn, Exploration
from tom.ranking.models import Listing, RankedCandidate
from tom.strategies.models import Strategy
from tom.streams.rules import night_of

LOOKS: Final = 30
"""So many members of a list are looked at in a night: its first page. A share of them is drawn."""


def draw_if_due(strategy: Strategy, now: datetime) -> Exploration | None:
    """Draw members of a strategy's newest list, once a night; None: none are due.

    A list without a public member is left for its next ranking.
    """
    night = night_of(now)
    if not strategy.explore or Exploration.objects.filter(strategy=strategy, night=night).exists():
        return None
    places = RankedCandidate.objects.newest().of(Listing(None, strategy)).filter(programs=[])
    public = places.exclude(target__permissions=BaseTarget.Permissions.PRIVATE)
    members = list(public.values_list("target_id", flat=True))
    if not members:
        return None
    propensity = min(1.0, strategy.explore * LOOKS / len(members))
    with transaction.atomic():
        made, is_new = Exploration.objects.get_or_create(
            strategy=strategy,
            night=night,
            defaults={
                "propensity": propensity,
                "members": len(members),
                "seed": secrets.token_hex(8),
                "created": now,
            },
        )
        if not is_new:
            return None  # another worker drew
        chosen = draw(members, seed=made.seed, propensity=propensity)
        Drawn.objects.bulk_create(Drawn(exploration=made, target_id=pk) for pk in chosen)
    return made


def draw(members: Collection[int], *, seed: str, propensity: float) -> list[int]:
    """Draw each of some targets, by their keys, with this chance (0 to 1), by itself."""
    return [pk for pk in members if order_of_draw(seed, pk) < propensity]


def order_of_draw(seed: str, target: int) -> float:
    """Return a number from 0 to below 1 that a seed and a target's key always make.

    Whose number is below the propensity is drawn. So those drawn stand in no order but chance's.
    """
    digest = hashlib.sha256(f"{seed}:{target}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2.0**48


def drawn_weights(targets: Sequence[int]) -> list[float]:
    """Return for how many places of lists in a night each of these targets stands; 0: none drew it.

    A target that was drawn in several nights, or lists, counts by one over the propensity of each.
    """
    weights: dict[int, float] = defaultdict(float)
    rows = Drawn.objects.filter(target__in=set(targets))
    for target, propensity in rows.values_list("target_id", "exploration__propensity"):
        weights[target] += 1 / propensity
    return [weights.get(target, 0.0) for target in targets]
