"""What the numbers of scores are: chances of classes, the tags of a filter, ratios or ranks."""

from collections.abc import Sequence
from typing import Final

from tom.scoring.contract import ScorerKind
from tom.scoring.models import OwnKind, OwnScorer, Score
from tom.scoring.own import PREFIX
from tom.scoring.services import scorers

CHANCES: Final = "chances"
NUMBERS: Final = "numbers"
TAGS: Final = "tags"


def show_kinds(scores: Sequence[Score]) -> None:
    """Give each score `numbers_are`, one of the above, and `tags`: those that a filter gave.

    What a scorer that is gone said counts as chances, as most do.
    """
    kinds = {each.spec.name: _kind(each.spec.kind) for each in scorers()}
    if any(score.scorer.startswith(PREFIX) for score in scores):
        kinds |= _own_kinds({score.scorer for score in scores})
    for score in scores:
        score.numbers_are = kinds.get(score.scorer, CHANCES)  # type: ignore[attr-defined]
        given = score.probability or {}
        score.tags = [name for name, value in given.items() if value]  # type: ignore[attr-defined]


def _own_kinds(names: set[str]) -> dict[str, str]:
    rows = OwnScorer.objects.filter(name__in=names, in_force__isnull=False)
    told = rows.values_list("name", "kind", "in_force__spec__kind")
    return {name: TAGS if own == OwnKind.FILTER else _kind(kind) for name, own, kind in told}


def _kind(kind: str) -> str:
    return CHANCES if kind == ScorerKind.PROBABILITY else NUMBERS
