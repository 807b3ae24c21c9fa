"""The mean ratio of each term of the ranking over unrelated sources: it should be 1.

    .venv/bin/python -m tests.evaluation.term_ratios --seeds 3

Each demonstration night goes through the intake into an empty database of its own. A line of the
answer is one term: the mean over all candidates but the kilonova, for which it is known, its error
(of 300 bootstraps over candidates) and in how many it is missing. A term of place on the map has no
such mean: it is against sources of the whole sky. "jointly" is the product of the others.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import numpy as np

from tests.bench.database import fresh_database, own_servers
from tom.demo.night import latest_merger

BOOTSTRAPS = 300
PLACE = "sky map"


def main() -> int:
    """Print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--merger", type=datetime.fromisoformat, default=None)
    given = parser.parse_args()
    merger = given.merger or latest_merger(datetime.now(UTC))
    rows: list[dict[str, float | None]] = []
    with own_servers():
        for seed in range(given.first, given.first + given.seeds):
            with fresh_database("night"), get_context("fork").Pool(1) as pool:
                rows += pool.apply(read_night, (seed, merger))
    for line in summarise(rows):
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


def read_night(seed: int, merger: datetime) -> list[dict[str, float | None]]:
    """Send a night through the intake; return the log ratios of each candidate but the kilonova."""
    from tests.bench import intake
    from tom.demo.night import make_night
    from tom.ranking.models import RankedCandidate

    night = make_night(seed, merger)
    intake.keep(night.messages)
    intake.work()
    intake.score()
    kilonova = next(row.object_id for row in night.truth if row.kind == "kilonova")
    places = RankedCandidate.objects.newest().filter(programs=[]).select_related("ranking")
    return [
        {term["name"]: None if term["missing"] else term["log_lr"] for term in place.read_terms()}
        for place in places.exclude(candidate__target__name=kilonova)
    ]


def summarise(rows: Sequence[dict[str, float | None]]) -> list[dict[str, Any]]:
    """The mean ratio of each term, and of all but the place on the map together."""
    random = np.random.default_rng(1)
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [_line(name, [row.get(name) for row in rows], random) for name in names]
    together = [
        sum(value or 0.0 for name, value in row.items() if name not in (PLACE, "distance"))
        for row in rows
    ]
    return [*lines, _line("jointly", together, random)]


def _line(name: str, logs: Sequence[float | None], random: np.random.Generator) -> dict[str, Any]:
    known = np.exp([value for value in logs if value is not None])
    if not len(known):
        return {"term": name, "n": 0, "missing": len(logs)}
    again = known[random.integers(0, len(known), (BOOTSTRAPS, len(known)))].mean(1)
    return {
        "term": name,
        "n": len(known),
        "missing": len(logs) - len(known),
        "mean_ratio": round(float(known.mean()), 3),
        "error": round(float(again.std()), 3),
    }


if __name__ == "__main__":
    sys.exit(main())
