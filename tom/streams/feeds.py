"""What a listener reads, whatever the network: topics of Kafka, subscriptions of Pub/Sub."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from tom.streams.pulse import Pulse
from tom.streams.sources import Source


class CannotListenError(Exception):
    """There is nothing to read at present; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message as it came. One without a position is known by its bytes alone."""

    topic: str
    payload: bytes
    headers: list[tuple[str, Any]]
    name: str  # its own id; empty: it has none
    sent: datetime | None = None
    partition: int | None = None
    offset: int | None = None


M = TypeVar("M", bound=Received)


class Reads(Protocol[M]):
    """What is fetched and not yet stored. One thread alone uses it."""

    def take(self) -> list[M]:
        """Take what has come, at most a batch; wait a moment if there is nothing."""

    def hold(self, topics: Collection[str]) -> None:
        """Fetch nothing of these topics, and of the others again."""

    def move(self, batch: Collection[M]) -> None:
        """Move our position past a batch, in the transaction that stores it."""

    def mark_kept(self, batch: Collection[M]) -> None:
        """Tell the network that a batch is stored."""

    def put_back(self, batch: Collection[M]) -> None:
        """Put back what could not be stored: it is taken again after a wait."""


class Feed(Protocol[M]):
    """An open connection: what it reads, and how it is."""

    @property
    def reader(self) -> Reads[M]: ...

    def goes_on(self, *, kept: bool) -> bool:
        """Tell the pulse how the network is; false: open the feed again.

        Call it each time round, and say whether a batch was just kept.

        Raises
        ------
        CannotListenError, RefusedError
            If the connection is lost.
        """


OpenFeed = Callable[[Source, Pulse, Callable[[], bool]], AbstractContextManager[Feed[Any]]]
"""Opens the feed of a source; the last argument says whether the listener must end soon."""
