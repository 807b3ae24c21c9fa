"""What STREAMS names has a filter like any stream, and is changed in the environment alone."""

import uuid
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_lead, make_observer, make_stream
from tests.peers.kafka import SHORT_SESSION_SECONDS, KafkaPeer
from tests.streams.packets import CANDID, make_ztf_packet
from tests.streams.quiet import listening, wait_for
from tom.streams import consuming
from tom.streams.models import AlertMessage, FilterCount, Stream, StreamFilter, StreamPosition
from tom.streams.reading import keep_row_of, read_now
from tom.streams.sources import read_source

pytestmark = pytest.mark.django_db(transaction=True)
URL = "kafka://kafka.example.org:9092/ztf_a,ztf_b"


@pytest.fixture
def row(settings) -> Stream:
    """The row of what STREAMS names, as its listener keeps it."""
    settings.STREAMS = URL.split(",")
    [source] = read_now()
    keep_row_of(source)
    return Stream.objects.get()


def test_its_row_is_kept_once_follows_its_topics_and_is_not_read_besides(row: Stream, settings):
    settings.STREAMS = [URL.partition(",")[0]]
    [source] = read_now()
    keep_row_of(source)

    kept = Stream.objects.get()
    assert (kept.pk, kept.topics, kept.address) == (row.pk, ["ztf_a"], "kafka.example.org")
    assert (kept.is_fixed, kept.active) == (True, False)


def test_a_lead_filters_it_and_changes_nothing_else_of_it(row: Stream, client: Client):
    client.force_login(make_lead())
    page = client.get("/streams/").content.decode()
    assert f"/streams/{row.pk}/filter/" in page
    assert page.count('class="panel stream"') == 1

    assert client.get(f"/streams/{row.pk}/filter/").status_code == 200
    assert client.post(f"/streams/{row.pk}/filter/", {"faintest": "20"}).status_code == 302
    assert StreamFilter.objects.get(stream=row).faintest == 20
    for address in (f"/streams/{row.pk}/", *(f"/streams/{row.pk}/{do}/" for do in OTHERS)):
        assert client.post(address).status_code == 404, address
    assert Stream.objects.get().is_fixed


OTHERS = ("start", "stop", "test", "delete")


def test_others_find_no_way_to_its_filter(row: Stream, client: Client):
    client.force_login(make_observer())

    assert "/filter/" not in client.get("/streams/").content.decode()
    assert client.get(f"/streams/{row.pk}/filter/").status_code == 403


def test_a_stream_that_somebody_entered_by_that_name_lends_it_no_filter(settings):
    source = read_source(URL)
    entered = make_stream(source.fixed_name, topics=["ztf_a"])
    StreamFilter.objects.create(stream=entered, began=timezone.now(), faintest=1.0)
    from tom.streams.door import filter_in_force

    assert filter_in_force(source.fixed_name) is None
    assert filter_in_force(entered.pk) is not None


@pytest.mark.kafka
def test_what_its_filter_leaves_out_is_counted_and_not_kept(
    kafka: KafkaPeer, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    kafka.write_credentials(tmp_path)
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)
    topic = kafka.create_topic(f"ztf_{uuid.uuid4().hex[:8]}")
    source = read_source(kafka.url(topic))
    keep_row_of(source)
    StreamFilter.objects.create(
        stream=Stream.objects.get(), began=timezone.now(), least_reliability=0.5
    )
    kafka.produce(
        topic, [make_ztf_packet(candid=CANDID + n, drb=0.2 if n % 2 else 0.9) for n in range(6)]
    )

    with listening(kafka.url(topic)):
        wait_for(lambda: StreamPosition.objects.filter(topic=topic, offset=6).exists())

    assert AlertMessage.objects.filter(topic=topic).count() == 3
    counted = dict(FilterCount.objects.values_list("outcome", "messages"))
    assert counted == {"passed": 3, "reliability": 3}
