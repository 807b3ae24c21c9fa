"""How long the bytes of survey packets are kept: as a stream's row says, else PACKET_DAYS.

Notices, circulars and other texts are kept for ever.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from tom.forms.registry import batch_forms
from tom.streams.models import AlertMessage, MessageState, Stream
from tom.streams.sources import KAFKA_PORT, plain


def due_packets(now: datetime) -> list[QuerySet[AlertMessage]]:
    """The stored packets past their time: those of each stream, and the others."""
    stored = AlertMessage.objects.filter(kind__in=batch_forms(), state=MessageState.STORED)
    kept = stored.exclude(payload=None, packet_object="")
    own = Q(pk=None)
    due = []
    for stream in Stream.objects.filter(packet_days__isnull=False):
        ours = came_by(stream)
        own |= ours
        due.append((kept.filter(ours), stream.packet_days))
    due.append((kept.exclude(own), settings.PACKET_DAYS))
    # 0: they are kept for ever.
    return [rows.filter(finished__lt=now - timedelta(days=days)) for rows, days in due if days]


def came_by(stream: Stream) -> Q:
    """The messages that came by a stream."""
    # Messages of earlier versions have their broker as somebody wrote it.
    address = plain(stream.address)
    addresses = [address, f"{address}{KAFKA_PORT}", stream.address]
    return Q(broker__in=addresses, topic__in=stream.topics)


def let_go(packets: QuerySet[AlertMessage]) -> None:
    """Let go of the bytes of these packets; their rows stay."""
    packets.update(payload=None, packet_object="", packet_offset=None)
