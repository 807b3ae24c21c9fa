"""Delete a scorer that a person added, or a version of it, with its scores.

Whether a ranking needs them is the caller's to ask.
"""

from tom.scoring.models import CatchUp, DueScore, OwnScorer, OwnVersion, Score, ScorerState
from tom.scoring.rests import alone


def delete_version(version: OwnVersion) -> bool:
    """Delete a version that does not judge; return False if its scorer works at this moment."""
    name = version.scorer.name
    with alone(name) as state:
        if state is None:
            return False
        _delete_scores(name, version)
        version.delete()
    return True


def delete_scorer(scorer: OwnScorer) -> bool:
    """Delete a scorer with all that is kept of it; return False if it works at this moment.

    Its scores go, too: the name may come to another group.
    """
    with alone(scorer.name) as state:
        if state is None:
            return False
        for version in scorer.versions.defer("artefact", "card"):
            _delete_scores(scorer.name, version)
        for rows in (DueScore.objects, CatchUp.objects, ScorerState.objects):
            rows.filter(scorer=scorer.name).delete()
        scorer.delete()
    return True


def _delete_scores(name: str, version: OwnVersion) -> None:
    # The time finds them: the table has an index of it.
    rows = Score.objects.filter(created__gte=version.created)
    rows.filter(scorer=name, version=version.version).delete()
