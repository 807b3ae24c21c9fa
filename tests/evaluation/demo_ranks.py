"""Where the kilonova of the demonstration night ranks, seed by seed, as JSON.

    .venv/bin/python -m tests.evaluation.demo_ranks --seeds 10

Each night goes through the intake into an empty database of its own.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.context import ForkContext

from tests.bench.database import fresh_database, own_servers
from tests.evaluation.night_hours import read_chances
from tom.demo.night import latest_merger

TOP = 5


@dataclass(frozen=True)
class Place:
    """The kilonova's place in one night, and what stands above it."""

    seed: int
    rank: int | None
    posterior: float | None
    n_candidates: int
    n_alerts: int
    above: list[str]


def main() -> int:
    """Print a place for each seed, and how many are at the top."""
    arguments = _read_arguments()
    places = []
    with own_servers():
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            with fresh_database("night"), _fork().Pool(1) as pool:
                places.append(pool.apply(find_place, (seed, arguments.merger)))
            sys.stderr.write(f"{places[-1]}\n")
    at_top = sum(place.rank is not None and place.rank <= TOP for place in places)
    report = {
        "merger": arguments.merger.isoformat(),
        f"in_top_{TOP}": at_top,
        "seeds": len(places),
        "places": [asdict(place) for place in places],
    }
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--merger", type=datetime.fromisoformat, default=_merger_of_today())
    return parser.parse_args()


def _merger_of_today() -> datetime:
    """As the demonstration night of today has it."""
    return latest_merger(datetime.now(UTC))


def _fork() -> ForkContext:
    """A process for each night: maps are kept in memory by numbers that are a database's own."""
    return get_context("fork")


def find_place(seed: int, merger: datetime) -> Place:
    """Make the night, send it through the intake, and look up its kilonova."""
    from tests.bench import intake
    from tom.demo.night import make_night

    night = make_night(seed, merger)
    intake.keep(night.messages)
    intake.work()
    intake.score()
    kinds = {row.object_id: row.kind for row in night.truth}
    chances, _none = read_chances()
    names = list(chances)
    kilonova = next(name for name, kind in kinds.items() if kind == "kilonova")
    found = names.index(kilonova) if kilonova in names else None
    return Place(
        seed=seed,
        rank=None if found is None else found + 1,
        posterior=chances.get(kilonova),
        n_candidates=len(names),
        n_alerts=len(night.messages),
        above=[kinds[name] for name in names[:found]],
    )


if __name__ == "__main__":
    sys.exit(main())
