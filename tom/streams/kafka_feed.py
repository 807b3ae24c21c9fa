"""The topics of a Kafka broker, read as a member of a consumer group.

An outage raises nothing and a wrong password nothing that says so: both are found by asking the
broker.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaException

from tom.streams.consuming import Reader, reading
from tom.streams.faults import NO_ANSWER, say_fault
from tom.streams.feeds import CannotListenError
from tom.streams.lag import Lag
from tom.streams.log_in import find_log_in
from tom.streams.probing import say_silence
from tom.streams.pulse import Pulse
from tom.streams.sources import Source
from tom.streams.watch import ASK_SECONDS, DOUBT_SECONDS, Broker, Errors, Watch

NO_TOPIC: Final = (
    "no such topic here, or no right to read it: check its spelling, or ask the broker's owner for"
    " the right"
)
NO_PLACE: Final = "the consumer group has given us no partition"


@contextmanager
def kafka_feed(source: Source, pulse: Pulse, hurry: Callable[[], bool]) -> Iterator["KafkaFeed"]:
    """Read the topics of a source for as long as the block runs.

    Raises
    ------
    CannotListenError
        If the broker cannot be read.
    CredentialError, RefusedError
        If it takes no credential of ours.
    """
    errors = Errors()
    try:
        credential, group = find_log_in(source)
        asked = Asked(Broker(source.broker, credential, errors), source, pulse, hurry)
        partitions = asked.find_topics(seconds=ASK_SECONDS)
        if not partitions:
            raise CannotListenError(NO_TOPIC)
        opened = reading(
            source.broker,
            partitions,
            credential=credential,
            group=group,
            errors=errors,
            topic_ids=asked.broker.find_topic_ids,
            joined=lambda: asked.hear(partitions),
        )
        with opened as reader:
            lag = Lag(asked.broker, source.broker, group)
            yield KafkaFeed(reader, asked, partitions, lag, errors)
    except KafkaException as error:
        # Who is to stop in a hurry broke off himself, and does not look.
        why = _why(errors, error) if hurry() else _why_closed(source, errors, error)
        raise CannotListenError(why) from error


class Asked:
    """The broker, asked for the topics of a source; the pulse hears what it says."""

    def __init__(
        self, broker: Broker, source: Source, pulse: Pulse, hurry: Callable[[], bool]
    ) -> None:
        self.broker = broker
        self.pulse = pulse
        self._source = source
        self._hurry = hurry

    def find_topics(self, *, seconds: float) -> dict[str, int]:
        found = self.broker.count_partitions(seconds=seconds, hurry=self._hurry)
        return {name: found[name] for name in self._source.topics if name in found}

    def hear(self, topics: Collection[str]) -> None:
        """Note that these topics answered; report those that do not exist."""
        self.pulse.hear(topics)
        missing = [topic for topic in self._source.topics if topic not in topics]
        if missing:
            self.pulse.complain(NO_TOPIC, topics=missing)


class KafkaFeed:
    """A member of the group, and the broker on another connection."""

    def __init__(
        self,
        reader: Reader,
        asked: Asked,
        partitions: Mapping[str, int],
        lag: Lag,
        errors: Errors,
    ) -> None:
        self.reader = reader
        self._asked = asked
        self._partitions = partitions
        self._lag = lag
        self._errors = errors
        self._watch = Watch()

    def goes_on(self, *, kept: bool) -> bool:
        """Ask the broker in turn; false once its topics have changed.

        Raises
        ------
        CannotListenError, RefusedError, KafkaException
            If the connection is lost.
        """
        if kept:
            self._watch.be_well()
        if self._watch.is_due(in_doubt=bool(self._errors.newest)):
            found = self._check()
            if found is not None and found != self._partitions:
                return False
        self._asked.pulse.note_lag(self._lag.measure(self._partitions))
        return True

    def _check(self) -> dict[str, int] | None:
        """Ask the broker whether it answers; return our topics, or None if it does not."""
        try:
            found = self._asked.find_topics(seconds=DOUBT_SECONDS)
        except KafkaException as error:
            self._asked.pulse.complain(_why(self._errors, error))
            if self._watch.is_lost():
                raise
            return None
        if self.reader.is_member:
            self._watch.be_well()
            self._errors.forget()
            self._asked.hear(found)
        elif self._watch.is_lost():
            raise CannotListenError(NO_PLACE)
        return found


def _why_closed(source: Source, errors: Errors, error: KafkaException) -> str:
    """Say why a connection could not be opened, or was given up; where nobody says, look."""
    if errors.reason or error.args[0].code() not in NO_ANSWER:
        return _why(errors, error)
    credential, _ = find_log_in(source)
    return say_silence(source.broker, credential)


def _why(errors: Errors, error: KafkaException) -> str:
    return errors.reason or say_fault(error.args[0])
