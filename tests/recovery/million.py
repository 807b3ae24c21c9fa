"""How much memory an ingester takes while a million packets come through a stream's filter.

`python -m tests.recovery.million [PACKETS]` prints JSON; the exit code is the verdict. The packets
are small and made, each of another object, as Rubin's without a history. 3 of 100 pass and are
stored. The ingester must stay below `MOST_MB` all the time, and must not grow by more than
`MOST_GROWTH_MB` after the first tenth.
"""

import json
import os
import struct
import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.bench.broker import Writer
from tests.bench.database import own_servers
from tests.bench.processes import Parts, running_parts, spent_between, wait_for
from tests.recovery.site import ROOT
from tests.surveys.lsst.longs import long_of

PACKETS: Final = 1_000_000
MOST_MB: Final = 700
MOST_GROWTH_MB: Final = 50
SAMPLES: Final = 10
SHARE: Final = 5_000  # written at once
# How far the writing may be ahead: of each partition the broker keeps 5 MB.
AHEAD: Final = 20_000
LONGEST_SECONDS: Final = 300
ONE_PASSES_OF: Final = 33
PARTS: Final = ("ingester", "worker", "scorer", "beat")
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


def double_of(value: float) -> bytes:
    """A double as Avro writes it."""
    return struct.pack("<d", value)


def feed(writer: Writer, running: Parts, packets: int) -> list[dict[str, int]]:
    """Write the packets as they are judged; return samples of the ingester's memory."""
    from tests.bench.visit import count_judged

    wait = partial(wait_for, seconds=LONGEST_SECONDS, parts=running)
    samples: list[dict[str, int]] = []
    for number, packet in enumerate(make_packets(packets), start=1):
        writer.write(packet)
        if number % SHARE and number != packets:
            continue
        writer.finish()
        least = packets if number == packets else max(number - AHEAD, 1)
        wait(lambda least=least: count_judged() >= least)
        if number >= packets // SAMPLES * (len(samples) + 1):
            samples.append({"judged": count_judged(), **running.memory("ingester")})
            sys.stderr.write(f"{samples[-1]}\n")
    return samples


def measure(packets: int) -> dict[str, object]:
    """Let an ingester read so many packets; return its memory, and what was spent."""
    from tests.bench.steady import TOPICS
    from tests.bench.visit import open_stream
    from tests.peers.librdkafka import running_small_broker
    from tom.streams.models import AlertMessage

    with running_small_broker() as broker:
        writer = Writer(TOPICS, {"bootstrap.servers": broker.address})
        with running_parts(PARTS) as running:
            open_stream(broker.address, TOPICS)
            began, before = time.monotonic(), running.spent()
            samples = feed(writer, running, packets)
            return {
                "packets": packets,
                "kept": AlertMessage.objects.count(),
                "samples": samples,
                "most_mb": samples[-1]["peak_memory_mb"],
                "grown_mb": samples[-1]["memory_mb"] - samples[0]["memory_mb"],
                "seconds": round(time.monotonic() - began),
                "processor_seconds": spent_between(before, running.spent()),
            }


def main(argv: list[str]) -> int:
    """Measure, and print; return the exit code."""
    with own_servers():
        said = measure(int(argv[0]) if argv else PACKETS)
    sys.stdout.write(json.dumps(said, indent=1) + "\n")
    small = said["most_mb"] < MOST_MB and said["grown_mb"] < MOST_GROWTH_MB  # type: ignore[operator]
    return 0 if small else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
