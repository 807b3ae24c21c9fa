"""Our ranking in the blind benchmark, beside its rivals, as JSON lines: `make benchmark`.

    .venv/bin/python -m tests.evaluation.benchmark --size small --nights 6

Each hard night goes through the intake hour by hour, into an empty database of its own. After each
hour the list is read as the public reads it. `docs/benchmark.md` says what the figures mean.
"""

import argparse
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.database import fresh_database, own_servers
from tests.evaluation.night_hours import by_hour, read_list
from tom.benchmark.__main__ import report
from tom.benchmark.galaxies import Galaxies, listed_light
from tom.benchmark.nights import BLIND_SEEDS, SIZES, Setting, make_hard_night
from tom.benchmark.rankings import Listed, write_rankings

MAPPING = Path(__file__).parent / "hard_galaxies.toml"


def main() -> int:
    """Rank the nights, then print a line for our ranking, one for each rival, and the total."""
    given = _read_arguments()
    setting, lists = SIZES[given.size], []
    with own_servers():
        for seed in range(given.first, given.first + given.nights):
            begun = time.monotonic()
            with fresh_database("hard"), get_context("fork").Pool(1) as pool:
                lists += pool.apply(rank_night, (seed, setting, given.galaxies))
            sys.stderr.write(f"benchmark: night {seed}, {time.monotonic() - begun:.0f} s\n")
    if given.keep:
        write_rankings(lists, given.keep)
    report("ours", lists, setting)
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--nights", type=int, default=6)
    parser.add_argument("--first", type=int, default=BLIND_SEEDS[0], help="the first seed")
    parser.add_argument("--galaxies", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--keep", type=Path, help="a file for our lists")
    return parser.parse_args()


def rank_night(seed: int, setting: Setting, with_galaxies: bool) -> list[Listed]:
    """Send a night through the intake hour by hour; return the list after each.

    Before it, the catalogue of the night's galaxies is loaded, if it is to be there.
    """
    from tests.bench import intake

    made, lists = make_hard_night(seed, setting), []
    if with_galaxies and made.galaxies is not None:
        load_galaxies(made.galaxies)
    for hour, messages in by_hour(made.night()):
        intake.keep(messages)
        intake.work()
        intake.score()
        if hour > 0:
            lists.append(read_list(seed, hour))
    return lists


def load_galaxies(galaxies: Galaxies) -> None:
    """Load the galaxies of a part of the sky, with the completeness that they have there."""
    from tom.galaxies.completeness import EDGES
    from tom.galaxies.loading import load_catalogue
    from tom.galaxies.mapping import read_mapping
    from tom.galaxies.models import Catalogue

    with TemporaryDirectory() as folder:
        path = Path(folder) / "galaxies.csv"
        galaxies.write(path)
        load_catalogue(path, read_mapping(MAPPING), progress=lambda _: None)
    catalogue = Catalogue.objects.get()
    shares = listed_light((EDGES[1:] + EDGES[:-1]) / 2)
    catalogue.completeness["shares"] = shares.tolist()
    catalogue.save()


if __name__ == "__main__":
    sys.exit(main())
