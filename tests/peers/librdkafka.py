"""The broker inside librdkafka, in this process: it deletes old messages, and says what it lacks.

Each partition holds a few megabytes, and a fetch of what is not there is refused, as Kafka does;
Tansu does neither. It knows no passwords, no ids of topics, and makes any topic it is asked for.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Producer

HELD_BYTES: Final = 5 * 1024 * 1024
"""What a partition holds of the newest messages."""


@dataclass
class SmallBroker:
    """A broker without credentials."""

    address: str

    def url(self, topic: str) -> str:
        return f"kafka://{self.address}/{topic}"

    def produce(self, topic: str, payloads: Sequence[bytes]) -> None:
        """Produce messages to partition 0, each by itself."""
        producer = Producer({"bootstrap.servers": self.address, "message.max.bytes": 2_000_000})
        for payload in payloads:
            producer.produce(topic, payload, partition=0)
            assert producer.flush(60) == 0, "not delivered"


@contextmanager
def running_small_broker() -> Iterator[SmallBroker]:
    """A broker for as long as the block runs."""
    host = Producer({"bootstrap.servers": "ours", "test.mock.num.brokers": 1})
    [broker] = host.list_topics(timeout=60).brokers.values()
    yield SmallBroker(f"{broker.host}:{broker.port}")
    host.flush(1)
