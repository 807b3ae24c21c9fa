"""Send one message to a Kafka topic, and find out whether it is there.

We use confluent-kafka's producer with hop's credentials and hop's packing. hop's own producer sends
a message again if no answer comes: when the replies were lost, it put one message on a topic eight
times in five seconds. With `retries` at zero a message is sent at most once.
"""

import threading
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as KafkaProducer
from hop.auth import Auth
from hop.io import Consumer, Producer, StartPosition, Stream

from tom.outbox.calls import calling
from tom.outbox.errors import (
    LookUpFailedError,
    NothingSentError,
    RejectedError,
    UnknownOutcomeError,
)
from tom.streams.credentials import CredentialError, find_credential
from tom.streams.sources import Source, SourceError, read_source
from tom.streams.watch import ASK_SECONDS, Broker, Errors, RefusedError

Headers = Sequence[tuple[str, bytes]]

SEND_SECONDS: Final = 10
CALL_SECONDS: Final = 100
"""A call is surely over after this time."""
READ_SECONDS: Final = 60
"""Limit for reading a topic back."""

# Errors of a definite refusal. After any other error, the message may be there or not.
_DEFINITE: Final = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_RECORD,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.POLICY_VIOLATION,
    KafkaError._UNKNOWN_TOPIC,
)


def publish_message(url: str, content: Mapping[str, Any], *, message_id: uuid.UUID) -> None:
    """Put one JSON message on a topic under our own id, at most once.

    Raises
    ------
    NothingSentError
        If the broker does not answer, before anything was sent.
    RejectedError
        If the broker or a check on our side refuses: no right, no such topic, too large.
    UnknownOutcomeError
        If no definite answer came: the message may be there or not.
    """
    publisher = Publisher(url)
    payload, headers = Producer.pack(dict(content), auth=publisher.credential)
    own = [(name, value) for name, value in headers if name != "_id"]
    publisher.publish(payload, message_id=message_id, headers=own)


class Publisher:
    """Puts messages on one topic; it logs in and looks at the topic before the first of them.

    Raises
    ------
    RejectedError
        If the address is none of a topic, or there is no one credential for it.
    """

    def __init__(self, url: str) -> None:
        self.source, self.credential = _find_access(url)
        self._producer: KafkaProducer | None = None

    def publish(self, payload: bytes, *, message_id: uuid.UUID, headers: Headers = ()) -> None:
        """Put one message on the topic under our own id, at most once.

        Raises
        ------
        NothingSentError, RejectedError, UnknownOutcomeError
            As `publish_message` does.
        """
        with calling(self.source.broker, seconds=CALL_SECONDS):
            if self._producer is None:
                _check_topic(self.source, self.credential)
            self._produce(payload, [*headers, ("_id", message_id.bytes)])

    def _produce(self, payload: bytes, headers: Headers) -> None:
        outcome: list[KafkaError | None] = []
        try:
            producer = self._producer or KafkaProducer(self._config)
            self._producer = None  # what fails is opened again
            producer.produce(
                self.source.topics[0],
                payload,
                headers=list(headers),
                on_delivery=lambda error, _: outcome.append(error),
            )
        except KafkaException as error:  # refused on this side, such as a message too large
            raise RejectedError(_text(error)) from error
        producer.flush(2 * SEND_SECONDS)
        _judge(outcome)
        self._producer = producer

    @property
    def _config(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self.source.broker,
            "retries": 0,
            "acks": "all",
            "message.timeout.ms": SEND_SECONDS * 1000,
            "error_cb": Errors().note,
            **_login(self.credential),
        }


def is_published(url: str, message_id: uuid.UUID, *, since: datetime) -> bool:
    """Read a topic from `since` to its end and say whether a message with our id is there.

    Raises
    ------
    LookUpFailedError
        If the topic cannot be read to its end.
    """
    try:
        source, credential = _find_access(url)
        with calling(source.broker, seconds=CALL_SECONDS):
            _check_topic(source, credential)
            return _find(source, credential, message_id, since)
    except (NothingSentError, RejectedError) as error:
        raise LookUpFailedError(str(error)) from error


def _find(source: Source, credential: Auth | None, message_id: uuid.UUID, since: datetime) -> bool:
    late = threading.Event()
    try:
        found = _read_back(source, credential, message_id, since, late)
    except (KafkaException, ValueError, RuntimeError) as error:  # hop raises the last two
        raise LookUpFailedError(_text(error)) from error
    if late.is_set() and not found:
        msg = "reading the topic back took too long"
        raise LookUpFailedError(msg)
    return found


def _read_back(
    source: Source,
    credential: Auth | None,
    message_id: uuid.UUID,
    since: datetime,
    late: threading.Event,
) -> bool:
    stream = Stream(auth=credential or False, start_at=StartPosition.EARLIEST, until_eos=True)
    user = credential.username if credential is not None else "anonymous"
    with stream.open(
        source.url,
        "r",
        group_id=f"{user}-look-up-{uuid.uuid4().hex}",
        ignoretest=False,
        fetch_external=False,
        error_callback=Errors().note,
    ) as consumer:
        timer = threading.Timer(READ_SECONDS, _give_up, args=(consumer, late))
        timer.start()
        try:
            return _is_among(consumer, message_id, since)
        finally:
            timer.cancel()


def _is_among(consumer: Consumer, message_id: uuid.UUID, since: datetime) -> bool:
    messages = consumer.read_raw(
        metadata=True, autocommit=False, batch_timeout=timedelta(seconds=0.2), start_at=since
    )
    return any(("_id", message_id.bytes) in (metadata.headers or []) for _, metadata in messages)


def _give_up(consumer: Consumer, late: threading.Event) -> None:
    late.set()
    consumer.stop()


def _find_access(url: str) -> tuple[Source, Auth | None]:
    try:
        source = read_source(url)
        return source, find_credential(source.broker, source.username)
    except (SourceError, CredentialError) as error:
        raise RejectedError(str(error)) from error


def _check_topic(source: Source, credential: Auth | None) -> None:
    """Check, before anything is sent, that the broker answers and has the topic."""
    try:
        broker = Broker(source.broker, credential, Errors())
        topics = broker.count_partitions(seconds=ASK_SECONDS, hurry=lambda: False)
    except RefusedError as error:
        raise RejectedError(str(error)) from error
    except KafkaException as error:
        raise NothingSentError(_text(error), is_silent=True) from error
    if source.topics[0] not in topics:
        msg = f"there is no topic {source.topics[0]}, or no right to it"
        raise RejectedError(msg)


def _judge(outcome: list[KafkaError | None]) -> None:
    if not outcome:
        msg = "the broker did not answer"
        raise UnknownOutcomeError(msg, is_silent=True)
    error = outcome[0]
    if error is None:
        return
    if error.code() in _DEFINITE:
        raise RejectedError(error.str())
    raise UnknownOutcomeError(error.str(), is_silent=error.code() == KafkaError._MSG_TIMED_OUT)


def _login(credential: Auth | None) -> dict[str, Any]:
    return dict(credential()) if credential is not None else {}


def _text(error: Exception) -> str:
    return str(error.args[0].str()) if isinstance(error, KafkaException) else str(error)
