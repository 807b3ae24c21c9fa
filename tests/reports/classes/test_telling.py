"""Our classes of simulated alerts, on a real Kafka broker that can lose its replies."""

import io
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import fastavro
import pytest
from django.test import Client
from django.utils import timezone
from hop.io import StartPosition, Stream

from tests.factories import make_group, make_observer, make_program
from tests.peers.kafka import KafkaPeer
from tests.reports.hermes.test_telling import replies_lost
from tests.surveys.elasticc.test_alerts import TOPIC, streamed
from tests.woken import woken
from tom import intake, pipeline
from tom.changes.models import Address
from tom.reports import publishing
from tom.reports.classes.composing import compose_due
from tom.reports.classes.models import ClassMessage, TellState
from tom.reports.classes.telling import tell_classes
from tom.scoring.judging import score_due
from tom.scoring.models import Score
from tom.scoring.services import scorers
from tom.streams.models import AlertMessage
from tom.streams.services import store_message
from tom.surveys.elasticc.classes import parse_classes
from tom.sweeping import sweep
from tom.targets.models import TargetSummary
from tom.targets.objects import SurveyObject

pytestmark = pytest.mark.django_db
SCORERS = [
    "ml_plugins.fast_transient.FastTransient",
    "ml_plugins.early_elasticc.EarlyElasticc",
]
CHANCES = {"supernova Ia": 0.75, "supernova II": 0.25}


@pytest.fixture(autouse=True)
def switched_on(settings) -> Iterator[None]:
    settings.SCORERS = SCORERS
    settings.CLASSES_URL = "kafka://127.0.0.1:9/elasticc-classifications"
    scorers.cache_clear()
    yield
    scorers.cache_clear()


