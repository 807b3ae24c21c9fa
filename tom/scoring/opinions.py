"""Which of a scorer's classes match the sought classes."""

from collections.abc import Sequence

from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.taxonomy import lineage

# The kinds whose numbers compare one class with the others.
WEIGHING = (ScorerKind.PROBABILITY, ScorerKind.LIKELIHOOD_RATIO)


def ranked_classes(spec: ScorerSpec, sought: Sequence[str]) -> tuple[str, ...]:
    """Return the scorer's narrowest class around each sought class; () if one is missing.

    A scorer must have a class for each sought one: otherwise it has no opinion on the missing one.
    If one found class contains another, the wider one is kept. A rank or an anomaly compares
    objects, and does not say what an object is: such a scorer is shown, but the ranking does not
    use it.
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
