"""How much memory an ingester takes while a million packets come.

`python -m tests.recovery.million [PACKETS] [--whole]` prints JSON; the exit code is the verdict.
The packets come through a stream's filter. They are small and made, each of another object, as
Rubin's without a history. 3 of 100 pass and are stored. With `--whole` all pass and are stored:
real packets of ZTF, told of other objects, without stamps, and with the newest entries of their
history. No scorer runs beside them. The ingester must stay below `MOST_MB` all the time. It must
not grow by more than `MOST_GROWTH_MB` after the first tenth, nor by more than `MOST_SLOPE_MB` in
100,000 packets of the second half.
"""

import argparse
import json
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np

from tests.bench.broker import Writer
from tests.bench.database import own_servers
from tests.bench.processes import Parts, running_parts, spent_between, wait_for
from tests.bench.real import ONE_NAME, name_of, real_folder, short_ztf
from tests.recovery.site import ROOT
from tests.surveys.lsst.longs import long_of

PACKETS: Final = 1_000_000
MOST_MB: Final = 700
MOST_GROWTH_MB: Final = 50
MOST_SLOPE_MB: Final = 10
SAMPLES: Final = 10
SAMPLE_SECONDS: Final = 10
SHARE: Final = 100  # written at once
# How far the writing may be ahead: of each partition the broker keeps 5 MB, and all that waits may
# be of one, for one may be read long after another.
AHEAD: Final = {False: 20_000, True: 350}
LONGEST_SECONDS: Final = 300
ONE_PASSES_OF: Final = 33
PARTS: Final = ("ingester", "worker", "beat")
WATCHED: Final = ("ingester", "worker")
WHOLE_TOPICS: Final = tuple(f"ztf_million_programid1_{number:02d}" for number in range(24))
EACH: Final = 5  # packets of an object
HISTORY: Final = 3  # entries of a packet's history
RA, DEC = 150.123456789, -2.234567891  # nothing else has their bytes


