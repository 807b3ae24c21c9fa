"""Streams of survey alerts wait while scoring is behind; all else goes on."""

import time
import uuid

import pytest
from django.db import OperationalError

from tests.factories import make_credential, make_stream, make_target
from tests.peers.kafka import PASSWORD, SHORT_SESSION_SECONDS, USER, KafkaPeer
from tests.streams.packets import CANDID, make_ztf_packet
from tests.streams.quiet import listening, wait_for
from tom.scoring.backlog import count_backlog
from tom.scoring.judging import hand_out, score_due
from tom.scoring.models import DueScore, ScorerState
from tom.scoring.services import scorers
from tom.streams import brake, consuming
from tom.streams.brake import Brake
from tom.streams.models import AlertMessage, StreamHealth, StreamPosition
from tom.streams.services import Incoming, store_messages
from tom.targets.models import TargetSummary
from tom.web.streams import WAITING, read_figures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch, settings) -> None:
    monkeypatch.setattr(brake, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(consuming, "SESSION_SECONDS", SHORT_SESSION_SECONDS)
    settings.SCORING_BACKLOG = 10


class Backlog:
    """A count that a test sets."""

    def __init__(self, due: int = 0) -> None:
        self.due = due

    def __call__(self) -> int:
        return self.due


@pytest.mark.parametrize(
    ("topic", "held"),
    [
        ("ztf_20260101_programid1", True),
        ("lsst-alerts-v11", True),
        ("fink_sn_candidates_ztf", True),
        ("igwn.gwalert", False),
        ("gcn.circulars", False),
        ("gcn.notices.fermi.gbm", False),
        ("sys.heartbeat", False),
        ("some.topic", False),
    ],
)
def test_only_survey_topics_are_held(topic: str, held: bool):
    assert Brake([topic], Backlog(11)).look() == ({topic: 11} if held else {})


def test_a_topic_that_says_nothing_is_known_by_what_comes():
    gate = Brake(["my.alerts", "igwn.gwalert"], Backlog(11))
    gate.note("my.alerts", "hop.text")
    assert gate.look() == {}

    gate.note("my.alerts", "ztf.avro")
    gate.note("igwn.gwalert", "ztf.avro")

    assert gate.look() == {"my.alerts": 11}


def test_reading_goes_on_well_below_the_limit(monkeypatch, settings):
    monkeypatch.setattr(brake, "LOOK_SECONDS", 0.0)
    backlog = Backlog()
    gate = Brake(["ztf_a"], backlog)

    def held_at(due: int) -> bool:
        backlog.due = due
        return bool(gate.look())

    assert [held_at(due) for due in (10, 11, 9, 8, 10, 11)] == [
        False, True, True, False, False, True
    ]  # fmt: skip
    settings.SCORING_BACKLOG = 0
    assert not held_at(1_000_000)


def test_what_cannot_be_counted_changes_nothing(monkeypatch):
    monkeypatch.setattr(brake, "LOOK_SECONDS", 0.0)
    backlog = Backlog(11)
    gate = Brake(["ztf_a"], backlog)
    gate.look()

    def fail() -> int:
        raise OperationalError

    gate._backlog = fail  # as where the database goes away

    assert gate.look() == {"ztf_a": 11}
    assert Brake(["ztf_a"], fail).look() == {}


def test_a_target_that_waits_for_several_scorers_counts_once():
    for _ in range(3):
        make_target()
    TargetSummary.objects.update(version=2, scored_version=1)
    assert count_backlog() == 3

    hand_out(most=2)

    assert DueScore.objects.count() == 2 * len(scorers())
    assert count_backlog() == 3
    ScorerState.objects.all().delete()
    score_due(most=100)
    assert count_backlog() == 0


def test_kept_packets_that_are_not_read_yet_count_too_up_to_a_limit(monkeypatch):
    packets = [Incoming("ztf_a", make_ztf_packet(candid=CANDID + n), 0, n) for n in range(9)]
    texts = [Incoming("gcn.circulars", b'{"n": %d}' % n, 0, n) for n in range(9)]
    store_messages([*packets, *texts])
    gate = Brake(["ztf_a"], Backlog(2))
    monkeypatch.setattr(brake, "LOOK_SECONDS", 0.0)

    assert gate.look() == {"ztf_a": 11}  # 9 packets and 2 targets; a text holds nothing
    assert brake.count_unread(most=5) == 5

    AlertMessage.objects.filter(topic="ztf_a").update(state="stored")
    assert gate.look() == {}


# --- With a broker ----------------------------------------------------------------------------
def count(topic: str) -> int:
    return AlertMessage.objects.filter(topic=topic).count()


def read_kept() -> bool:
    """As the workers do."""
    AlertMessage.objects.update(state="stored")
    return True


def states() -> dict[str, str]:
    return {topic.topic: topic.words for stream in read_figures() for topic in stream.topics}


@pytest.mark.kafka
def test_a_survey_stream_waits_for_a_scorer_that_is_behind_and_loses_nothing(kafka: KafkaPeer):
    tail = uuid.uuid4().hex[:8]
    survey, texts = f"ztf_{tail}", f"gcn.circulars.{tail}"
    for topic in (survey, texts):
        kafka.create_topic(topic)
    stream = make_stream(
        topics=[survey, texts], address=kafka.address, authority=kafka.ca_file.read_text(),
        credential=make_credential(host="localhost", username=USER, secret=PASSWORD),
        consumer_group=f"{USER}-{tail}", active=True,
    )  # fmt: skip
    for _ in range(11):
        make_target()
    TargetSummary.objects.update(version=1, scored_version=1)
    sent = [make_ztf_packet(candid=CANDID + number) for number in range(60)]
    kafka.produce(survey, sent[:20])
    with listening(stream, backlog=count_backlog):
        wait_for(lambda: count(survey) == 20)
        wait_for(lambda: states()[survey] == "Waits for scoring")  # for they are not read yet
        read_kept()
        wait_for(lambda: states()[survey] == "Reading")

        TargetSummary.objects.update(version=2, scored_version=1)  # no scorer has judged them
        wait_for(lambda: states()[survey] == "Waits for scoring")
        kafka.produce(survey, sent[20:])
        kafka.produce(texts, [b'{"eventId": "a"}'])
        wait_for(lambda: count(texts) == 1)
        time.sleep(2 * SHORT_SESSION_SECONDS)  # longer than a member may be silent
        wait_for(lambda: StreamHealth.objects.get(topic=survey).lag == 40)
        waits = next(each for row in read_figures() for each in row.topics if each.topic == survey)
        at = StreamPosition.objects.get(topic=survey)

        score_due(most=100)
        wait_for(lambda: read_kept() and count(survey) == 60)
        wait_for(lambda: states()[survey] == "Reading")

    position = StreamPosition.objects.get(topic=survey)
    assert (waits.state, waits.waits_for) == (WAITING, 11)
    assert (at.offset, position.offset) == (20, 60)
    assert position.claim == at.claim  # it was a member of its group all the time
    assert not AlertMessage.objects.filter(is_repeat=True).exists()
