"""How long packets are kept: as their stream says, else as the site does; notices for ever."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_stream
from tests.streams.packets import CANDID, make_gwalert_json, make_ztf_packet
from tom.letting_go import let_packets_go
from tom.streams.models import AlertMessage, MessageState
from tom.streams.packets import read_packet
from tom.streams.services import Incoming, store_messages

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def store(topic: str, payload: bytes, *, broker: str, days: int = 40) -> AlertMessage:
    """A message that was stored so many days ago."""
    [pk] = store_messages([Incoming(topic, payload, 0, 1, broker=broker)]).all_ids
    when = NOW - timedelta(days=days)
    AlertMessage.objects.filter(pk=pk).update(state=MessageState.STORED, finished=when)
    return AlertMessage.objects.get(pk=pk)


def is_kept(row: AlertMessage) -> bool:
    row.refresh_from_db()
    return row.has_bytes and read_packet(row) != b""


@pytest.mark.parametrize(
    ("stream_days", "site_days", "kept"),
    [
        *((None, 30, False), (None, 50, True), (None, 0, True)),
        *((50, 30, True), (30, 50, False), (30, 0, False), (0, 30, True)),
    ],
)
@pytest.mark.parametrize("broker", ["kafka.example.org", "kafka.example.org:9092"])
def test_a_stream_says_how_long_its_packets_are_kept(
    settings, stream_days: int | None, site_days: int, kept: bool, broker: str
):
    settings.PACKET_DAYS = site_days
    make_stream(topics=["ztf_a", "ztf_b"], packet_days=stream_days)
    row = store("ztf_a", make_ztf_packet(), broker=broker)

    let_packets_go(NOW)

    assert is_kept(row) is kept


def test_a_stream_says_nothing_of_other_topics_and_brokers(settings):
    settings.PACKET_DAYS = 50
    make_stream(topics=["ztf_a"], packet_days=10)
    make_stream(topics=["ztf_b"], packet_days=20)
    rows = [
        store(topic, make_ztf_packet(candid=CANDID + number), broker=broker)
        for number, (topic, broker) in enumerate(
            [("ztf_c", "kafka.example.org"), ("ztf_a", "another.example.org"), ("ztf_a", "")]
        )
    ]

    let_packets_go(NOW)

    assert all(map(is_kept, rows))


def test_notices_are_kept_for_ever_whatever_a_stream_says(settings):
    settings.PACKET_DAYS = 1
    make_stream(topics=["igwn.gwalert", "gcn.circulars"], packet_days=1)
    notice = store("igwn.gwalert", make_gwalert_json(), broker="kafka.example.org", days=4000)
    text = store("gcn.circulars", b'{"title": "x"}', broker="kafka.example.org", days=4000)

    let_packets_go(NOW)

    assert is_kept(notice)
    assert is_kept(text)
