"""What is to be read now: what STREAMS names, and the streams that are switched on."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import QuerySet

from tom.kept_queries import kept_query
from tom.streams.models import Stream, StreamKind
from tom.streams.sources import KAFKA, PUBSUB, Source, plain, read_sources

Row = TypeVar("Row")


def read_now() -> list[Source]:
    """Return every source that is to be read; a topic that STREAMS names is read as it says."""
    fixed = read_sources(settings.STREAMS)
    streams = Stream.objects.with_credentials().filter(active=True).order_by("pk")
    rows = ((stream, stream.address, stream.topics) for stream in streams)
    return [*fixed, *(_source_of(stream, free) for stream, _, free in _free(fixed, rows))]


def keep_row_of(source: Source) -> None:
    """Keep the row of a source that STREAMS names: a filter needs one, and nothing else of it."""
    wanted = {"address": source.broker, "topics": list(source.topics)}
    row, is_new = Stream.objects.get_or_create(
        name=source.fixed_name, defaults={**wanted, "is_fixed": True}
    )
    if not is_new and row.topics != wanted["topics"]:
        Stream.objects.filter(pk=row.pk, is_fixed=True).update(topics=wanted["topics"])


def topics_read_now() -> set[tuple[str, str]]:
    """Return the broker and the topic of all that `read_now` returns: without its credentials."""
    fixed = read_sources(settings.STREAMS)
    rows = ((None, *row) for row in _places_read())
    named = [(source.broker, source.topics) for source in fixed]
    named += [(plain(address), tuple(free)) for _, address, free in _free(fixed, rows)]
    return {(broker, topic) for broker, topics in named for topic in topics}


@kept_query
def _places_read() -> QuerySet[Stream, Any]:
    return Stream.objects.filter(active=True).order_by("pk").values_list("address", "topics")


def _free(
    fixed: Iterable[Source], rows: Iterable[tuple[Row, str, list[str]]]
) -> Iterator[tuple[Row, str, list[str]]]:
    """Yield the rows, each with its address and those of its topics that none before it names."""
    taken = {place for source in fixed for place in places_of(source.broker, source.topics)}
    for row, address, topics in rows:
        free = [topic for topic in topics if (plain(address), topic) not in taken]
        taken |= places_of(address, free)
        if free:
            yield row, address, free


def places_of(broker: str, topics: Collection[str]) -> set[tuple[str, str]]:
    """Return each topic with its broker, in the same form however the broker is written."""
    return {(plain(broker), topic) for topic in topics}


def _source_of(stream: Stream, topics: list[str]) -> Source:
    changed = [stream.changed, stream.credential.changed if stream.credential else None]
    return Source(
        plain(stream.address),
        tuple(topics),
        stream=stream.pk,
        version="|".join(map(str, changed)),
        group=stream.group_id,
        network=network_of(stream),
    )


def network_of(stream: Stream) -> str:
    """Return the network of a stream, as a source has it."""
    return PUBSUB if stream.kind == StreamKind.PUBSUB else KAFKA
