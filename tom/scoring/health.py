"""How the scorers do: what waits for each, and why one rests."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from tom.scoring.contract import ScorerSpec
from tom.scoring.models import DueScore, ScorerState
from tom.scoring.opinions import ranked_class
from tom.scoring.registry import card_of
from tom.scoring.services import scorers


@dataclass(frozen=True)
class ScorerHealth:
    """One scorer as its page shows it.

    `weight` is None where the ranking does not go by it; `sections` is its model card.
    """

    spec: ScorerSpec
    weight: float | None
    waiting: int
    state: ScorerState
    rests: bool
    sections: dict[str, str]


def read_scorers() -> list[ScorerHealth]:
    """Every scorer that is there, by its name."""
    states = {state.scorer: state for state in ScorerState.objects.all()}
    waiting = dict(DueScore.objects.values_list("scorer").annotate(n=Count("pk")).order_by())
    found = []
    for scorer in sorted(scorers(), key=lambda scorer: scorer.spec.name):
        spec = scorer.spec
        state = states.get(spec.name) or ScorerState(scorer=spec.name)
        found.append(
            ScorerHealth(
                spec=spec,
                weight=settings.SCORER_WEIGHTS.get(spec.name, 1.0) if ranked_class(spec) else None,
                waiting=waiting.get(spec.name, 0),
                state=state,
                rests=bool(state.rests_until and state.rests_until > timezone.now()),
                sections=card_of(scorer).sections,
            )
        )
    return found


def scorers_at_fault() -> list[ScorerState]:
    """The scorers that are there and whose last call ended their process."""
    names = [scorer.spec.name for scorer in scorers()]
    return list(ScorerState.objects.filter(scorer__in=names, failures__gt=0).order_by("scorer"))
