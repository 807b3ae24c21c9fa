"""Test a stream's connection: log in, look for its topics, and say what is there or what is wrong.

Nothing is marked as read, and no consumer group is joined. Of Pub/Sub the oldest message that waits
is looked at and given back at once: no smaller right than that of reading tells more.
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from threading import Thread
from typing import Any, Final

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaException, TopicPartition
from django.utils import timezone

from tom.formats.values import clean
from tom.own_secrets import hide_secrets
from tom.streams.credentials import CredentialError
from tom.streams.faults import say_fault
from tom.streams.log_in import LogIn, log_in_of
from tom.streams.models import ConnectionTest, Stream, StreamKind
from tom.streams.probing import say_silence
from tom.streams.pubsub_account import Account, account_of
from tom.streams.pubsub_api import NoConversationError, PubSubError, Subscriber
from tom.streams.watch import Broker, Errors, RefusedError

logger = logging.getLogger(__name__)

LOG_IN_SECONDS: Final = 7.0
LOOK_SECONDS: Final = 3.0
"""For the topics' ends, and again for the newest messages."""
MOST_SECONDS: Final = 14.0
"""For the whole: a look-up of a host's name ends when the name server likes."""
MOST_PARTITIONS: Final = 64
"""Of each topic, of how many partitions the newest message is looked at."""

TOO_SLOW: Final = (
    "there is no answer within 14 seconds: the name server, the host or the firewall between does"
    " not answer"
)

Finding = dict[str, Any]


class FaultError(Exception):
    """What is wrong with a connection, in words that say what to do."""


def ask_for_test(stream: Stream) -> ConnectionTest:
    """Make the row that says that a test is wanted; the caller wakes it."""
    test, _ = ConnectionTest.objects.update_or_create(
        stream=stream,
        defaults={"asked": timezone.now(), "finished": None, "fault": "", "found": {}},
    )
    return test


def try_connection(test: ConnectionTest) -> None:
    """Test a stream's connection within 15 seconds, and write what was found."""
    found: Finding = {}
    fault = ""
    try:
        found = look_at(test.stream)
    except FaultError as error:
        fault = hide_secrets(clean(str(error)))
    # A test that was asked for meanwhile writes its own answer.
    ConnectionTest.objects.filter(pk=test.pk, asked=test.asked).update(
        finished=timezone.now(), fault=fault, found=found
    )


def look_at(stream: Stream) -> Finding:
    """Log in and return who we are there, and what each topic has.

    Raises
    ------
    FaultError
        If it cannot be read.
    """
    try:
        if stream.kind == StreamKind.PUBSUB:
            return _in_time(partial(_look_at_project, account_of(stream), stream.topics))
        return _in_time(partial(_look_at_broker, stream, log_in_of(stream)))
    except CredentialError as error:
        raise FaultError(str(error)) from error


def _in_time(look: Callable[[], Finding]) -> Finding:
    """Look in a thread of its own, and leave it alone after MOST_SECONDS."""
    answer: Future[tuple[Finding, str]] = Future()

    def run() -> None:
        try:
            answer.set_result((look(), ""))
        except FaultError as error:
            # Said here: the client goes with the error, and waits for its look-ups when it does.
            answer.set_result(({}, str(error)))
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            answer.set_exception(error)

    Thread(target=run, name="connection test", daemon=True).start()
    try:
        found, fault = answer.result(MOST_SECONDS)
    except TimeoutError as error:
        raise FaultError(TOO_SLOW) from error
    if fault:
        raise FaultError(fault)
    return found


def _look_at_broker(stream: Stream, log_in: LogIn) -> Finding:
    """Look at each topic of a Kafka broker; reads no row of the database."""
    errors = Errors()
    try:
        broker = Broker(stream.address, log_in, errors)
    except KafkaException as error:  # a certificate that is none, for one
        raise FaultError(error.args[0].str()) from error
    try:
        partitions = broker.count_partitions(seconds=LOG_IN_SECONDS, hurry=lambda: False)
    except RefusedError as error:
        raise FaultError(str(error)) from error
    except KafkaException as error:
        raise FaultError(errors.reason or say_silence(stream.address, log_in)) from error
    config = {
        **log_in(),
        "bootstrap.servers": stream.address,
        "group.id": stream.consumer_group,
        "enable.auto.commit": False,
        "allow.auto.create.topics": False,
        "error_cb": errors.note,
        "log_level": 0,
    }
    return {
        "user": stream.credential.username if stream.credential else "",
        "topics": _look_at_topics(Consumer(config), stream.topics, partitions),
    }


