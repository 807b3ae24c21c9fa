"""Raw survey packets lie outside the database, and are read from there everywhere."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
import requests
from django.utils import timezone

from tests import factories
from tests.peers.kafka import SHORT_SESSION_SECONDS, KafkaPeer
from tests.peers.s3 import running_s3
from tests.streams.packets import CANDID, make_circular, make_ztf_packet
from tests.streams.quiet import listening, wait_for
from tom import intake
from tom.streams import consuming, packets
from tom.streams.claims import replay_message
from tom.streams.models import AlertMessage, MessageState, StreamHealth, StreamPosition
from tom.streams.packets import ORPHAN_HOURS, PacketGoneError, read_packet, sweep_packets
from tom.streams.services import Incoming, store_messages
from tom.sweeping import prune
from tom.targets.models import SurveyObject

pytestmark = pytest.mark.django_db
TOPIC = "ztf_20260101_programid1"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.PACKET_STORE = str(tmp_path / "packets")
    return tmp_path / "packets"


def packet(number: int) -> bytes:
    return make_ztf_packet(object_id=f"ZTF26aaaaaa{'abcdefghij'[number]}", candid=CANDID + number)


def store(*payloads: bytes, topic: str = TOPIC) -> list[AlertMessage]:
    ids = store_messages([Incoming(topic, payload) for payload in payloads]).all_ids
    return list(AlertMessage.objects.filter(pk__in=ids).order_by("pk"))


def objects(folder: Path) -> list[str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [str(path.relative_to(folder)) for path in files]


def later() -> object:
    return timezone.now() + timedelta(hours=ORPHAN_HOURS + 1)


def test_a_batch_of_packets_is_one_object_and_no_row_holds_their_bytes(folder: Path):
    sent = [packet(number) for number in range(3)]

    rows = store(*sent)

    [name] = objects(folder)
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\d{12}-[0-9a-f]{16}", name)
    assert (folder / name).read_bytes() == b"".join(sent)
    assert [row.payload for row in rows] == [None] * 3
    assert [read_packet(row) for row in rows] == sent


def test_notices_and_circulars_stay_in_their_rows(folder: Path):
    [row] = store(make_circular(), topic="gcn.circulars")

    assert bytes(row.payload) == make_circular()
    assert read_packet(row) == make_circular()
    assert not folder.exists()


def test_what_nobody_knows_is_a_row_only_while_it_is_small(folder: Path):
    small, large = store(b"small", b"large" * 10_000, topic="some.topic")

    assert (bytes(small.payload), large.payload) == (b"small", None)
    assert read_packet(large) == b"large" * 10_000


def test_a_packet_without_bytes_stays_a_row(folder: Path):
    [row] = store(b"")

    assert (read_packet(row), row.packet_object) == (b"", "")


def test_packets_that_are_known_are_not_written_again(folder: Path):
    store(packet(0), packet(1))
    [first] = objects(folder)

    [row] = store(packet(0), packet(1), packet(2))

    [second] = set(objects(folder)) - {first}
    assert (folder / second).read_bytes() == packet(2)
    assert read_packet(row) == packet(2)


def test_a_packet_becomes_a_target_from_the_store(folder: Path):
    rows = store(packet(0), packet(1))

    assert intake.work_alerts()

    assert SurveyObject.objects.count() == 2
    states = AlertMessage.objects.filter(pk__in=[row.pk for row in rows])
    assert set(states.values_list("state", flat=True)) == {MessageState.STORED}


def test_a_row_from_before_the_store_is_still_read():
    message = factories.make_message(
        packet(0), topic=TOPIC, kind="ztf.avro", state=MessageState.RECEIVED
    )

    intake.work_alerts()

    message.refresh_from_db()
    assert (message.state, read_packet(message)) == (MessageState.STORED, packet(0))


def test_a_packet_whose_bytes_are_lost_is_a_dead_letter_and_the_others_are_stored(folder: Path):
    [lost] = store(packet(0))
    (folder / objects(folder)[0]).unlink()
    [well] = store(packet(1))

    intake.work_alerts()

    lost.refresh_from_db()
    well.refresh_from_db()
    assert (lost.state, lost.reason) == (
        MessageState.DEAD, "the store of packets has lost its bytes"
    )  # fmt: skip
    assert well.state == MessageState.STORED


def test_an_object_that_was_cut_short_is_lost_too(folder: Path):
    _, second = store(packet(0), packet(1))
    path = folder / objects(folder)[0]
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(PacketGoneError):
        read_packet(second)


def test_while_the_store_is_away_messages_wait_and_no_attempt_is_counted(folder: Path, settings):
    [row] = store(packet(0))
    here = settings.PACKET_STORE
    settings.PACKET_STORE = "s3://nowhere/at-all"  # no credential, and no such place

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT", "http://127.0.0.1:9")
        patch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "something")
        patch.setattr(packets, "SECONDS", 1)
        assert not intake.work_alerts()

    row.refresh_from_db()
    assert (row.state, row.attempts) == (MessageState.RECEIVED, 0)
    assert "store of packets" in row.reason
    settings.PACKET_STORE = here
    intake.work_alerts()
    row.refresh_from_db()
    assert row.state == MessageState.STORED


def test_an_orphan_is_swept_and_what_a_row_needs_is_not(folder: Path):
    store(packet(0))
    [needed] = objects(folder)
    [orphan] = store(packet(1))
    orphan.delete()

    assert sweep_packets(timezone.now()) == 0  # its rows may come yet
    assert len(objects(folder)) == 2
    assert sweep_packets(later()) == 1
    assert objects(folder) == [needed]


def test_a_sweep_reads_the_newest_days_and_one_earlier_day_in_turn(folder: Path, monkeypatch):
    days = [f"2025/{month:02d}/{day:02d}" for month in (11, 12) for day in range(1, 6)]
    for day in days:
        for number in range(2):
            (folder / day).mkdir(parents=True, exist_ok=True)
            (folder / day / f"orphan-{number}").write_bytes(b"x")
    read: list[str] = []
    listed = obstore.list

    def note(store, prefix, **options):
        read.append(prefix)
        return listed(store, prefix, **options)

    monkeypatch.setattr(obstore, "list", note)

    first = sweep_packets(later())
    before = [*read]
    for hour in range(1, len(days)):
        sweep_packets(later() + timedelta(hours=hour))

    assert first == 6
    assert before[:2] == days[-2:]
    assert before[2] in days[:-2]
    assert len(before) == 3
    assert objects(folder) == []


def test_an_object_goes_with_the_last_message_that_needs_it(folder: Path, settings):
    settings.PACKET_DAYS = 30
    old, dead = store(packet(0), packet(1))
    long_ago = timezone.now() - timedelta(days=31)
    rows = AlertMessage.objects.all()
    rows.filter(pk=old.pk).update(state=MessageState.STORED, finished=long_ago)
    rows.filter(pk=dead.pk).update(state=MessageState.DEAD, finished=long_ago)

    prune()
    assert sweep_packets(later()) == 0
    old.refresh_from_db()
    assert (old.has_bytes, read_packet(old)) == (False, b"")
    assert read_packet(dead) == packet(1)

    rows.filter(pk=dead.pk).update(state=MessageState.STORED)
    prune()
    assert sweep_packets(later()) == 1
    assert objects(folder) == []


def test_a_packet_is_replayed_from_the_store(folder: Path):
    [row] = store(packet(0))
    intake.work_alerts()
    SurveyObject.objects.all().delete()

    assert replay_message(row)
    intake.work_alerts()

    assert SurveyObject.objects.count() == 1


def test_a_page_shows_and_hands_out_what_the_store_has(folder: Path, client):
    [row] = store(packet(0))
    client.force_login(factories.make_admin())

    shown = client.get(f"/messages/{row.pk}/").text
    given = client.get(f"/messages/{row.pk}/bytes/").content

    assert "4f 62 6a 01" in shown
    assert given == packet(0)


def test_a_page_says_that_the_bytes_are_lost(folder: Path, client):
    [row] = store(packet(0))
    (folder / objects(folder)[0]).unlink()
    client.force_login(factories.make_admin())

    assert "Its bytes cannot be read" in client.get(f"/messages/{row.pk}/").text
    assert client.get(f"/messages/{row.pk}/bytes/").status_code == 503


@pytest.fixture
def s3(monkeypatch) -> Iterator[str]:
    """The address of a server of objects that has a bucket."""
    with running_s3() as address:
        monkeypatch.setenv("AWS_ENDPOINT", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
        requests.put(f"{address}/observatory", timeout=60).raise_for_status()
        yield address


def test_packets_in_an_object_store_are_read_and_swept_as_in_a_folder(s3: str, settings):
    settings.PACKET_STORE = f"s3://observatory/{uuid.uuid4().hex}"
    sent = [packet(0), packet(1)]

    rows = store(*sent)

    assert [read_packet(row) for row in rows] == sent
    intake.work_alerts()
    assert SurveyObject.objects.count() == 2
    assert sweep_packets(later()) == 0
    AlertMessage.objects.all().delete()
    assert sweep_packets(later()) == 1
    with pytest.raises(PacketGoneError):
        read_packet(rows[0])


@pytest.mark.kafka
@pytest.mark.django_db(transaction=True)
def test_a_store_that_is_away_stops_a_stream_and_loses_nothing(
    kafka: KafkaPeer, tmp_path: Path, settings, monkeypatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)
    kafka.write_credentials(tmp_path)
    settings.STREAM_GROUP = f"observer-1234-{uuid.uuid4().hex[:8]}"
    topic = kafka.create_topic(f"ztf_{uuid.uuid4().hex[:8]}")
    sent = [packet(0), packet(1)]
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"a file where the folder should be")
    settings.PACKET_STORE = str(blocked)
    kafka.produce(topic, sent)

    with listening(kafka.url(topic)):
        wait_for(StreamHealth.objects.filter(detail__contains="store of packets").exists)
        position = StreamPosition.objects.get(topic=topic).offset
        blocked.unlink()
        wait_for(AlertMessage.objects.filter(topic=topic, offset=1).exists)

    assert position is None
    rows = AlertMessage.objects.order_by("offset")
    assert [read_packet(row) for row in rows] == sent