@pytest.fixture
def topic(kafka: KafkaPeer, settings, tmp_path: Path, monkeypatch) -> str:
    """A topic for our classes, with the credential in hop's own store."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    kafka.write_credentials(tmp_path)
    name = kafka.create_topic(f"elasticc-classif-{uuid.uuid4().hex[:8]}")
    settings.CLASSES_URL = kafka.url(name)
    return name


def store_alert() -> None:
    store_message(TOPIC, streamed())
    while intake.work_alerts():
        pass


def store_score(**values: object) -> Score:
    """An alert of two detections, and what the scorer says of it."""
    store_alert()
    given = {"version": "1.0.0", "data_version": 1, "probability": CHANCES, "programs": []}
    target = TargetSummary.objects.get().target
    return Score.objects.create(target=target, scorer="early_elasticc", **given | values)


def tell(**later: float) -> ClassMessage:
    tell_classes(timezone.now() + timedelta(**later), most=100)
    return ClassMessage.objects.get()


def read(kafka: KafkaPeer, topic: str) -> list[bytes]:
    """Everything on the topic, as any reader of it sees it."""
    stream = Stream(auth=kafka.auth(), start_at=StartPosition.EARLIEST, until_eos=True)
    with stream.open(kafka.url(topic), "r", group_id=f"observer-1234-{uuid.uuid4()}") as consumer:
        return [payload for payload, _ in consumer.read_raw(metadata=True)]


def test_a_score_that_is_stored_becomes_one_message_that_our_own_reader_reads(
    kafka: KafkaPeer, topic: str
) -> None:
    store_alert()
    score_due(most=100)
    pipeline.publish_classes()
    pipeline.publish_classes()

    (payload,) = read(kafka, topic)
    said = parse_classes(payload)
    score = Score.objects.get(scorer="early_elasticc")
    message = AlertMessage.objects.get()
    (judgement,) = said.judgements
    assert (said.author, said.survey, said.object_id) == ("Counterpart", "ELASTICC", "7")
    assert abs(said.time - message.received) < timedelta(milliseconds=1)
    assert judgement.classifier == "early_elasticc 1.0.0"
    assert judgement.classes == {"2222": "supernova Ia", "2224": "supernova II"}
    assert judgement.probabilities["2222"] == pytest.approx(score.probability["supernova Ia"])
    row = ClassMessage.objects.get()
    assert (row.state, row.score, row.attempts) == (TellState.SENT, score, 1)


def test_a_lost_reply_is_an_unknown_outcome_which_the_topic_settles(
    kafka: KafkaPeer, topic: str, monkeypatch
) -> None:
    monkeypatch.setattr(publishing, "SEND_SECONDS", 1)
    store_score()
    with replies_lost(kafka):
        assert tell().state == TellState.UNKNOWN

    assert tell(seconds=1).state == TellState.UNKNOWN  # its look is not due
    Address.objects.update(rests_until=None)
    assert tell(minutes=1).state == TellState.SENT
    assert len(read(kafka, topic)) == 1


def test_what_never_arrived_is_sent_again(kafka: KafkaPeer, topic: str) -> None:
    store_score()
    compose_due(timezone.now(), most=10)
    tried = timezone.now() - timedelta(minutes=6)
    ClassMessage.objects.update(state=TellState.UNKNOWN, tried_at=tried, attempts=1, due_at=tried)

    assert tell().reason == "it never arrived on the topic; it is sent again"
    assert tell().state == TellState.SENT
    assert len(read(kafka, topic)) == 1


def test_a_wrong_topic_loses_nothing_and_says_why(kafka: KafkaPeer, topic: str, settings) -> None:
    settings.CLASSES_URL = kafka.url("elasticc-classif-nowhere")
    store_score()
    told = tell()
    assert told.state == TellState.DUE
    assert "there is no topic elasticc-classif-nowhere" in told.reason

    settings.CLASSES_URL = kafka.url(topic)
    assert tell(minutes=1).state == TellState.SENT
    assert len(read(kafka, topic)) == 1


def of_private_points(score: Score) -> None:
    Score.objects.update(programs=[make_program(9, group=make_group()).pk])


def of_a_private_target(score: Score) -> None:
    target = score.target
    target.permissions = target.Permissions.PRIVATE
    target.save()


def of_no_test(score: Score) -> None:
    TargetSummary.objects.update(is_test=False)


def of_a_real_object_too(score: Score) -> None:
    SurveyObject.objects.create(survey="ZTF", object_id="ZTF26aaaaaaa", target=score.target)


def of_another_survey(score: Score) -> None:
    SurveyObject.objects.update(survey="LSST")


def of_an_events_window(score: Score) -> None:
    Score.objects.update(since=timezone.now())


def of_the_past(score: Score) -> None:
    Score.objects.update(created=timezone.now() - timedelta(days=2))


def of_an_abstention(score: Score) -> None:
    Score.objects.update(probability=None)


def of_classes_without_a_number(score: Score) -> None:
    Score.objects.update(scorer="fast_transient")


@pytest.mark.parametrize(
    "spoil",
    [
        of_private_points, of_a_private_target, of_no_test, of_a_real_object_too,
        of_another_survey, of_an_events_window, of_the_past, of_an_abstention,
        of_classes_without_a_number,
    ],
)  # fmt: skip
def test_nothing_is_told(spoil: Callable[[Score], None]) -> None:
    spoil(store_score())

    assert compose_due(timezone.now(), most=10) == 0


def test_a_score_is_composed_once() -> None:
    store_score()

    assert [compose_due(timezone.now(), most=10) for _ in range(2)] == [1, 0]


def test_nothing_is_told_while_no_topic_is_named(settings) -> None:
    settings.CLASSES_URL = ""
    store_score()

    assert not tell_classes(timezone.now(), most=10)
    assert not ClassMessage.objects.exists()


def test_what_was_closed_after_it_was_composed_is_not_sent() -> None:
    score = store_score()
    compose_due(timezone.now(), most=10)
    score.delete()

    told = tell()

    assert told.state == TellState.REFUSED
    assert told.reason == "its score was deleted, or its target is not public any more"


def test_a_score_without_its_packet_is_refused_and_says_so() -> None:
    store_score()
    AlertMessage.objects.update(packet_object="", payload=None)

    told = tell()

    assert told.state == TellState.REFUSED
    assert "the bytes of no public alert" in told.reason


def test_the_page_of_scorers_says_what_became_of_the_messages(client: Client, settings) -> None:
    store_score()
    compose_due(timezone.now(), most=10)
    ClassMessage.objects.update(state=TellState.UNKNOWN, reason="the broker did not answer")
    client.force_login(make_observer())

    page = client.get("/scorers/").content.decode()
    assert "on the topic elasticc-classifications" in page
    assert "the broker did not answer" in page

    settings.CLASSES_URL = ""
    assert "Published classes" not in client.get("/scorers/").content.decode()


def test_the_real_schema_reads_what_we_write(real_data: Path) -> None:
    store_score()
    compose_due(timezone.now(), most=10)
    path = real_data / "elasticc" / "schema_elasticc.v0_9_1.brokerClassification.avsc"

    body = io.BytesIO(bytes(ClassMessage.objects.get().body))
    said = fastavro.schemaless_reader(body, fastavro.schema.load_schema(path), None)

    assert (said["alertId"], said["diaSourceId"]) == (14001, 14001)
    assert said["classifications"] == [
        {"classId": 2222, "probability": 0.75},
        {"classId": 2224, "probability": 0.25},
    ]
    assert body.read() == b""


def test_a_score_and_the_sweep_wake_what_publishes_where_a_topic_is_named(settings) -> None:
    store_alert()
    woken()
    pipeline.judge("early_elasticc")
    assert ("publish_classes",) in woken()

    sweep()
    assert ("publish_classes",) in woken()

    settings.CLASSES_URL = ""
    pipeline.judge("early_elasticc")
    sweep()
    assert ("publish_classes",) not in woken()
