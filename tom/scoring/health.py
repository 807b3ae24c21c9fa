"""The state of the scorers: how much work waits for each, and why one rests."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from tom.scoring.contract import ScorerSpec
from tom.scoring.models import DueScore, ScorerState
from tom.scoring.opinions import ranked_classes
from tom.scoring.registry import card_of
from tom.scoring.services import scorers
from tom.strategies.models import Strategy
from tom.strategies.services import strategies_of_kinds


@dataclass(frozen=True)
class ScorerHealth:
    """One scorer as its page shows it.

    `weights` has the names of the strategies that use the scorer, by the weight there. `sections`
    has the texts of its model card, by heading.
    """

    spec: ScorerSpec
    weights: dict[float, list[str]]
    waiting: int
    state: ScorerState
    rests: bool
    sections: dict[str, str]


def read_scorers(lists: Iterable[Strategy]) -> list[ScorerHealth]:
    """Return every installed scorer, sorted by name; `lists` are the lists the reader may see."""
    states = {state.scorer: state for state in ScorerState.objects.all()}
    waiting = dict(DueScore.objects.values_list("scorer").annotate(n=Count("pk")).order_by())
    strategies = [*strategies_of_kinds().values(), *lists]
    found = []
    for scorer in sorted(scorers(), key=lambda scorer: scorer.spec.name):
        spec = scorer.spec
        state = states.get(spec.name) or ScorerState(scorer=spec.name)
        found.append(
            ScorerHealth(
                spec=spec,
                weights=weights_of(spec, strategies),
                waiting=waiting.get(spec.name, 0),
                state=state,
                rests=bool(state.rests_until and state.rests_until > timezone.now()),
                sections=card_of(scorer).sections,
            )
        )
    return found


def weights_of(spec: ScorerSpec, strategies: Iterable[Strategy]) -> dict[float, list[str]]:
    """Return the names of the strategies that use a scorer, by its weight there."""
    names: dict[float, list[str]] = defaultdict(list)
    for strategy in strategies:
        weights: dict[str, float] = settings.SCORER_WEIGHTS | strategy.weights
        weight = weights.get(spec.name, 1.0)
        if weight > 0 and ranked_classes(spec, strategy.sought):
            names[weight].append(strategy.name)
    return dict(names)


def scorers_at_fault() -> list[ScorerState]:
    """Return the states of the installed scorers whose last call failed."""
    names = [scorer.spec.name for scorer in scorers()]
    return list(ScorerState.objects.filter(scorer__in=names, failures__gt=0).order_by("scorer"))
