"""Which of a scorer's classes speaks of the one that is sought."""

from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.taxonomy import lineage

SOUGHT = "kilonova"
# The kinds whose numbers weigh one class against the others.
WEIGHING = (ScorerKind.PROBABILITY, ScorerKind.LIKELIHOOD_RATIO)


def ranked_class(spec: ScorerSpec, sought: str = SOUGHT) -> str | None:
    """Return the narrowest class of a scorer that holds the sought one; None: it has none.

    A rank or an anomaly says how an object compares, not what it is: such a scorer is shown, and
    never ranked by.
    """
    if spec.kind not in WEIGHING:
        return None
    return next((label for label in lineage(sought) if label in spec.classes), None)
