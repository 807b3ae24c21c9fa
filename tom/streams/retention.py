"""How long the bytes of survey packets are kept: as a stream's row says, else PACKET_DAYS.

Notices, circulars and other texts are kept for ever.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from tom.forms.registry import batch_forms
from tom.streams.models import AlertMessage, MessageState, Stream
from tom.streams.reading import KAFKA_PORT


def let_packets_go(now: datetime) -> None:
    """Let go of the bytes of stored packets past their time; the rows stay."""
    stored = AlertMessage.objects.filter(kind__in=batch_forms(), state=MessageState.STORED)
    kept = stored.exclude(payload=None, packet_object="")
    own = Q(pk=None)
    for stream in Stream.objects.filter(packet_days__isnull=False):
        ours = came_by(stream)
        own |= ours
        _let_go(kept.filter(ours), now, stream.packet_days)
    _let_go(kept.exclude(own), now, settings.PACKET_DAYS)


def came_by(stream: Stream) -> Q:
    """The messages that came by a stream."""
    addresses = [stream.address, f"{stream.address}{KAFKA_PORT}"]
    return Q(broker__in=addresses, topic__in=stream.topics)


def _let_go(rows: QuerySet[AlertMessage], now: datetime, days: int | None) -> None:
    """Let go of what was stored so many days ago; 0: of nothing."""
    if days:
        past = rows.filter(finished__lt=now - timedelta(days=days))
        past.update(payload=None, packet_object="", packet_offset=None)