def make_packets(n: int) -> Iterator[bytes]:
    """Write the packets of `n` objects, each from one of two patterns."""
    from tests.surveys.lsst.made import OBJECT_ID, SOURCE_ID, make_framed

    place = {"ra": RA, "dec": DEC}
    passes, fails = (make_framed(reliability=each, **place) for each in (0.99, 0.5))
    for number in range(n):
        packet = passes if number % ONE_PASSES_OF == 0 else fails
        packet = packet.replace(long_of(SOURCE_ID), long_of(SOURCE_ID + number))
        packet = packet.replace(long_of(OBJECT_ID), long_of(OBJECT_ID + number))
        # Rows of the sky, 0.1 degrees apart.
        packet = packet.replace(double_of(RA), double_of(0.1 * (number % 3600)))
        yield packet.replace(double_of(DEC), double_of(-80 + 0.1 * (number // 3600 % 1600)))


def make_whole(n: int) -> Iterator[bytes]:
    """Write real packets of ZTF, of `EACH` nights in a row, told of objects that fill `n` packets.

    Each comes with the newest `HISTORY` entries of its history and without its stamps: a million
    whole ones fill 70 GB.

    Raises
    ------
    FileNotFoundError
        If `TOM_REAL_DATA` names no real packets.
    """
    folder = real_folder()
    if folder is None:
        reason = "TOM_REAL_DATA names no folder of real packets"
        raise FileNotFoundError(reason)
    packets = short_ztf(folder, each=EACH, history=HISTORY, ra=RA, dec=DEC)
    objects = -(-n // EACH)
    for number in range(n):
        night, which = divmod(number, objects)
        packet = packets[night].replace(ONE_NAME, name_of(which).encode())
        packet = packet.replace(double_of(RA), double_of(0.1 * (which % 3600)))
        yield packet.replace(double_of(DEC), double_of(-40 + 0.1 * (which // 3600)))


def double_of(value: float) -> bytes:
    """A double as Avro writes it."""
    return struct.pack("<d", value)


@dataclass
class Watch:
    """The memory of the processes, looked at every `SAMPLE_SECONDS` while packets come."""

    running: Parts
    judged: Callable[[], int]
    lost: Callable[[], int]
    began: float = field(default_factory=time.monotonic)
    samples: list[dict[str, int]] = field(default_factory=list)

    def look(self) -> None:
        """Take a sample if one is due."""
        seconds = round(time.monotonic() - self.began)
        if not self.samples or seconds >= self.samples[-1]["seconds"] + SAMPLE_SECONDS:
            self.take(seconds)

    def take(self, seconds: int) -> None:
        """Take a sample."""
        memory = {f"{name}_mb": self.running.memory(name)["memory_mb"] for name in WATCHED}
        self.samples.append({"seconds": seconds, "judged": self.judged(), **memory})
        sys.stderr.write(f"{self.samples[-1]}\n")


def feed(writer: Writer, packets: Iterator[bytes], watch: Watch, *, n: int, ahead: int) -> None:
    """Write `n` packets as they are judged, and wait until what passed is stored."""
    from tests.bench.visit import count_waiting

    def there(least: int) -> bool:
        watch.look()
        return watch.judged() + watch.lost() >= least

    def done() -> bool:
        watch.look()
        return count_waiting() == 0

    wait = partial(wait_for, seconds=LONGEST_SECONDS, parts=watch.running)
    for number, packet in enumerate(packets, start=1):
        writer.write(packet)
        if number % SHARE and number != n:
            continue
        writer.finish()
        least = n if number == n else max(number - ahead, 1)
        wait(partial(there, least))
    wait(done)
    watch.take(round(time.monotonic() - watch.began))


def slope_mb(samples: Sequence[dict[str, int]]) -> float:
    """MB by which the ingester grew in 100,000 packets of the second half: a straight line's."""
    half = [each for each in samples if 2 * each["judged"] >= samples[-1]["judged"]]
    judged = [each["judged"] / 1e5 for each in half]
    if len(set(judged)) < 2:
        return float("nan")
    return round(float(np.polyfit(judged, [each["ingester_mb"] for each in half], 1)[0]), 2)


def grown_mb(samples: Sequence[dict[str, int]]) -> int:
    """MB by which the ingester grew since a tenth of the packets was judged."""
    last = samples[-1]
    first = next(each for each in samples if SAMPLES * each["judged"] >= last["judged"])
    return last["ingester_mb"] - first["ingester_mb"]


def measure(packets: int, *, whole: bool) -> dict[str, object]:
    """Let an ingester read so many packets; return its memory, and what was spent."""
    from django.db.models import Count

    from tests.bench.steady import TOPICS, count_lost
    from tests.bench.visit import count_judged, open_stream
    from tests.peers.librdkafka import running_small_broker
    from tom.streams.models import AlertMessage

    told = make_whole(packets) if whole else make_packets(packets)
    topics = WHOLE_TOPICS if whole else TOPICS
    with running_small_broker() as broker:
        writer = Writer(topics, {"bootstrap.servers": broker.address})
        with running_parts(PARTS if whole else (*PARTS, "scorer")) as running:
            open_stream(broker.address, topics, **({"least_reliability": 0.0} if whole else {}))
            watch, before = Watch(running, count_judged, count_lost), running.spent()
            feed(writer, told, watch, n=packets, ahead=AHEAD[whole])
            states = AlertMessage.objects.order_by().values_list("state")
            return {
                "packets": packets,
                "whole": whole,
                "judged": count_judged(),
                "lost": count_lost(),
                "kept": dict(states.annotate(n=Count("pk"))),
                "most_mb": running.memory("ingester")["peak_memory_mb"],
                "grown_mb": grown_mb(watch.samples),
                "slope_mb": slope_mb(watch.samples),
                "seconds": round(time.monotonic() - watch.began),
                "load": os.getloadavg(),
                "processor_seconds": spent_between(before, running.spent()),
                "samples": watch.samples,
            }


def main(argv: list[str]) -> int:
    """Measure, and print; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("packets", type=int, nargs="?", default=PACKETS)
    parser.add_argument("--whole", action="store_true")
    asked = parser.parse_args(argv)
    if asked.whole:
        os.environ["SCORERS"] = ""
    with own_servers():
        said = measure(asked.packets, whole=asked.whole)
    sys.stdout.write(json.dumps(said, indent=1) + "\n")
    limits = {"most_mb": MOST_MB, "grown_mb": MOST_GROWTH_MB, "slope_mb": MOST_SLOPE_MB}
    judged = said["judged"] == asked.packets
    return 0 if judged and all(said[name] < most for name, most in limits.items()) else 1  # type: ignore[operator]


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
