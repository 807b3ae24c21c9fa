"""The door of a stream: what its filter leaves out is counted once and kept nowhere."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.factories import make_credential, make_stream
from tests.peers.kafka import PASSWORD, SHORT_SESSION_SECONDS, USER, KafkaPeer
from tests.streams.packets import CANDID, JD, make_ztf_packet
from tests.streams.quiet import WAIT_SECONDS, listening, nowhere, wait_for
from tests.surveys.lsst.made import make_framed
from tom.sky import cone_ranges
from tom.sky.arrays import IntArray
from tom.streams import bounded, consuming, door
from tom.streams.door import Door, count_outcomes
from tom.streams.models import (
    AlertMessage,
    FilterCount,
    Stream,
    StreamFilter,
    StreamPosition,
    TopicMinute,
)
from tom.streams.rules import Outcome
from tom.streams.services import Incoming

pytestmark = pytest.mark.django_db(transaction=True)
PROJECT = Path(__file__).resolve().parents[2]
NIGHT = date(2025, 12, 31)  # of JD, 2026-01-01 06:00 UTC


@pytest.fixture(autouse=True)
def short_session(monkeypatch) -> None:
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)


@pytest.fixture
def stream() -> Stream:
    return make_stream(topics=["ztf_test"], active=True)


def switch_on(stream: Stream, **conditions: object) -> StreamFilter:
    return StreamFilter.objects.create(stream=stream, began=timezone.now(), **conditions)


def packet(number: int, **values: object) -> bytes:
    return make_ztf_packet(candid=CANDID + number, **values)


def incoming(*payloads: bytes, topic: str = "ztf_test") -> list[Incoming]:
    return [Incoming(topic, payload, 0, number) for number, payload in enumerate(payloads)]


def counts() -> dict[str, int]:
    return dict(FilterCount.objects.order_by("outcome").values_list("outcome", "messages"))


def test_without_a_filter_everything_passes_and_no_packet_is_opened(stream: Stream, monkeypatch):
    StreamFilter.objects.create(stream=stream, least_reliability=1.0)  # a draft
    StreamFilter.objects.create(
        stream=stream, least_reliability=1.0, began=timezone.now(), ended=timezone.now()
    )
    monkeypatch.setattr(door, "identify", None)
    batch = incoming(packet(1), packet(2))

    found = Door(stream.pk, nowhere).sort(batch)

    assert (found.passed, found.left_out, found.counted) == (batch, (), {})
    assert Door("STREAMS kafka.example.org", nowhere).sort(batch).passed == batch


def test_a_filter_leaves_out_what_fails_it_and_says_why(stream: Stream):
    chosen = switch_on(stream, least_reliability=0.5, faintest=20.0, no_solar_system=True)
    batch = incoming(
        packet(1, drb=0.9), packet(2, drb=0.1), packet(3, magpsf=20.5), packet(4, ssnamenr="7"),
        packet(5, drb=0.1, jd=JD + 1.0),
    )  # fmt: skip

    found = Door(stream.pk, nowhere).sort(batch)

    assert (found.passed, found.left_out) == (batch[:1], batch[1:])
    assert found.filter_id == chosen.pk
    assert found.counted == {
        (NIGHT, Outcome.PASSED): 1,
        (NIGHT, Outcome.RELIABILITY): 1,
        (NIGHT, Outcome.MAGNITUDE): 1,
        (NIGHT, Outcome.SOLAR_SYSTEM): 1,
        (date(2026, 1, 1), Outcome.RELIABILITY): 1,
    }


def test_packets_of_rubin_are_judged_too():
    stream = make_stream(topics=["lsst-alerts-v11"])
    switch_on(stream, least_reliability=0.5)
    batch = incoming(
        make_framed(reliability=0.2), make_framed(reliability=0.8), make_framed(reliability=None),
        topic="lsst-alerts-v11",
    )  # fmt: skip

    found = Door(stream.pk, nowhere).sort(batch)

    assert found.passed == batch[1:]


def test_what_is_no_survey_packet_or_cannot_be_read_passes(stream: Stream):
    switch_on(stream, least_reliability=1.0)
    sound = packet(1)
    batch = [
        *incoming(sound[:2000], make_ztf_packet(magpsf=None), b"Obj\x01garbage", b"", sound),
        *incoming(b'{"title": "a text"}', topic="gcn.circulars"),
    ]

    found = Door(stream.pk, nowhere).sort(batch)

    assert found.left_out == batch[4:5]
    assert found.passed == [*batch[:4], batch[5]]
    unread = [n for (_, outcome), n in found.counted.items() if outcome is Outcome.UNREAD]
    assert unread == [4]


def test_a_reader_that_fails_oddly_stops_no_stream(stream: Stream, monkeypatch):
    switch_on(stream, least_reliability=1.0)

    def fail(_: bytes) -> None:
        raise RecursionError

    form = door.forms()["ztf.avro"]
    monkeypatch.setattr(door, "forms", lambda: {form.name: replace(form, read_trigger=fail)})
    batch = incoming(packet(1))

    assert Door(stream.pk, nowhere).sort(batch).passed == batch


def test_a_filter_that_was_changed_or_deleted_counts_within_a_second(stream: Stream, monkeypatch):
    monkeypatch.setattr(door, "LOOK_SECONDS", 0.2)
    gate, batch = Door(stream.pk, nowhere), incoming(packet(1, drb=0.5))
    chosen = switch_on(stream, least_reliability=0.9)
    assert gate.sort(batch).left_out == batch

    time.sleep(0.3)
    StreamFilter.objects.update(least_reliability=0.4)
    assert gate.sort(batch).passed == batch
    time.sleep(0.3)
    chosen.delete()
    assert gate.sort(batch).counted == {}


def test_regions_are_asked_for_only_by_a_filter_that_needs_them_and_not_each_time(stream: Stream):
    asked: list[datetime] = []

    def here(now: datetime) -> IntArray:
        asked.append(now)
        return cone_ranges(ra=150.1, dec=2.2, radius_arcsec=3600)

    gate = Door(stream.pk, here)
    chosen = switch_on(stream)
    gate.sort(incoming(packet(1)))
    assert asked == []
    StreamFilter.objects.filter(pk=chosen.pk).update(in_regions=True)

    gate = Door(stream.pk, here)
    inside, outside = incoming(packet(1), packet(2, ra=200.0))
    for _ in range(3):
        found = gate.sort([inside, outside])

    assert (found.passed, found.left_out) == ([inside], [outside])
    assert len(asked) == 1
    assert asked[0].tzinfo is UTC


def test_a_stream_has_one_filter_in_force_and_one_draft(stream: Stream):
    switch_on(stream)
    StreamFilter.objects.create(stream=stream)

    for began in (timezone.now(), None):
        with pytest.raises(IntegrityError), transaction.atomic():
            StreamFilter.objects.create(stream=stream, began=began)


def test_counts_add_up_over_batches(stream: Stream):
    switch_on(stream, least_reliability=0.5)
    gate = Door(stream.pk, nowhere)

    for _ in range(2):
        count_outcomes(gate.sort(incoming(packet(1), packet(2, drb=0.1), packet(3, drb=0.2))))

    assert counts() == {"passed": 2, "reliability": 4}


# --- With a broker ----------------------------------------------------------------------------
def stream_of(kafka: KafkaPeer, topic: str) -> Stream:
    return make_stream(
        topics=[topic],
        address=kafka.address,
        authority=kafka.ca_file.read_text(),
        credential=make_credential(host="localhost", username=USER, secret=PASSWORD),
        consumer_group=f"{USER}-{uuid.uuid4().hex[:8]}",
        active=True,
    )


def new_topic(kafka: KafkaPeer, partitions: int = 1) -> str:
    return kafka.create_topic(f"ztf_{uuid.uuid4().hex[:8]}", partitions=partitions)


@contextmanager
def listener_process(stream: Stream, *moment: str) -> Iterator[subprocess.Popen[bytes]]:
    database = connection.settings_dict["NAME"]
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.streams.listener_process"),
            *(database, f"stream:{stream.pk}", *moment),
        ],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tom.settings"},
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def n_read() -> int:
    return sum(StreamPosition.objects.exclude(offset=None).values_list("offset", flat=True))


@pytest.mark.kafka
def test_what_is_left_out_is_counted_and_kept_nowhere(kafka: KafkaPeer, settings):
    topic = new_topic(kafka)
    stream = stream_of(kafka, topic)
    switch_on(stream, least_reliability=0.5)
    sent = [packet(number, drb=0.9 if number % 5 == 0 else 0.1) for number in range(40)]
    kafka.produce(topic, [*sent, b"no packet"])

    with listening(stream):
        wait_for(lambda: n_read() == 41)
        wait_for(lambda: TopicMinute.objects.exists())

    kept = AlertMessage.objects.filter(topic=topic).values_list("offset", flat=True)
    assert sorted(kept) == [*range(0, 40, 5), 40]
    assert counts() == {"passed": 8, "reliability": 32, "unread": 1}
    [minutes] = {each.health_id for each in TopicMinute.objects.all()}
    rows = TopicMinute.objects.filter(health=minutes)
    assert (sum(row.messages for row in rows), sum(row.left_out for row in rows)) == (41, 32)


@pytest.mark.kafka
@pytest.mark.parametrize("moment", ["stored", "committed"])
def test_a_listener_that_dies_counts_each_packet_once(kafka: KafkaPeer, moment: str):
    topic = new_topic(kafka)
    stream = stream_of(kafka, topic)
    switch_on(stream, least_reliability=0.5)
    kafka.produce(topic, [packet(number, drb=number % 2 / 1) for number in range(30)])
    with listener_process(stream, moment) as child:
        child.wait(WAIT_SECONDS)
    assert child.returncode == -signal.SIGKILL

    with listening(stream):
        wait_for(lambda: n_read() == 30)

    assert counts() == {"passed": 15, "reliability": 15}
    assert AlertMessage.objects.filter(topic=topic).count() == 15


@pytest.mark.kafka
def test_a_batch_that_cannot_be_stored_is_counted_once_it_is(kafka: KafkaPeer, monkeypatch):
    monkeypatch.setattr(bounded, "STATEMENT_SECONDS", 0.3)
    topic = new_topic(kafka)
    stream = stream_of(kafka, topic)
    chosen = switch_on(stream, least_reliability=0.5)
    FilterCount.objects.create(filter=chosen, night=NIGHT, outcome="reliability", messages=100)
    kafka.produce(topic, [packet(number, drb=0.1) for number in range(10)])
    with listening(stream):
        with transaction.atomic():
            FilterCount.objects.select_for_update().get()  # another transaction counts, for long
            wait_for(lambda: StreamPosition.objects.exists())
            time.sleep(2)
            assert n_read() == 0
        wait_for(lambda: n_read() == 10)

    assert counts() == {"reliability": 110}
