"""Take part in the blind benchmark: `python -m tom.benchmark write` and `... score`.

`docs/benchmark.md` says how.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tom.benchmark.nights import BLIND_SEEDS, SIZES, Setting, make_hard_night
from tom.benchmark.rankings import BadRankingError, Listed, read_rankings
from tom.benchmark.report import compare, summarise
from tom.benchmark.rivals import rank_by_all
from tom.benchmark.scores import (
    Answer,
    MissingNightError,
    UnknownNameError,
    answer_of,
    check_names,
    score,
)
from tom.demo.folder import write_messages


def main(arguments: Sequence[str] | None = None) -> int:
    """Write nights, or score a ranking of them."""
    given = _read_arguments(arguments)
    try:
        if given.what == "write":
            write_night(given.seed, given.folder, SIZES[given.size])
        else:
            report(given.file.stem, read_rankings(given.file), SIZES[given.size])
    except (BadRankingError, MissingNightError, UnknownNameError) as error:
        sys.stderr.write(f"{given.file}: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename}: {error.strerror}\n")
        return 1
    return 0


def write_night(seed: int, folder: Path, setting: Setting) -> None:
    """Write the messages of a night and its galaxies into a folder, without the truth."""
    night = make_hard_night(seed, setting)
    write_messages(night.night(), folder)
    if night.galaxies is not None:
        night.galaxies.write(folder / "galaxies.csv")


def report(name: str, lists: Sequence[Listed], setting: Setting) -> None:
    """Print the figures of a ranking, of the rivals in its nights, and a total: a line each."""
    answers: list[Answer] = []
    theirs: dict[str, list[Listed]] = {}
    for seed in sorted({listed.seed for listed in lists}):
        night = make_hard_night(seed, setting)
        check_names(night, [listed for listed in lists if listed.seed == seed])
        answers.append(answer_of(night))
        for rival, rows in rank_by_all(night).items():
            theirs.setdefault(rival, []).extend(rows)
    ours = score(answers, lists)
    rivals = {rival: score(answers, rows) for rival, rows in theirs.items()}
    for each, outcomes in {name: ours, **rivals}.items():
        _print(summarise(each, outcomes))
    seeds = [answer.seed for answer in answers]
    blind = all(seed in BLIND_SEEDS for seed in seeds)
    _print({"total": name, "seeds": seeds, "blind": blind, "gain": compare(ours, rivals)})


def read_seed(text: str) -> int:
    """Read a seed: a whole number of 0 or more."""
    if not text.isdecimal():
        message = f"{text!r} is no whole number of 0 or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _print(record: object) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tom.benchmark", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    write = commands.add_parser("write", help="write the messages of a night, without the truth")
    write.add_argument("seed", type=read_seed)
    write.add_argument("folder", type=Path)
    judge = commands.add_parser("score", help="score a file of rankings beside the rivals")
    judge.add_argument("file", type=Path)
    for command in (write, judge):
        command.add_argument("--size", choices=SIZES, default="full")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
