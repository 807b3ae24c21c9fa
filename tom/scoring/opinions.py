"""Which of a scorer's classes match the sought classes."""

from collections.abc import Sequence

from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.taxonomy import lineage

# The kinds whose numbers weigh one class against the others.
WEIGHING = (ScorerKind.PROBABILITY, ScorerKind.LIKELIHOOD_RATIO)


def ranked_classes(spec: ScorerSpec, sought: Sequence[str]) -> tuple[str, ...]:
    """Return the narrowest class of a scorer that contains each sought one; (): it lacks one.

    It must speak of each sought class: one that knows some of them alone says nothing of the
    others. Of two that it found, one within the other, the wider is kept. A rank or an anomaly says
    how an object compares, not what it is: such a scorer is shown, and never ranked by.
    """
    if spec.kind not in WEIGHING:
        return ()
    found = [_narrowest(spec, label) for label in sought]
    labels = tuple(dict.fromkeys(label for label in found if label is not None))
    if None in found:
        return ()
    return tuple(one for one in labels if not set(lineage(one)) & (set(labels) - {one}))


def _narrowest(spec: ScorerSpec, label: str) -> str | None:
    return next((wider for wider in lineage(label) if wider in spec.classes), None)
