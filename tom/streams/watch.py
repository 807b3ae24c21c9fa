"""Whether a broker answers and accepts us: its errors, and when to ask it.

librdkafka raises nothing in an outage, and a wrong password only stops it from answering; both
are in its error callback, some 20 times a second.
"""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it does

from tom.streams.faults import SILENT, is_refusal, say_fault
from tom.streams.log_in import LogIn

ASK_SECONDS: Final = 10
"""How long a broker may take to say what topics it has."""
CHECK_SECONDS: Final = 20
"""How often a quiet broker is asked whether it is still there."""
DOUBT_SECONDS: Final = 2
"""How often once it complained."""
REOPEN_SECONDS: Final = 60
"""How long a connection may stay in doubt before it is opened again."""

_NO_ID: Final = ("", "None", "AAAAAAAAAAAAAAAAAAAAAA")  # the last is 16 bytes of nothing

Ends = tuple[Future[Any], Future[Any]]


class RefusedError(Exception):
    """The broker refuses the credential: a person has to correct it."""


class Broker:
    """A broker, asked for its topics on another connection than the one that reads.

    confluent-kafka 2.16 lets one thread at a time use a consumer, and a reading one never rests.
    """

    def __init__(self, address: str, credential: LogIn | None, errors: "Errors") -> None:
        self._errors = errors
        config: dict[str, Any] = {
            "bootstrap.servers": address,
            "error_cb": errors.note,
            "reconnect.backoff.ms": 1000,
        }
        self._client = AdminClient({**config, **(credential() if credential is not None else {})})

    def count_partitions(self, *, seconds: float, hurry: Callable[[], bool]) -> dict[str, int]:
        """Return how many partitions each topic has that we may read.

        Raises
        ------
        RefusedError
            If the broker refuses the credential.
        KafkaException
            If the broker does not answer within `seconds`, or at once where there is a `hurry`.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._client.poll(0)  # serves the error callback, and OAuth's token
            if self._errors.refusal:
                raise RefusedError(self._errors.refusal)
            try:
                found = self._client.list_topics(timeout=1).topics
            except KafkaException:
                if time.monotonic() > deadline or hurry():
                    raise
            else:
                return {
                    name: len(about.partitions)
                    for name, about in found.items()
                    if about.error is None
                }

    def find_topic_ids(self, topics: Collection[str]) -> dict[str, str]:
        """Return what the broker calls these topics until they are deleted, where it says so.

        An old broker does not know it, and another may want a right of its own for it.
        """
        asked = self._client.describe_topics(
            TopicCollection(list(topics)), request_timeout=DOUBT_SECONDS
        )
        found: dict[str, str] = {}
        for topic, answer in asked.items():
            with suppress(KafkaException, TimeoutError):
                found[topic] = str(answer.result(DOUBT_SECONDS).topic_id)
        return {topic: each for topic, each in found.items() if each not in _NO_ID}

    def ask_ends(self, partitions: Mapping[str, int]) -> dict[tuple[str, int], Ends]:
        """Ask for the oldest and the next offset of each partition, each `offset` of a result."""
        places = [
            TopicPartition(topic, number)
            for topic, count in partitions.items()
            for number in range(count)
        ]
        oldest, newest = (
            self._client.list_offsets(dict.fromkeys(places, which), request_timeout=ASK_SECONDS)
            for which in (OffsetSpec.earliest(), OffsetSpec.latest())  # type: ignore[no-untyped-call]  # theirs has no types
        )
        return {(place.topic, place.partition): (oldest[place], newest[place]) for place in places}


class Errors:
    """The newest errors of librdkafka, until they are cleared."""

    def __init__(self) -> None:
        self.newest = ""
        self.refusal = ""
        self.reason = ""  # of the newest one that has a better one than that nothing answers

    def note(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN and self.newest:
            return  # what came before it says why
        self.newest = say_fault(error)
        if self.newest != SILENT:
            self.reason = self.newest
        if is_refusal(error.code()):
            self.refusal = self.newest

    def forget(self) -> None:
        self.newest = self.refusal = self.reason = ""


class Watch:
    """When to ask a broker whether it answers, and for how long it has not."""

    def __init__(self) -> None:
        self._asked = self._well = time.monotonic()

    def be_well(self) -> None:
        self._well = time.monotonic()

    def is_due(self, *, in_doubt: bool) -> bool:
        now = time.monotonic()
        if now - self._asked < (DOUBT_SECONDS if in_doubt else CHECK_SECONDS):
            return False
        self._asked = now
        return True

    def is_lost(self) -> bool:
        return time.monotonic() - self._well > REOPEN_SECONDS
