"""The trial of a filter on the packets that are stored of the last nights."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.brokers.test_ampel import make_report
from tests.factories import make_stream
from tests.streams.packets import CANDID, make_container, make_ztf_packet
from tests.streams.quiet import nowhere
from tom.sky import cone_ranges
from tom.sky.arrays import IntArray
from tom.streams import packets, trials
from tom.streams.models import AlertMessage, FilterTrial, Stream, StreamFilter
from tom.streams.rules import night_of
from tom.streams.services import Incoming, store_messages
from tom.streams.trials import ask_for_trial, is_under_way, try_filter

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def stream() -> Stream:
    return make_stream(topics=["ztf_test", "a.text"], active=True)


_numbers: Iterator[int] = iter(range(1_000_000))


def store(*drbs: float, days_ago: int = 0, broker: str = "kafka.example.org", **values: object):
    numbers = [next(_numbers) for _ in drbs]
    stored = store_messages(
        [
            Incoming(
                "ztf_test", make_ztf_packet(drb=drb, candid=CANDID + number, **values), 0, number,
                broker=broker,
            )
            for drb, number in zip(drbs, numbers, strict=True)
        ]
    )  # fmt: skip
    when = NOW - timedelta(days=days_ago)
    AlertMessage.objects.filter(pk__in=stored.all_ids).update(received=when)


def tried(stream: Stream, regions=nowhere, **conditions: object) -> FilterTrial:
    chosen = StreamFilter.objects.create(stream=stream, **conditions)
    trial = ask_for_trial(chosen)
    try_filter(trial, regions)
    trial.refresh_from_db()
    return trial


def test_each_night_says_what_would_have_passed(stream: Stream):
    store(0.9, 0.1, 0.2)
    store(0.8, 0.7, days_ago=2)

    trial = tried(stream, least_reliability=0.5)

    assert trial.finished
    assert not trial.fault
    tonight = night_of(NOW)
    assert [each["night"] for each in trial.nights] == [
        (tonight - timedelta(days=ago)).isoformat() for ago in range(7)
    ]
    assert [each["stored"] for each in trial.nights] == [3, 0, 2, 0, 0, 0, 0]
    assert trial.nights[0]["outcomes"] == {"passed": 1, "reliability": 2}
    assert trial.nights[2]["outcomes"] == {"passed": 2}


def test_other_streams_and_what_is_no_packet_or_is_let_go_count_not(stream: Stream):
    store(0.9, broker="another.example.org")
    store_messages([Incoming("a.text", b'{"title": "x"}', 0, 1, broker="kafka.example.org")])
    store(0.9)
    AlertMessage.objects.filter(broker="kafka.example.org", topic="ztf_test").update(
        packet_object=""
    )
    store(0.8)

    trial = tried(stream, least_reliability=0.5)

    assert trial.nights[0]["stored"] == trial.nights[0]["looked_at"] == 1


def test_what_tells_of_classes_alone_is_no_packet(stream: Stream):
    schema = {
        "type": "record",
        "name": "any",
        "fields": [
            {"name": "objectId", "type": "string"},
            {"name": "probabilities", "type": {"type": "map", "values": "double"}},
        ],
    }
    classes = make_container(schema, [{"objectId": "ZTF26a", "probabilities": {"SN": 0.9}}])
    told = [("lc_classifier_x", classes), ("ampel.lsst.reports", make_report())]
    stream.topics += [topic for topic, _ in told]
    stream.save()
    store(0.9, 0.1)
    store_messages(
        [
            Incoming(topic, payload, 0, number, broker="kafka.example.org")
            for number, (topic, payload) in enumerate(told)
        ]
    )
    kinds = AlertMessage.objects.exclude(packet_object="").values_list("kind", flat=True)
    assert {"alerce.classified", "ampel.report"} < set(kinds)

    [night, *_] = tried(stream, least_reliability=0.5).nights

    assert (night["stored"], night["looked_at"]) == (2, 2)


def test_of_many_packets_a_sample_is_looked_at(stream: Stream, monkeypatch):
    monkeypatch.setattr(trials, "SAMPLE", 10)
    store(*[0.9, 0.1] * 50)

    trial = tried(stream, least_reliability=0.5)

    [night, *_] = trial.nights
    assert night["stored"] == 100
    assert 3 <= night["looked_at"] <= 20
    assert sum(night["outcomes"].values()) == night["looked_at"]


def test_the_regions_are_those_of_each_night(stream: Stream):
    store(0.9)
    store(0.9, days_ago=3)
    asked: list[datetime] = []

    def regions(when: datetime) -> IntArray:
        asked.append(when)
        past = when < NOW - timedelta(days=1)
        return cone_ranges(ra=150.1 if past else 10.0, dec=2.2, radius_arcsec=60)

    trial = tried(stream, regions, in_regions=True)

    assert trial.nights[0]["outcomes"] == {"place": 1}
    assert trial.nights[3]["outcomes"] == {"passed": 1}
    assert [night_of(when) for when in asked] == [
        night_of(NOW), night_of(NOW) - timedelta(days=3)
    ]  # fmt: skip
    assert all(when <= timezone.now() for when in asked)


def test_a_store_that_is_away_is_said(stream: Stream, monkeypatch):
    store(0.9)

    def away(_: object) -> None:
        reason = "the store of packets fails: no route"
        raise packets.PacketStoreError(reason)

    monkeypatch.setattr(trials, "fetch_packets", away)
    trial = tried(stream, least_reliability=0.5)

    assert trial.finished
    assert "no route" in trial.fault


def test_a_trial_that_is_asked_for_again_ends_the_older_one(stream: Stream):
    store(0.9)
    chosen = StreamFilter.objects.create(stream=stream, least_reliability=0.5)
    older = ask_for_trial(chosen)
    newer = ask_for_trial(chosen)

    try_filter(older, nowhere)

    newer.refresh_from_db()
    assert (newer.finished, newer.nights) == (None, [])
    assert is_under_way(newer)
    newer.moved = datetime(2020, 1, 1, tzinfo=UTC)
    assert not is_under_way(newer)
