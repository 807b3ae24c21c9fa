"""A broker, or a project of Pub/Sub, and what is read from it; those that STREAMS names."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

KAFKA_PORT = ":9092"
KAFKA, PUBSUB = "kafka", "pubsub"
"""The networks, as the schemes of their URLs name them."""
PUBSUB_HOST = "pubsub.googleapis.com"


class SourceError(ValueError):
    """STREAMS is not a list of hop URLs; the message says what is wrong."""


def plain(broker: str) -> str:
    """Return a broker's address without Kafka's usual port, and in small letters.

    It is the one form in which a broker is a key: of positions, reports and messages.
    """
    return broker.lower().removesuffix(KAFKA_PORT)


def split_project(broker: str) -> tuple[str, str]:
    """Return the host[:port] and the project of a source of Pub/Sub."""
    host, _, project = broker.partition("/")
    return host, project


@dataclass(frozen=True, slots=True)
class Source:
    """A broker, what is read from it, and by which user if it has several credentials.

    Of Pub/Sub the broker is `host[:port]/project`, and the topics are subscriptions of the project.

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


Place = tuple[str, str, str]  # a network, a broker and a user


def read_sources(items: Sequence[str]) -> list[Source]:
    """Read hop URLs, split at every comma: an item without a scheme is one more topic.

    Beside them stand URLs of Pub/Sub: `pubsub://project[@host[:port]]/subscription`.

    URLs of one broker and user are read together, as one source.

    Raises
    ------
    SourceError
        If an item is not a hop URL, or names no topic.
    """
    topics: dict[Place, dict[str, None]] = {}
    place = None
    for item in (each.strip() for each in items):
        if "://" in item:
            place, topic = _read_url(item)
        else:
            topic = item
        if place is None or not topic:
            msg = f"STREAMS has {item!r}, which is no kafka://broker/topic"
            raise SourceError(msg)
        topics.setdefault(place, {})[topic] = None
    return [
        Source(broker, tuple(names), user, network=network)
        for (network, broker, user), names in topics.items()
    ]


def read_source(url: str) -> Source:
    """Read one hop URL.

    Raises
    ------
    SourceError
        If it is none, or names no topic.
    """
    return read_sources(url.split(","))[0]


def _read_url(url: str) -> tuple[Place, str]:
    try:
        parts = urlsplit(url)
    except ValueError as error:  # a bracket without its other half
        msg = "STREAMS has an address that is no URL"
        raise SourceError(msg) from error
    topic = parts.path.strip("/")
    if parts.scheme == PUBSUB:
        project, _, host = parts.netloc.partition("@")
        if not project or ":" in project:
            msg = "STREAMS takes pubsub://project[@host[:port]]/subscription, and no password"
            raise SourceError(msg)
        return (PUBSUB, f"{host or PUBSUB_HOST}/{project}".lower(), ""), topic
    user, _, broker = parts.netloc.rpartition("@")
    if parts.scheme != KAFKA or not broker or ":" in user:
        msg = "STREAMS takes kafka://[user@]broker[:port]/topic, and no password"
        raise SourceError(msg)
    return (KAFKA, plain(broker), unquote(user)), topic
