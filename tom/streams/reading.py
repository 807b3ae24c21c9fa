"""What is to be read now: what STREAMS names, and the streams that are switched on."""

from django.conf import settings

from tom.streams.models import Stream
from tom.streams.sources import Source, read_sources

KAFKA_PORT = ":9092"


def read_now() -> list[Source]:
    """Return every source that is to be read; a topic that STREAMS names is read as it says."""
    fixed = read_sources(settings.STREAMS)
    taken = {place for source in fixed for place in places_of(source.broker, source.topics)}
    found = list(fixed)
    for stream in Stream.objects.with_credentials().filter(active=True).order_by("pk"):
        free = [topic for topic in stream.topics if (plain(stream.address), topic) not in taken]
        taken |= places_of(stream.address, free)
        if free:
            found.append(_source_of(stream, free))
    return found


def places_of(broker: str, topics: list[str] | tuple[str, ...]) -> set[tuple[str, str]]:
    """Return each topic with its broker, in the same form however the broker is written."""
    return {(plain(broker), topic) for topic in topics}


def plain(broker: str) -> str:
    """Return a broker's address without Kafka's usual port, and in small letters."""
    return broker.lower().removesuffix(KAFKA_PORT)


def _source_of(stream: Stream, topics: list[str]) -> Source:
    changed = [stream.changed, stream.credential.changed if stream.credential else None]
    return Source(
        stream.address,
        tuple(topics),
        stream=stream.pk,
        version="|".join(map(str, changed)),
        group=stream.group_id,
    )
