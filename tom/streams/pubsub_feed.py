"""The subscriptions of a project of Google Pub/Sub.

Pub/Sub has no positions: it gives a message again until the message is acknowledged, and sometimes
once more. It is acknowledged after the commit, and one that comes again adds no row, for its bytes
are there. One thread stores; a pull waits for a first message, so each subscription has a thread of
its own that pulls when it is asked to.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from tom.streams.consuming import BATCH, BATCH_BYTES, FIRST_REST, LONGEST_REST, TAKE_SECONDS
from tom.streams.feeds import CannotListenError
from tom.streams.pubsub_account import Account, find_account
from tom.streams.pubsub_api import FromPubSub, PubSubError, Subscriber
from tom.streams.pulse import Pulse
from tom.streams.sources import Source
from tom.streams.watch import CHECK_SECONDS

LEASE_SECONDS: Final = 60
"""So long Pub/Sub gives to nobody else what we have pulled; while it waits here, longer."""
STILL_HERE: Final = "messages are stored, and Pub/Sub was not told: they come again"


@contextmanager
def pubsub_feed(source: Source, pulse: Pulse, _: Callable[[], bool]) -> Iterator["PubSubFeed"]:
    """Read the subscriptions of a source for as long as the block runs.

    Raises
    ------
    CredentialError
        If there is no usable key.
    CannotListenError
        If reading one of them has broken off.
    """
    reader = Subscriptions(find_account(source), source.topics)
    try:
        yield PubSubFeed(reader, pulse)
    finally:
        reader.close()


class PubSubFeed:
    """What is read, and the pulse that hears how each subscription is."""

    def __init__(self, reader: "Subscriptions", pulse: Pulse) -> None:
        self.reader = reader
        self._pulse = pulse
        self._next_report = 0.0

    def goes_on(self, *, kept: bool) -> bool:
        """Tell the pulse what each subscription answered; always true.

        Raises
        ------
        CannotListenError
            If a thread that pulls has ended.
        """
        for subscription, fault in self.reader.take_news().items():
            if fault:
                self._pulse.complain(fault, topics=[subscription])
            else:
                self._pulse.hear([subscription])
        if time.monotonic() >= self._next_report:  # nothing is pulled of what is held
            self._next_report = time.monotonic() + CHECK_SECONDS
            self._pulse.repeat()
        return True


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull brought, or what was wrong with it."""

    subscription: str
    messages: Sequence[FromPubSub] = ()
    fault: str = ""


class Puller(threading.Thread):
    """Pulls one subscription, once each time that it is asked."""

    def __init__(self, account: Account, subscription: str, given: SimpleQueue[Pulled]) -> None:
        super().__init__(name=f"pull {subscription}", daemon=True)
        self._subscriber = account.open()
        self._subscription = subscription
        self._given = given
        self._asked = threading.Event()
        self._ended = threading.Event()
        self._is_well = False  # known to answer: then a pull may wait long

    def ask(self) -> None:
        self._asked.set()

    def end(self) -> None:
        """Have it end once its pull is over; what that brings is given back."""
        self._ended.set()
        self._asked.set()

    def run(self) -> None:
        while self._asked.wait() and not self._ended.is_set():
            self._asked.clear()
            pulled = self._pull()
            if self._ended.is_set():
                _keep(self._subscriber, pulled.messages, seconds=0)
            else:
                self._given.put(pulled)
        self._subscriber.close()

    def _pull(self) -> Pulled:
        pull = self._subscriber.wait if self._is_well else self._subscriber.look
        try:
            messages = pull(self._subscription)
        except PubSubError as error:
            self._is_well = False
            return Pulled(self._subscription, fault=str(error))
        self._is_well = True
        _keep(self._subscriber, messages, seconds=LEASE_SECONDS)
        return Pulled(self._subscription, messages)


