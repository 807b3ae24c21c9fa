"""A broker and what is read from it; those that the setting STREAMS names."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

KAFKA_PORT = ":9092"
KAFKA = "kafka"
"""A network, as the scheme of its URLs names it."""


class SourceError(ValueError):
    """STREAMS is not a list of hop URLs; the message says what is wrong."""


def plain(broker: str) -> str:
    """Return a broker's address without Kafka's usual port, and in small letters.

    It is the one form in which a broker is a key: of positions, reports and messages.
    """
    return broker.lower().removesuffix(KAFKA_PORT)


@dataclass(frozen=True, slots=True)
class Source:
    """A broker, what is read from it, and by which user if it has several credentials.

    `stream` is the key of the row that it comes from, if it comes from one; `version` is another
    one whenever that row or its credential was changed.
    """

    broker: str
    topics: tuple[str, ...]
    username: str = ""
    stream: int | None = None
    version: str = ""
    group: int | None = None  # whose members alone see what comes
    network: str = KAFKA

    @property
    def fixed_name(self) -> str:
        """The name of the row that holds its filter, where STREAMS names it."""
        user = f"{self.username}@" if self.username else ""
        return f"STREAMS {user}{self.broker}"[:100]

    @property
    def url(self) -> str:
        return f"{self.network}://{self.broker}/{','.join(self.topics)}"


def read_sources(items: Sequence[str]) -> list[Source]:
    """Read hop URLs, split at every comma: an item without a scheme is one more topic.

    URLs of one broker and user are read together, as one source.

    Raises
    ------
    SourceError
        If an item is not a hop URL, or names no topic.
    """
    topics: dict[tuple[str, str], dict[str, None]] = {}
    place = None
    for item in (each.strip() for each in items):
        if "://" in item:
            place, topic = _read_url(item)
        else:
            topic = item
        if place is None or not topic:
            msg = f"STREAMS has {item!r}, which is not a kafka://broker/topic"
            raise SourceError(msg)
        topics.setdefault(place, {})[topic] = None
    return [Source(broker, tuple(names), user) for (broker, user), names in topics.items()]


def read_source(url: str) -> Source:
    """Read one hop URL.

    Raises
    ------
    SourceError
        If it is none, or names no topic.
    """
    return read_sources(url.split(","))[0]


def _read_url(url: str) -> tuple[tuple[str, str], str]:
    try:
        parts = urlsplit(url)
    except ValueError as error:  # a bracket without its other half
        msg = "STREAMS has an address that is no URL"
        raise SourceError(msg) from error
    user, _, broker = parts.netloc.rpartition("@")
    if parts.scheme != "kafka" or not broker or ":" in user:
        msg = "STREAMS takes kafka://[user@]broker[:port]/topic, and no password"
        raise SourceError(msg)
    return (plain(broker), unquote(user)), parts.path.strip("/")
