"""Whether an alert costs the same among many stored targets, and with many open events.

Processor time to keep and store real packets of new objects, ours and the database's, among few
targets and many, and with one open event and many. Each object has six packets, one after the
other. The targets have a point each, in the 400 days before the packets.

The four are measured one after the other, and a machine's pace may change by half meanwhile. So
each cost is also given in parses: how many times the same packet could be parsed in that time,
right before and after. `most_to_least` compares these.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from tests import factories
from tests.bench import intake, targets
from tests.bench.real import batches, real_folder, real_ztf
from tests.bench.survey import TOPIC, spent
from tests.streams.packets import JD, make_ztf_packet
from tom.candidates.models import EventCandidate
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.streams.services import Incoming, store_messages
from tom.surveys.ztf.packets import parse_ztf

EACH = 6  # packets of an object
SIGMA_DEG = 3.0  # of an event's map: some 130 square degrees hold 0.9 of it
TIMES = 3  # so many groups of objects are stored, of which the cheapest counts
PARSES = 100


@dataclass(frozen=True, order=True)
class Cost:
    """What an alert costs, in parses of a packet and in ms: whole, ours, the database's."""

    parses: float
    ms: tuple[float, float, float]


def measure_growth(
    *, stored: Sequence[int], events: Sequence[int], objects: int, rng: np.random.Generator
) -> dict[str, object]:
    """Measure an alert among so many targets, with so many open events; both ascend."""
    packets, real = _packets((1 + TIMES) * len(stored) * len(events) * objects)
    groups = _groups(packets, objects)
    newest = max(parse_ztf(each).time for each in groups[0])
    found: dict[str, Cost] = {}
    made = 0
    for size in stored:
        targets.add_targets(size - made, rng=rng, points=1, now=newest)
        targets.add_objects()
        made = size
        for number in events:
            _open_events(number, newest, rng)
            _store(groups.pop())  # what is read once for all, and the regions of new events
            costs = [_measure(groups.pop(), parsed=packets[0]) for _ in range(TIMES)]
            found[f"{size} targets, {number} events"] = min(costs)
    parses = [cost.parses for cost in found.values()]
    return {
        "real": real,
        "processor_ms_whole_ours_database": {name: cost.ms for name, cost in found.items()},
        "parses": {name: round(cost.parses, 2) for name, cost in found.items()},
        "most_to_least": round(max(parses) / min(parses), 2),
        "candidates": EventCandidate.objects.count(),
    }


def _measure(group: list[bytes], *, parsed: bytes) -> Cost:
    before = _parse_seconds(parsed)
    with spent() as spending:
        _store(group)
    each = (before + _parse_seconds(parsed)) / 2
    costs = (spending.ours + spending.database, spending.ours, spending.database)
    whole, ours, database = (cost / len(group) for cost in costs)
    ms = (round(1000 * whole, 3), round(1000 * ours, 3), round(1000 * database, 3))
    return Cost(whole / each, ms)


def _parse_seconds(packet: bytes) -> float:
    """The processor time to parse a packet once, now."""
    began = time.process_time()
    for _ in range(PARSES):
        parse_ztf(packet)
    return (time.process_time() - began) / PARSES


def _packets(objects: int) -> tuple[list[bytes], bool]:
    """The packets of so many objects, by time, and whether they are real ones."""
    folder = real_folder()
    if folder is not None:
        return real_ztf(folder, objects=objects, each=EACH), True
    numbers = [(each, number) for each in range(EACH) for number in range(objects)]
    return [
        make_ztf_packet(
            object_id=f"ZTF26g{number:06d}",
            ra=0.1 * (number % 3600),
            dec=-40.0 + 0.1 * (number // 3600),
            jd=JD + each,
            candid=10**15 + EACH * number + each,
            pid=10**12 + EACH * number + each,
        )
        for each, number in numbers
    ], False


def _groups(packets: list[bytes], objects: int) -> list[list[bytes]]:
    """The packets of so many objects each, by time; all packets come by time."""
    total = len(packets) // EACH
    return [
        [packets[each * total + first + n] for each in range(EACH) for n in range(objects)]
        for first in range(0, total, objects)
    ]


def _store(packets: list[bytes]) -> None:
    for batch in batches(packets, intake.BATCH):
        store_messages([Incoming(TOPIC, each) for each in batch])
    intake.work()


def _open_events(number: int, newest: datetime, rng: np.random.Generator) -> None:
    """Have so many events whose windows are open, and no others."""
    NonLocalizedEvent.objects.update(retracted=True)
    known = NonLocalizedEvent.objects.order_by("pk").values_list("pk", flat=True)[:number]
    NonLocalizedEvent.objects.filter(pk__in=list(known)).update(retracted=False)
    for _ in range(number - len(known)):
        ra, dec = rng.uniform(0, 360), np.degrees(np.arcsin(rng.uniform(-1, 1)))
        event = factories.make_event(alert_types=(), time=newest - timedelta(days=1))
        EventLocalization.objects.create(
            event=event,
            localization=factories.make_localization(ra=ra, dec=float(dec), sigma_deg=SIGMA_DEG),
            author="bayestar",
            product="skymap",
            time=newest,
        )