def _look_at_project(account: Account, subscriptions: Iterable[str]) -> Finding:
    """Look at each subscription of a project of Pub/Sub."""
    try:
        with closing(account.open()) as subscriber:
            deadline = time.monotonic() + LOG_IN_SECONDS
            rows = [_look_at_subscription(subscriber, name, deadline) for name in subscriptions]
    except NoConversationError as error:
        raise FaultError(str(error)) from error
    return {"user": account.who.email if account.who else "", "subscriptions": rows}


def _look_at_subscription(subscriber: Subscriber, name: str, deadline: float) -> Finding:
    if time.monotonic() > deadline:
        return {"name": name, "fault": "not looked at: Pub/Sub answers too slowly"}
    try:
        found = subscriber.peek(name)
    except NoConversationError:
        raise
    except PubSubError as error:
        return {"name": name, "fault": str(error)}
    times = [message.sent.isoformat() for message in found if message.sent]
    return {"name": name, "fault": "", "waits": bool(found), "sent": next(iter(times), "")}


def _look_at_topics(
    consumer: Consumer, topics: Iterable[str], partitions: dict[str, int]
) -> list[Finding]:
    try:
        deadline = time.monotonic() + LOOK_SECONDS
        found = {
            topic: _look_at_topic(consumer, topic, partitions.get(topic), deadline)
            for topic in topics
        }
        ends = {
            (topic, number): high
            for topic, row in found.items()
            for number, (low, high) in list(enumerate(row.pop("ends")))[:MOST_PARTITIONS]
            if high > low
        }
        for topic, newest in _newest_times(consumer, ends).items():
            found[topic]["newest"] = newest.isoformat()
        return list(found.values())
    finally:
        consumer.close()


def _look_at_topic(
    consumer: Consumer, topic: str, partitions: int | None, deadline: float
) -> Finding:
    """Count the messages of a topic; `fault` says why it cannot be read."""
    row: Finding = {"topic": topic, "partitions": partitions or 0, "ends": [], "fault": ""}
    if time.monotonic() > deadline:
        row["fault"] = "not looked at: the broker answers too slowly"
        return row | {"messages": 0}
    try:
        if partitions is None:
            row["partitions"] = _count_partitions(consumer, topic, _left(deadline))
        for number in range(row["partitions"]):
            place = TopicPartition(topic, number)
            row["ends"].append(consumer.get_watermark_offsets(place, timeout=_left(deadline)))
    except KafkaException as error:
        row["fault"] = say_fault(error.args[0])
    row["messages"] = sum(high - low for low, high in row["ends"])
    return row


def _count_partitions(consumer: Consumer, topic: str, seconds: float) -> int:
    """Ask for one topic by its name: a broker says then whether a right is lacking."""
    about = consumer.list_topics(topic, timeout=seconds).topics[topic]
    if about.error is not None:
        raise KafkaException(about.error)
    return len(about.partitions)


def _newest_times(consumer: Consumer, ends: dict[tuple[str, int], int]) -> dict[str, datetime]:
    """Read the last message of each partition; return the newest time for each topic."""
    waiting = set(ends)
    newest: dict[str, datetime] = {}
    if not waiting:
        return newest
    consumer.assign([TopicPartition(*place, high - 1) for place, high in ends.items()])
    deadline = time.monotonic() + LOOK_SECONDS
    while waiting and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None or message.error() is not None:
            continue
        topic: Any = message.topic()
        waiting.discard((topic, message.partition() or 0))
        kind, milliseconds = message.timestamp()
        if kind != TIMESTAMP_NOT_AVAILABLE:
            when = datetime.fromtimestamp(milliseconds / 1000, UTC)
            newest[topic] = max(when, newest.get(topic, when))
    return newest


def _left(deadline: float) -> float:
    return max(0.1, deadline - time.monotonic())
