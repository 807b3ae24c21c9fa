"""How long alerts take from Kafka to their rank in an event's list, while they come steadily."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from django.db import connection
from django.utils import timezone

from tests import factories
from tests.bench.broker import Broker, running_broker
from tests.bench.follower import following
from tests.bench.processes import running_parts, spent_between, wait_for
from tests.bench.real import real_folder
from tests.bench.young import name_of, young_packets
from tom.embedded.supervisor import answers
from tom.events.models import NonLocalizedEvent
from tom.sweeping import work_left

TOPIC: Final = "ztf_bench_programid1"
PARTS: Final = ("web", "worker", "caller", "scorer", "beat", "ingester")
CENTRE: Final = (197.45, -23.38)  # of the event's map
RADIUS_DEG: Final = 3.0
PER_SECOND: Final = 100
WARM: Final = 50  # alerts before the measurement, so that each process has begun
FOLLOWED_EVERY: Final = 200
LONGEST_SECONDS: Final = 120
STEPS: Final = ("sent", "received", "stored", "scored", "ranked", "shown")

WAYS: Final = """
    SELECT m.sent, m.received, m.finished, s.time, r.created, r.published
    FROM targets_arrival a
    JOIN streams_alertmessage m ON m.id = a.message_id
    JOIN targets_surveyobject o ON o.id = a.object_id
    LEFT JOIN LATERAL (
        SELECT min(created) AS time FROM scoring_score
        WHERE target_id = o.target_id AND created >= m.received
    ) s ON true
    LEFT JOIN LATERAL (
        SELECT k.created, k.published FROM ranking_rankedcandidate p
        JOIN ranking_ranking k ON k.id = p.ranking_id
        JOIN candidates_eventcandidate c ON c.id = p.candidate_id
        WHERE c.target_id = o.target_id AND k.created >= coalesce(s.time, m.finished)
        ORDER BY k.id LIMIT 1
    ) r ON true
    ORDER BY m.sent OFFSET %s
"""
"""The times of each alert, found as its timeline finds them (`tom.web.timeline`)."""


def measure_latency(seconds: int, rng: np.random.Generator) -> dict[str, object]:
    """Write `PER_SECOND` alerts a second to Kafka, each of a new object inside an event's region.

    All processes of production run. An alert's time is that from its write, which the broker keeps,
    until a ranking that knew its score was stored and told to open pages. `to_*` are the times from
    one step to the next. `api_seconds` are those until the API told a rank of every
    `FOLLOWED_EVERY`th alert, asked five times a second.
    """
    n = WARM + PER_SECOND * seconds
    packets = list(young_packets(n, around=CENTRE, radius=RADIUS_DEG, now=timezone.now(), rng=rng))
    with running_broker() as broker:
        broker.create_topic(TOPIC)
        parts = running_parts(PARTS, streams=broker.url(TOPIC), broker=broker.pid)
        with parts as running:
            wait = partial(wait_for, seconds=LONGEST_SECONDS, parts=running)
            site, event = f"http://127.0.0.1:{running.port}", factories.make_event()
            wait(lambda: answers(f"{site}/accounts/login/"))
            _write(broker, packets[:WARM], at=range(WARM), told=_nobody)
            wait(lambda: _is_done(event, WARM))
            before = running.spent()
            with following(site, event.event_id) as follower:
                _write(broker, packets[WARM:], at=range(WARM, n), told=follower.follow)
                wait(lambda: _is_done(event, n))
            spent = spent_between(before, running.spent())
            return {
                "alerts": n - WARM,
                "real": real_folder() is not None,
                "per_second": PER_SECOND,
                **_told(_ways()),
                "api_seconds": _spread(follower.seconds),
                "processor_seconds": spent,
            }


def _write(
    broker: Broker, packets: Sequence[bytes], *, at: range, told: Callable[[str], None]
) -> None:
    """Write packets at their rate; tell the name of every `FOLLOWED_EVERY`th object."""
    writer, began = broker.writer(TOPIC), time.monotonic()
    for written, (number, packet) in enumerate(zip(at, packets, strict=True)):
        time.sleep(max(0.0, began + written / PER_SECOND - time.monotonic()))
        writer.write(packet)
        if written % FOLLOWED_EVERY == 0:
            told(name_of(number))
    writer.finish()


def _nobody(_: str) -> None:
    """Follow nothing."""


def _is_done(event: NonLocalizedEvent, n: int) -> bool:
    ranked = event.candidates.filter(rank__isnull=False).count()
    return ranked >= n and work_left(()) == 0


def _ways() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(WAYS, [WARM])
        return cursor.fetchall()


def _told(ways: Sequence[tuple[Any, ...]]) -> dict[str, object]:
    whole = [(way[-1] - way[0]).total_seconds() for way in ways if way[-1] is not None]
    found: dict[str, object] = {"shown": len(whole), "seconds": _spread(whole)}
    for at, step in enumerate(STEPS[1:], start=1):
        taken = [(w[at] - w[at - 1]).total_seconds() for w in ways if w[at] and w[at - 1]]
        found[f"to_{step}"] = _spread(taken)
    return found


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    median, most, longest = np.percentile(seconds, [50, 99, 100])
    return {
        "median": round(float(median), 3),
        "p99": round(float(most), 3),
        "longest": round(float(longest), 3),
    }
