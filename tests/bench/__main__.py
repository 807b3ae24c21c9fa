"""Measure speed and print it as JSON: `python -m tests.bench [--quick] [--pages]`, `make bench`.

It runs in a folder of its own, on servers of its own, for at least 21 minutes on two cores. What
each figure means stands with the function that measures it.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests.bench.database import fresh_database, own_servers
from tests.bench.measure import describe_machine, timed

if TYPE_CHECKING:
    from tom.demo.night import Message

SEED = 1


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    demonstration: bool = True
    candidates: int = 25_000
    targets: int = 100_000
    messages: int = 100_000
    sky_targets: int = 1_000_000
    visibility_targets: int = 1_000
    sites: int = 10
    plan_seconds: float = 10.0  # of HiGHS
    times: int = 10
    survey_objects: int = 200  # of real packets, six each
    saved: int = 60  # packets that TOM Toolkit's own models store, for comparison
    triggers: int = 2_000
    growth: tuple[int, int] = (10_000, 1_000_000)  # stored targets
    growth_events: tuple[int, int] = (1, 100)
    growth_objects: int = 70  # of real packets, six each
    page_times: int = 3  # of each page of an event with very many candidates
    many_targets: int = 1_000_000  # around such an event
    many_times: int = 2
    map_times: int = 3
    hard_deg2: float = 100.0  # of a hard night's map


QUICK = Sizes(
    demonstration=False, candidates=200, targets=500, messages=500, sky_targets=2_000,
    visibility_targets=20, sites=2, plan_seconds=0.5, times=2, page_times=1,
    survey_objects=10, saved=5, triggers=50,
    growth=(50, 500), growth_events=(1, 4), growth_objects=5, many_targets=1_000,
    many_times=1, map_times=1, hard_deg2=5.0,
)  # fmt: skip


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work at all?")
    parser.add_argument("--streams", action="store_true", help="whole streams from Kafka alone")
    parser.add_argument("--tables", action="store_true", help="neither streams nor every page")
    parser.add_argument("--pages", action="store_true", help="every page, of very many targets")
    given = parser.parse_args()
    sizes = QUICK if given.quick else Sizes()
    report: dict[str, object] = {"machine": describe_machine(), "quick": sizes is QUICK}
    try:
        with timed() as whole, own_servers():
            if not (given.streams or given.pages):
                measure(report, sizes)
            if not (given.streams or given.tables):
                measure_all_pages(report, sizes)
            if not (given.tables or given.pages):
                measure_kafka(report, quick=given.quick)
        report["seconds"] = round(whole.seconds, 1)
    finally:  # what was measured is told, whatever became of the rest
        report["machine_after"] = describe_machine()["load_average"]
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 0


def measure(report: dict[str, object], sizes: Sizes) -> None:
    """Measure everything, each stage on what the one before left in the tables."""
    # Django's models are known only now.
    import numpy as np

    from tests.bench import (
        alerts,
        hard_nights,
        localizations,
        nights,
        pages,
        planning,
        ranking,
        sky,
        targets,
    )
    from tom.events.models import NonLocalizedEvent

    rng = np.random.default_rng(SEED)
    messages = nights.demonstration_night() if sizes.demonstration else nights.short_night()
    _note(report, "hard_nights", lambda: hard_nights.measure_hard_nights(sizes.hard_deg2))
    _measure_alerts(report, sizes, messages)
    with fresh_database("maps"):
        times = sizes.map_times
        _note(report, "maps", lambda: localizations.measure_localizations(times=times))
    _note(report, "crossmatch", lambda: localizations.compare_crossmatch(sizes.sky_targets))
    with fresh_database("ranked"):
        ranking.add_night(sizes.candidates, rng=rng)
        _note(report, "ranking", ranking.measure_ranking)
        _note(report, "list", lambda: ranking.measure_list(times=sizes.times))
    targets.add_targets(sizes.targets, rng=rng)
    targets.add_messages(sizes.messages)
    _note(report, "two_workers", lambda: alerts.measure_workers(messages))
    event = NonLocalizedEvent.objects.get()
    _note(report, "pages", lambda: pages.measure_pages(event, times=sizes.times))
    targets.add_targets(sizes.sky_targets - sizes.targets, rng=rng, points=0)
    _note(report, "sky_map_in_database", lambda: sky.measure_in_database(event))
    _note(report, "sky_map_in_memory", lambda: sky.measure_in_memory(sizes.sky_targets, rng))
    _note(
        report,
        "visibility",
        lambda: sky.measure_visibility(sizes.visibility_targets, sizes.sites, rng),
    )
    _note(report, "plans", lambda: planning.measure_plans(seconds=sizes.plan_seconds))


def measure_all_pages(report: dict[str, object], sizes: Sizes) -> None:
    """Measure every page where an event has very many candidates: all targets, and one in ten."""
    import numpy as np

    from tests.bench import candidates, targets

    rng = np.random.default_rng(SEED)
    with fresh_database("many"):
        targets.add_targets(sizes.targets, rng=rng)
        _note(report, "full_event", lambda: candidates.measure_full_event(times=sizes.page_times))
    with fresh_database("millions"):
        targets.add_targets(sizes.many_targets, rng=rng, points=0)
        many = {"times": sizes.many_times, "most": sizes.targets, "words": 1}
        _note(report, "many_targets", lambda: candidates.measure_full_event(**many))


def measure_kafka(report: dict[str, object], *, quick: bool) -> None:
    """Measure whole streams from a Kafka broker, each in a site of its own."""
    import numpy as np

    from tests.bench import streams

    sizes = streams.QUICK_STREAMS if quick else streams.StreamSizes()
    streams.measure_streams(partial(_note, report), sizes, np.random.default_rng(SEED))


def _measure_alerts(report: dict[str, object], sizes: Sizes, messages: "Sequence[Message]") -> None:
    """Measure what becomes of alerts, each time in empty tables."""
    import numpy as np

    from tests.bench import alerts, growth, survey

    with fresh_database("one"):
        _note(report, "one_process", lambda: alerts.measure_one_process(messages))
    with fresh_database("rows"):
        _note(report, "points", lambda: alerts.compare_with_rows(messages))
    packets, real = survey.survey_packets(messages, objects=sizes.survey_objects)
    with fresh_database("survey"):
        _note(
            report,
            "survey_alerts",
            lambda: survey.measure_store(packets, real=real, compared=sizes.saved),
        )
    rng = np.random.default_rng(SEED)
    _note(report, "door", lambda: survey.measure_door(sizes.triggers, rng))
    with fresh_database("growth"):
        _note(
            report,
            "growth",
            lambda: growth.measure_growth(
                stored=sizes.growth,
                events=sizes.growth_events,
                objects=sizes.growth_objects,
                rng=rng,
            ),
        )


def _note(report: dict[str, object], name: str, measured: Callable[[], object]) -> None:
    """Say on stderr what is measured, and keep the figures."""
    sys.stderr.write(f"bench: {name}\n")
    report[name] = measured()


if __name__ == "__main__":
    sys.exit(main())
