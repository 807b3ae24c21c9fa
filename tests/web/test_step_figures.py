"""What Prometheus reads of the steps of the newest messages."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries

from tests.factories import (
    make_candidate,
    make_event,
    make_message,
    make_observer,
    make_place,
    make_ranking,
    make_stream,
)
from tests.streams.packets import JD, make_ztf_packet
from tom import intake
from tom.demo.packets import to_datetime
from tom.ranking.models import Ranking
from tom.scoring.models import Score
from tom.streams.models import AlertMessage, MessageState, Stream
from tom.streams.services import Incoming, store_messages
from tom.web.step_figures import STEPS, read_steps

pytestmark = pytest.mark.django_db

BROKER, TOPIC = "kafka.example.org", "a.topic"


def ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def bring_notice(*, sent: float, topic: str = TOPIC, **fields: object) -> AlertMessage:
    """A message that was received `sent` seconds after it was sent, and stored 2 s later."""
    received = ago(60)
    row = make_message(
        topic=topic, broker=BROKER, sent=received - timedelta(seconds=sent), **fields
    )
    stored = {"received": received, "finished": received + timedelta(seconds=2)}
    AlertMessage.objects.filter(pk=row.pk).update(**stored)
    return row


def bring_ranked_alert() -> None:
    """An alert that took 1, 2, 4, 8 and 16 s from each step to the next."""
    packet = make_ztf_packet()
    store_messages([Incoming(TOPIC, packet, 0, 1, broker=BROKER, sent=ago(60))])
    assert intake.work_alerts()
    row = AlertMessage.objects.get()
    assert row.sent is not None
    after = [row.sent + timedelta(seconds=2**number - 1) for number in range(1, 6)]
    AlertMessage.objects.update(received=after[0], finished=after[1])
    target = row.arrivals.get().object.target
    seen = {"data_version": 1, "data_until": to_datetime(JD) + timedelta(seconds=15)}
    score = Score.objects.create(target=target, scorer="a", version="1", probability={}, **seen)
    Score.objects.filter(pk=score.pk).update(created=after[2])
    event = make_event()
    candidate = make_candidate(event, target, rank=None)
    for earlier in (3600, 0):
        ranking = make_ranking(event)
        make_place(ranking, candidate)
        moved = timedelta(seconds=earlier)
        times = {"created": after[3] - moved, "published": after[4] - moved}
        Ranking.objects.filter(pk=ranking.pk).update(**times)


def test_an_alert_s_steps_are_those_of_its_timeline() -> None:
    bring_ranked_alert()

    took = {each.step: each.quantiles[0] for each in read_steps()}

    assert list(took) == list(STEPS)
    assert list(took.values()) == pytest.approx([1, 2, 4, 8, 16])


def test_quantiles_are_those_of_the_topic_s_messages() -> None:
    for seconds in range(101):
        bring_notice(sent=seconds)
    bring_notice(sent=7, topic="another.topic")

    found = {(each.topic, each.step): each for each in read_steps()}

    waited = found[TOPIC, "sent_to_received"]
    assert (waited.n, waited.quantiles) == (101, pytest.approx((50, 90, 99)))
    assert found["another.topic", "sent_to_received"].quantiles == pytest.approx((7, 7, 7))
    assert (TOPIC, "stored_to_scored") not in found


@pytest.mark.parametrize(
    "odd", [{"state": MessageState.DEAD}, {"replays": 1}, {"broker": ""}], ids=str
)
def test_messages_that_did_not_take_the_usual_way_do_not_count(odd: dict[str, object]) -> None:
    row = bring_notice(sent=1)
    AlertMessage.objects.filter(pk=row.pk).update(**odd)

    assert list(read_steps()) == []


def test_old_messages_do_not_count() -> None:
    bring_notice(sent=1)
    AlertMessage.objects.update(received=ago(3600), finished=ago(3598))

    assert list(read_steps()) == []


def test_of_many_messages_an_even_share_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tom.web.step_figures.MOST", 10)
    for _ in range(100):
        bring_notice(sent=1)

    waited, _ = read_steps()

    assert waited.n == 10


def scrape(client: Client) -> dict[tuple[str, ...], float]:
    """The samples about steps, by (name, topic, step, quantile)."""
    text = client.get("/api/metrics/").text
    return {
        (sample.name, *(sample.labels.get(each, "") for each in ("topic", "step", "quantile"))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        if family.name.startswith("counterpart_stream_step")
        for sample in family.samples
    }


def test_prometheus_reads_the_steps_of_topics_that_are_read(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(make_observer())
    make_stream(active=True)
    Stream.objects.update(address="Kafka.Example.org:9092")
    bring_notice(sent=3)
    bring_notice(sent=3, topic="not.read")

    found = scrape(client)

    assert found["counterpart_stream_step_messages", TOPIC, "sent_to_received", ""] == 1
    waited = found["counterpart_stream_step_seconds", TOPIC, "sent_to_received", "0.99"]
    assert waited == pytest.approx(3)
    assert {topic for _, topic, _, _ in found} == {TOPIC}
    with django_assert_max_num_queries(14):
        scrape(client)
