"""The mean ratio of each term of a ranking over unrelated sources: it should be 1.

Of the list of a demonstration night, over all candidates but the kilonova. `night_hours` prints it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tom.ranking.means import JOINTLY

BOOTSTRAPS = 300
PLACE = ("sky map", "distance")  # against sources of the whole sky, and known of few
Row = dict[str, tuple[float, float]]


def read_ratios(kilonova: str) -> list[Row]:
    """Each unrelated candidate's log ratios by term, as ranked, and before the mean was taken out.

    A term that is missing is left out.
    """
    from tom.ranking.models import RankedCandidate
    from tom.ranking.services import newest_ranking

    places = RankedCandidate.objects.newest().filter(programs=[]).select_related("ranking__event")
    rows = list(places.exclude(candidate__target__name=kilonova))
    ranking = newest_ranking(rows[0].ranking.event)
    means = {name: mean for name, (mean, _, divides) in ranking.basis["means"].items() if divides}
    divided = {JOINTLY: (-means[JOINTLY], 0.0)}  # it multiplies “none of these” instead
    return [
        divided
        | {
            term["name"]: (term["log_lr"], term["log_lr"] + means.get(term["name"], 0.0))
            for term in place.read_terms()
            if not term["missing"]
        }
        for place in rows
    ]


def mean_ratios(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """The mean ratio of each term, and of all but those of place together, with its error.

    The error is of bootstraps over candidates.
    """
    names = list(dict.fromkeys(name for row in rows for name in row if name != JOINTLY))
    logs = {name: np.array([row[name] for row in rows if name in row]) for name in names}
    logs["jointly"] = np.array(
        [
            [sum(pair[at] for name, pair in row.items() if name not in PLACE) for at in (0, 1)]
            for row in rows
        ]
    )
    return {name: _told(np.exp(pairs)) for name, pairs in logs.items()}


def _told(ratios: np.ndarray[Any, Any]) -> dict[str, Any]:
    random = np.random.default_rng(1)
    again = ratios[random.integers(0, len(ratios), (BOOTSTRAPS, len(ratios)))].mean(1)
    (mean, before), (error, _) = ratios.mean(0).tolist(), again.std(0).tolist()
    return {
        "n": len(ratios),
        "mean_ratio": round(mean, 3),
        "error": round(error, 3),
        "before": round(before, 3),
    }