class Subscriptions:
    """What is pulled of some subscriptions and not yet stored."""

    def __init__(self, account: Account, names: Collection[str]) -> None:
        self._subscriber = account.open()
        self._given: SimpleQueue[Pulled] = SimpleQueue()
        self._pullers = {name: Puller(account, name, self._given) for name in names}
        self._idle = dict.fromkeys(names, 0.0)  # and from when each may be asked
        self._rests = dict.fromkeys(names, 0.0)  # how long each waits after its newest fault
        self._held: set[str] = set()
        self._news: dict[str, str] = {}
        self._waiting: deque[FromPubSub] = deque()
        self._rest = 0.0  # how long it last waited for the keeping to succeed
        self._rests_until = 0.0
        for puller in self._pullers.values():
            puller.start()

    def close(self) -> None:
        """Pull no more. What was pulled and not stored is given back."""
        for puller in self._pullers.values():
            puller.end()
        self._receive(0)
        _keep(self._subscriber, self._waiting, seconds=0)
        self._subscriber.close()

    def take_news(self) -> dict[str, str]:
        """Return what was heard of subscriptions since it was last asked: a fault, or empty.

        Raises
        ------
        CannotListenError
            If a thread that pulls has ended.
        """
        if not all(puller.is_alive() for puller in self._pullers.values()):
            msg = "reading has broken off: look at the ingester's log"
            raise CannotListenError(msg)
        news, self._news = self._news, {}
        return news

    def take(self) -> list[FromPubSub]:
        """Take what has come, at most a batch; wait a moment if there is nothing."""
        if time.monotonic() < self._rests_until:
            time.sleep(TAKE_SECONDS)
            return []
        if not self._waiting:
            self._ask()
            self._receive(TAKE_SECONDS)
        batch: list[FromPubSub] = []
        size = 0
        while self._waiting and len(batch) < BATCH and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].payload)
        return batch

    def hold(self, topics: Collection[str]) -> None:
        """Pull nothing of these subscriptions."""
        self._held = set(topics)

    def move(self, batch: Collection[FromPubSub]) -> None:
        """Do nothing: there is no position. The rows themselves say what is stored."""

    def mark_kept(self, batch: Collection[FromPubSub]) -> None:
        """Acknowledge what is stored; what Pub/Sub does not hear of comes again."""
        self._rest = self._rests_until = 0.0
        for subscription, ack_ids in _by_subscription(batch).items():
            try:
                self._subscriber.acknowledge(subscription, ack_ids)
            except PubSubError as error:
                self._news[subscription] = f"{STILL_HERE}. {str(error).capitalize()}"

    def put_back(self, batch: Collection[FromPubSub]) -> None:
        """Put back what could not be stored: it is taken again after a wait, longer each time.

        It is not given back to Pub/Sub, which counts how often a message was given in vain.
        """
        self._waiting.extendleft(reversed(list(batch)))
        self._rest = min(max(FIRST_REST, 2 * self._rest), LONGEST_REST)
        self._rests_until = time.monotonic() + self._rest
        self._receive(0)
        _keep(self._subscriber, self._waiting, seconds=LEASE_SECONDS)

    def _ask(self) -> None:
        """Have those pulled that are idle, may be asked and are not held."""
        now = time.monotonic()
        for name in [name for name, since in self._idle.items() if since <= now]:
            if name not in self._held:
                del self._idle[name]
                self._pullers[name].ask()

    def _receive(self, seconds: float) -> None:
        """Take in what was pulled; wait so long for a first pull."""
        with suppress(Empty):
            self._note(self._given.get(block=seconds > 0, timeout=seconds))
            while True:
                self._note(self._given.get(block=False))

    def _note(self, pulled: Pulled) -> None:
        name = pulled.subscription
        rest = min(max(FIRST_REST, 2 * self._rests[name]), LONGEST_REST) if pulled.fault else 0.0
        self._rests[name] = rest
        self._idle[name] = time.monotonic() + rest
        self._news[name] = pulled.fault
        self._waiting.extend(pulled.messages)


def _by_subscription(messages: Collection[FromPubSub]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for message in messages:
        found.setdefault(message.topic, []).append(message.ack_id)
    return found


def _keep(subscriber: Subscriber, messages: Collection[FromPubSub], *, seconds: int) -> None:
    """Have Pub/Sub wait for these; where it does not hear of it, it gives them to us again."""
    for subscription, ack_ids in _by_subscription(messages).items():
        with suppress(PubSubError):
            subscriber.keep(subscription, ack_ids, seconds=seconds)
