"""How the list of the demonstration night stands hour by hour, seed by seed, as JSON lines.

    .venv/bin/python -m tests.evaluation.night_hours --seeds 3 > nights.jsonl

Each night goes through the intake hour by hour into an empty database of its own. A line has, for
each hour with news, the chances of the list as the public reads it, and the kilonova's place in it.
The last line sums the nights up. Its `mean_ratios` say how far each term is from 1 over unrelated
sources, at the end of the nights. Its `scores` are those of the blind benchmark. `--without` leaves
the kilonova's alerts out of each night.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any

from tests.bench.database import fresh_database, own_servers
from tests.evaluation.term_ratios import mean_ratios, read_ratios
from tom.benchmark.rankings import Listed
from tom.benchmark.report import summarise as sum_up
from tom.benchmark.scores import Answer, score_night
from tom.demo.night import Message, Night
from tom.surveys.ztf.packets import parse_ztf

TOP = 3
MINUTES_EACH = 10  # of telescope on one candidate
WHEN_HOURS = (24, 48, 72, 150)
# A seed makes another night at another time: figures of different times cannot be compared.
MERGER = datetime(2026, 11, 20, 18, tzinfo=UTC)
LEAST = 1e-12  # a chance of 0 has no logarithm


def main() -> int:
    """Print a line for each seed, and the summary."""
    arguments = _read_arguments()
    nights = []
    with own_servers():
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            with fresh_database("night"), get_context("fork").Pool(1) as pool:
                given = seed, arguments.merger, arguments.without
                nights.append(pool.apply(follow, given))
            told = {name: nights[-1][name] for name in ("seed", "hours")}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
    sys.stdout.write(json.dumps(summarise(nights)) + "\n")
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--merger", type=datetime.fromisoformat, default=MERGER)
    parser.add_argument("--without", action="store_true", help="leave the kilonova out")
    return parser.parse_args()


def follow(seed: int, merger: datetime, without: bool = False) -> dict[str, Any]:
    """Send a night through the intake hour by hour; return how its list stood at each."""
    from tests.bench import intake
    from tom.demo.night import make_night

    night = make_night(seed, merger)
    kilonova = next(row for row in night.truth if row.kind == "kilonova")
    if without:
        night = leave_out(kilonova.object_id, night)
    sought = None if without else kilonova.object_id
    lists = []
    for hour, messages in by_hour(night):
        intake.keep(messages)
        intake.work()
        intake.score()
        if hour >= 0:
            lists.append(read_list(seed, hour))
    first = math.inf if without else (kilonova.first_seen - merger) / timedelta(hours=1)
    answer = Answer(seed, sought, first, tuple(int(each.hour) for each in lists))
    return {
        "seed": seed,
        "hours": [_stands(each, sought) for each in lists],
        "ratios": read_ratios(kilonova.object_id),
        "outcome": score_night(answer, lists),
    }


def leave_out(object_id: str, night: Night) -> Night:
    """The same night without the alerts of an object."""
    messages = [message for message in night.messages if not _tells_of(object_id, message)]
    return replace(night, messages=messages)


def _tells_of(object_id: str, message: Message) -> bool:
    is_alert = message.topic.startswith("ztf")
    return is_alert and parse_ztf(message.payload).object_id == object_id


def by_hour(night: Night) -> Iterator[tuple[int, Sequence[Message]]]:
    """The messages of each hour that has some; all from before the merger have the hour -1."""
    chunks: dict[int, list[Message]] = {}
    for message in night.messages:
        age = (message.time - night.merger_time) / timedelta(hours=1)
        chunks.setdefault(max(math.ceil(age), -1), []).append(message)
    yield from sorted(chunks.items())


def read_list(seed: int, hour: int) -> Listed:
    """The list as the public reads it now, at an hour of a night."""
    chances, none = read_chances()
    said = tuple(chances.values())
    return Listed(seed, float(hour), tuple(chances), said, 1.0 if none is None else none)


def _stands(listed: Listed, kilonova: str | None) -> dict[str, Any]:
    """The kilonova's place and chance, and what others have."""
    chances = dict(zip(listed.order, listed.chances or (), strict=True))
    others = [each for name, each in chances.items() if name != kilonova]
    return {
        "hour": int(listed.hour),
        "rank": listed.rank(kilonova),
        "chance": listed.chance(kilonova),
        "sum": sum(chances.values()),
        "none": listed.none,
        "above_10": sum(each > 0.1 for each in others),
        "above_50": sum(each > 0.5 for each in others),
        "binary_log_loss": _binary(chances, kilonova),
        "first": listed.order[:10],
    }


def _binary(chances: dict[str, float], kilonova: str | None) -> float:
    right = [each if name == kilonova else 1 - each for name, each in chances.items()]
    return -sum(math.log(max(each, LEAST)) for each in right)


def read_chances() -> tuple[dict[str, float], float | None]:
    """The public chances of the only event's candidates, the best first, and that of none."""
    from tom.candidates.models import EventCandidate
    from tom.ranking.chances import public_scale
    from tom.ranking.services import newest_ranking

    rows = EventCandidate.objects.exclude(rank=None).select_related("event").order_by("rank")
    found = list(rows.values_list("target__name", "log_weight", "event"))
    if not found:
        return {}, None
    from tom.events.models import NonLocalizedEvent

    ranking = newest_ranking(NonLocalizedEvent.objects.get(pk=found[0][2]))
    scale = public_scale(ranking)
    return {name: scale.chance(weight) for name, weight, _ in found}, scale.none


def summarise(nights: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The means over the nights of what is asked of a list."""
    found: dict[str, Any] = {"nights": len(nights)}
    for when in WHEN_HOURS:
        rows = [_at(night, when) for night in nights]
        found[f"at_{when}_h"] = {
            "sum": _mean([row["sum"] for row in rows]),
            "rank": _mean_rank([row["rank"] for row in rows]),
            "chance": _mean([row["chance"] for row in rows]),
            "binary_log_loss": _mean([row["binary_log_loss"] for row in rows]),
            "others_above_10": _mean([row["above_10"] for row in rows]),
        }
    found["hours_to_top_3"] = [hours_to_top(night) for night in nights]
    found["scores"] = sum_up("ours", [night["outcome"] for night in nights])
    found["mean_ratios"] = mean_ratios([row for night in nights for row in night["ratios"]])
    found["minutes_on_others"] = [minutes_on_others(night) for night in nights]
    return found


def _at(night: dict[str, Any], when: float) -> dict[str, Any]:
    return [row for row in night["hours"] if row["hour"] <= when][-1]


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 3)


def _mean_rank(ranks: Sequence[int | None]) -> float | None:
    """None: in some night the kilonova is not listed. JSON has no NaN."""
    known = [rank for rank in ranks if rank is not None]
    return _mean(known) if len(known) == len(ranks) else None


def hours_to_top(night: dict[str, Any]) -> float | None:
    """When the kilonova first stood among the first three; None: never."""
    return next((r["hour"] for r in night["hours"] if r["rank"] and r["rank"] <= TOP), None)


def minutes_on_others(night: dict[str, Any]) -> float:
    """Minutes spent on others where each hour the first three are observed that were not yet."""
    spent: set[str] = set()
    for row in night["hours"]:
        first = row["first"][:TOP]
        if row["rank"] is not None and row["rank"] <= TOP:
            above = first[: row["rank"] - 1]
            return float(MINUTES_EACH * len(spent | set(above)))
        spent |= set(first)
    return float(MINUTES_EACH * len(spent))


if __name__ == "__main__":
    sys.exit(main())
