"""A kept message is parsed, stored and matched in one transaction, once, whatever comes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from tests.connections import WAIT_SECONDS, begin
from tests.factories import make_skymap
from tests.streams.packets import (
    JD,
    make_circular,
    make_container,
    make_gwalert_avro,
    make_gwalert_json,
    make_ztf_packet,
)
from tom import intake
from tom.candidates.models import EventCandidate
from tom.events.localizations import chosen_localization
from tom.events.locks import change_events
from tom.events.models import Circular, EventLocalization, Localization, NonLocalizedEvent
from tom.forms.networks import FILE_TOPIC
from tom.ranking.services import rank_if_due
from tom.scoring.judging import score_due
from tom.scoring.models import Score
from tom.sky import write_skymap
from tom.strategies.models import Strategy
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import Incoming, store_message, store_messages
from tom.targets.classified import Classification
from tom.targets.models import LightCurvePoint, TargetSummary

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 1, 1, 5, 0, tzinfo=UTC)


def work(payload: bytes, topic: str = "igwn.gwalert") -> AlertMessage:
    """Keep a message and do its work; return its row."""
    message, _ = store_message(topic, payload)
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message


def gwalert(kind: str, minutes: int, **values: object) -> bytes:
    """One message of a chain, with a real map."""
    skymap = write_skymap(make_skymap(sigma_deg=5.0))
    event = None if kind == "RETRACTION" else {"skymap": skymap}
    time = (BEGIN + timedelta(minutes=minutes)).isoformat()
    return make_gwalert_json(event=event, alert_type=kind, time_created=time, **values)


def test_a_chain_is_numbered_by_its_own_times_whatever_the_order_of_arrival() -> None:
    for kind, minutes in (("UPDATE", 60), ("PRELIMINARY", 5), ("INITIAL", 30)):
        assert work(gwalert(kind, minutes)).state == MessageState.STORED

    event = NonLocalizedEvent.objects.get()

    chain = [(row.number, row.alert_type) for row in event.sequences.all()]
    assert chain == [(1, "PRELIMINARY"), (2, "INITIAL"), (3, "UPDATE")]
    assert event.alert_type == "UPDATE"
    assert event.is_live
    assert Localization.objects.count() == 1  # the same map three times
    assert EventLocalization.objects.count() == 3


def test_a_retraction_may_come_first_and_a_late_older_message_never_revives_the_event() -> None:
    work(gwalert("RETRACTION", 90))
    work(gwalert("PRELIMINARY", 5))

    event = NonLocalizedEvent.objects.get()

    assert event.retracted
    assert event.alert_type == "RETRACTION"
    assert event.far == pytest.approx(1e-10)  # what the older message said is kept


def test_messages_of_one_time_are_put_in_order_by_their_type() -> None:
    work(gwalert("UPDATE", 5))
    work(gwalert("INITIAL", 5))

    assert NonLocalizedEvent.objects.get().alert_type == "UPDATE"


def test_the_same_alert_in_another_form_is_known_and_adds_nothing() -> None:
    skymap = write_skymap(make_skymap())
    first = work(make_gwalert_json(event={"skymap": skymap}))

    second = work(make_gwalert_avro(event={"skymap": skymap}))

    assert (first.state, second.state) == (MessageState.STORED, MessageState.KNOWN)
    assert NonLocalizedEvent.objects.get().sequences.count() == 1


def test_the_same_alert_with_another_map_adds_the_map() -> None:
    skymap, combined = write_skymap(make_skymap()), write_skymap(make_skymap(sigma_deg=2.0))
    coincidence = {"gcn_notice_id": 7, "observatory": "Fermi", "search": "GRB"}
    work(make_gwalert_json(event={"skymap": skymap}))

    second = work(
        make_gwalert_json(
            event={"skymap": skymap}, external_coinc={**coincidence, "combined_skymap": combined}
        )
    )

    event = NonLocalizedEvent.objects.get()
    chosen = chosen_localization(event)
    assert second.state == MessageState.STORED
    assert set(event.localizations.values_list("product", flat=True)) == {
        "skymap",
        "combined_skymap",
    }
    assert chosen is not None
    assert chosen.product == "skymap"  # until a person accepts the coincidence


@pytest.mark.parametrize(
    ("values", "topic"),
    [({"superevent_id": "MS260101a"}, "igwn.gwalert"), ({}, "igwn.gwalert-playground")],
)
def test_an_event_with_any_sign_of_a_test_is_not_live(
    values: dict[str, object], topic: str
) -> None:
    work(gwalert("PRELIMINARY", 5, **values), topic)

    assert not NonLocalizedEvent.objects.get().is_live


def test_an_alert_without_an_id_stays_unidentified_and_is_never_merged() -> None:
    work(gwalert("PRELIMINARY", 5, superevent_id=None))
    work(gwalert("UPDATE", 9, superevent_id=None))

    ids = list(NonLocalizedEvent.objects.values_list("event_id", flat=True))

    assert len(ids) == 2
    assert all(event_id.startswith("unidentified-") for event_id in ids)


def test_a_map_that_cannot_be_used_is_the_reason_of_a_message_that_is_kept() -> None:
    message = work(make_gwalert_json(event={"skymap": b"no map"}))

    assert message.state == MessageState.STORED
    assert message.reason.startswith("stored, but left out: skymap (")
    assert NonLocalizedEvent.objects.get().far == pytest.approx(1e-10)


def test_a_circular_is_kept_in_its_newest_version() -> None:
    work(gwalert("PRELIMINARY", 5))
    work(make_circular(version=2, subject="second"), "gcn.circulars")

    late = work(make_circular(version=1, subject="first"), "gcn.circulars")

    circular = Circular.objects.get()
    assert (circular.subject, late.state) == ("second", MessageState.STORED)
    assert circular.event == NonLocalizedEvent.objects.get()


def test_what_has_no_parser_is_kept_as_unhandled_and_what_is_no_message_is_dead() -> None:
    notice = work(b'{"$schema": "https://gcn.nasa.gov/schema/x.json"}', "gcn.notices.chime.frb")
    schema = work(b'{"type": "record", "name": "x", "fields": []}', FILE_TOPIC)

    assert notice.state == MessageState.UNHANDLED
    assert (schema.state, schema.reason[:12]) == (MessageState.DEAD, "not a packet")


OTHER_FORMS = {
    b"": "empty",
    b"plain words": "plain text of 11 characters",
    b"<VOEvent ivorn='ivo://x/y#1'/>": "XML, a VOEvent with ivorn ivo://x/y",
    b"[1, 2]": "a JSON list of 2",
    b'"x"': "a JSON text",
    b"null": "JSON's null",
    b"\x00\x00\x00\x04\x4d rubin": "Confluent-framed Avro, schema id 1101",
    b"\x93\x8f\xff\x00": "no known format",
    b"\0" * 100: "no known format",
    b"\xc3\x01\x00\x01\x02\x03\x04\x05\x06\x07\x02a": "Avro in its form of single objects",
    "<?xml version='1.0'?><VOEvent ivorn='ivo://x/y#1'/>".encode("utf-16"): "XML, a VOEvent",
    "<?xml encoding='ISO-8859-1'?><VOEvent>\u00e9</VOEvent>".encode("latin-1"): "XML, a VOEvent",
    '[{"a": "\u03b1"}]'.encode("utf-32"): "a JSON list of 1",
    b"\xef\xbb\xbf[1, 2]": "a JSON list of 2",
    make_container({"type": "record", "name": "other", "fields": []}, [{}]): "records other, none",
}
TOPICS = ["someone.topic", "igwn.gwalert", "gcn.circulars", "hermes.discovery", "ztf_20260101"]


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(("payload", "reason"), OTHER_FORMS.items(), ids=OTHER_FORMS.values())
def test_what_no_parser_takes_on_a_followed_topic_is_unhandled_for_the_true_reason(
    topic: str, payload: bytes, reason: str
) -> None:
    message, _ = store_message(topic, payload)
    intake.work_alerts()
    intake.work_message(message.pk)
    message.refresh_from_db()

    assert (message.state, reason in message.reason) == (MessageState.UNHANDLED, True)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("form", ["voevent", "circular", "avro", "blob", "external", "json"])
def test_the_reason_says_what_form_its_sender_calls_it(topic: str, form: str) -> None:
    named = Incoming(topic, b"[1, 2]", 0, 7, headers=[["_id", "00"], ["_format", form]])
    (pk,) = store_messages([named]).all_ids
    intake.work_alerts()
    intake.work_message(pk)

    message = AlertMessage.objects.get(pk=pk)
    reason = f"no parser takes this: a JSON list of 2, said to be {form}"
    assert (message.state, message.reason) == (MessageState.UNHANDLED, reason)
    assert message.headers == [["_id", "00"], ["_format", form]]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("igwn.gwalert", make_gwalert_json()[:400]),
        ("igwn.gwalert", make_gwalert_avro()[:-9]),
        ("gcn.circulars", make_circular()[:-9]),
    ],
)
def test_what_claims_to_be_of_its_kind_and_is_damaged_is_dead(topic: str, payload: bytes) -> None:
    assert work(payload, topic).state == MessageState.DEAD


WAYS_TO_WRITE = {
    "half of a character": lambda text: text.replace('"gstlal"', '"gst\\udcffal"'),
    "mark of byte order": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-32": lambda text: text.encode("utf-32"),
}


@pytest.mark.parametrize("way", WAYS_TO_WRITE)
def test_an_alert_is_read_however_its_text_is_written(way: str) -> None:
    written = WAYS_TO_WRITE[way](gwalert("PRELIMINARY", 5).decode())

    message = work(written.encode() if isinstance(written, str) else written)

    event = NonLocalizedEvent.objects.get()
    assert (message.state, message.reason) == (MessageState.STORED, "")
    assert (event.significant, event.far) == (True, 1e-10)
    assert chosen_localization(event) is not None


@pytest.mark.parametrize("key", ["subject", "body", "submitter", "eventId"])
def test_a_circular_with_half_of_a_character_is_kept(key: str) -> None:
    text = make_circular(**{key: "S260101a HALF"}).decode().replace("HALF", "\\ud83d")

    assert work(text.encode(), "gcn.circulars").state == MessageState.STORED
    assert Circular.objects.get().circular_id == 40_000


def test_a_batch_stores_the_good_and_buries_the_bad_with_its_reason() -> None:
    good = make_ztf_packet()
    broken = good[: len(good) // 2]
    store_messages([Incoming("ztf_x", good), Incoming("ztf_x", broken)])

    assert intake.work_alerts()
    assert not intake.work_alerts()

    states = {row.size: row.state for row in AlertMessage.objects.all()}
    assert states == {len(good): MessageState.STORED, len(broken): MessageState.DEAD}
    assert LightCurvePoint.objects.exists()


def test_what_is_said_of_a_time_to_come_is_left_out_and_named() -> None:
    """It would stay the newest of its object for good."""
    epoch = {"psfFlux": 900.0, "psfFluxErr": 90.0, "band": "r"}
    said = {"topic": "odd", "version": "1", "classification": "SN"}
    output = {
        "diaObjectId": 170_028_485_706_776_685,
        "ra": 63.35,
        "decl": -47.18,
        "alert": {
            "diaSourcesList": [epoch | {"midpointMjdTai": 61_000.2}],
            "diaForcedSourcesList": [
                epoch | {"midpointMjdTai": mjd} for mjd in (61_001.2, 73_000.2)
            ],
        },
        "annotations": [
            said | {"timestamp": "2026-01-01 00:00:00"},
            said | {"timestamp": "2059-01-01 00:00:00", "classification": "AGN"},
        ],
    }
    message, _ = store_message("lasair_2sn", json.dumps(output).encode())

    assert intake.work_alerts()

    message.refresh_from_db()
    assert message.state == MessageState.STORED
    assert message.reason == (
        "stored, but left out: odd (said at a time to come); points of a time to come (1)"
    )
    assert LightCurvePoint.objects.filter(kind="forced").get().time.year == 2025
    assert Classification.objects.get().probabilities == {"SN": 1.0}


def test_the_same_bytes_add_a_row_only_at_a_new_position_and_no_work() -> None:
    packet = make_ztf_packet()
    store_messages([Incoming("ztf_x", packet, 0, 1)])
    again = store_messages([Incoming("ztf_x", packet, 0, 1), Incoming("ztf_x", packet, 0, 2)])

    assert again.ids == {}
    rows = list(AlertMessage.objects.order_by("offset").values_list("offset", "state"))
    assert rows == [(1, MessageState.RECEIVED), (2, MessageState.KNOWN)]


def test_a_message_that_kills_its_worker_is_worked_on_alone_and_dies_after_the_last_attempt(
    settings: Settings,
) -> None:
    settings.MESSAGE_ATTEMPTS = 3
    store_messages([Incoming("ztf_x", make_ztf_packet(), 0, n) for n in range(1)])
    AlertMessage.objects.update(attempts=3)

    assert not intake.work_alerts()

    message = AlertMessage.objects.get()
    assert message.state == MessageState.DEAD
    assert "failed 3 times" in message.reason


def test_an_unforeseen_fault_leaves_the_message_waiting_with_its_reason() -> None:
    """A table that is gone stands for any fault of ours: the other messages go on."""
    message, _ = store_message("gcn.circulars", make_circular())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE events_circular RENAME TO events_gone")

    intake.work_message(message.pk)

    message.refresh_from_db()
    assert (message.state, message.attempts) == (MessageState.RECEIVED, 1)
    assert "events_circular" in message.reason


def test_an_alert_inside_the_region_and_the_window_becomes_a_candidate() -> None:
    work(gwalert("PRELIMINARY", 5))
    event = NonLocalizedEvent.objects.get()
    assert event.time is not None
    jd = 2440587.5 + (event.time.timestamp() + 86_400) / 86_400
    inside = make_ztf_packet(jd=jd, jdstarthist=jd, ra=197.45, dec=-23.38, history=[])
    outside = make_ztf_packet(
        object_id="ZTF26out", candid=7, jd=jd, jdstarthist=jd, ra=17.45, dec=23.38, history=[]
    )
    store_messages([Incoming("ztf_x", inside), Incoming("ztf_x", outside)])

    intake.work_alerts()

    candidate = EventCandidate.objects.get()
    assert TargetSummary.objects.count() == 2
    assert candidate.credible_level_2d is not None
    assert candidate.credible_level_2d < 0.1
    assert candidate.target.ra == pytest.approx(197.45)


def test_what_a_survey_counted_after_the_merger_is_no_earlier_activity() -> None:
    """Both were first seen 3 days before the merger; one was seen often since, by others too."""
    work(gwalert("PRELIMINARY", 5))
    place = {"ra": 197.45, "dec": -23.38, "jdstarthist": JD - 3.0}
    packets = [
        make_ztf_packet(object_id="ZTF26seldom", candid=1, ndethist=2, **place),
        make_ztf_packet(object_id="ZTF26often", candid=2, ndethist=90, **place),
        make_ztf_packet(object_id="ZTF26new", candid=3, **place | {"jdstarthist": JD}),
    ]
    store_messages([Incoming(FILE_TOPIC, payload) for payload in packets])
    assert intake.work_alerts()
    rank_if_due(NonLocalizedEvent.objects.get())

    chances = dict(EventCandidate.objects.values_list("target__name", "log_weight"))

    assert chances["ZTF26seldom"] == chances["ZTF26often"] < chances["ZTF26new"]


def test_real_alerts_give_one_event_with_three_sequences_and_its_areas(real_data: Path) -> None:
    for path in sorted((real_data / "gw/lvk").glob("S230518h-*.json")):
        work(path.read_bytes(), FILE_TOPIC)

    event = NonLocalizedEvent.objects.get()
    areas = [
        row.localization.localization.area_90 for row in event.sequences.all() if row.localization
    ]
    assert areas == pytest.approx([1002, 666, 666], rel=0.01)


def rows() -> list[dict[str, object]]:
    """Every message and every event, in order."""
    tables = (AlertMessage.objects, NonLocalizedEvent.objects)
    return [row for table in tables for row in table.order_by("pk").values()]


def test_a_real_retraction_marks_its_event_and_the_files_again_change_nothing(
    real_data: Path,
) -> None:
    paths = sorted((real_data / "gw/lvk").glob("MS181101ab-*.json"))
    for path in paths:
        work(path.read_bytes(), FILE_TOPIC)
    before = rows()

    stored = store_messages([Incoming(FILE_TOPIC, path.read_bytes()) for path in paths])

    event = NonLocalizedEvent.objects.get()
    assert event.retracted
    assert stored.known == len(paths)
    assert rows() == before


def test_34_real_packets_of_one_supernova_give_34_detections_and_16_limits(
    real_data: Path,
) -> None:
    paths = sorted((real_data / "ztf").rglob("ZTF21abiuvdk/*.avro"))
    store_messages([Incoming(FILE_TOPIC, path.read_bytes()) for path in paths])

    while intake.work_alerts():
        pass

    summary = TargetSummary.objects.get()
    assert (len(paths), summary.n_detections, summary.n_limits) == (34, 34, 16)
    assert LightCurvePoint.objects.count() == 50


def test_what_only_test_topics_speak_of_is_no_candidate_of_a_live_event_until_it_is_real() -> None:
    work(gwalert("PRELIMINARY", 5))
    event = NonLocalizedEvent.objects.get()
    assert event.time is not None
    jd = 2440587.5 + (event.time.timestamp() + 86_400) / 86_400
    place = {"ra": 197.45, "dec": -23.38}
    made = make_ztf_packet(jd=jd, jdstarthist=jd, history=[], **place)
    store_messages([Incoming("ztf_demo_20260101_programid1", made)])
    intake.work_alerts()
    assert TargetSummary.objects.get().is_test
    assert not EventCandidate.objects.exists()

    later = make_ztf_packet(jd=jd + 1, candid=8, jdstarthist=jd, history=[], **place)
    store_messages([Incoming("ztf_20260102_programid1", later)])
    intake.work_alerts()

    assert not TargetSummary.objects.get().is_test
    assert EventCandidate.objects.exists()


def keep_one_of_each() -> AlertMessage:
    """Keep an event's alert, which is returned, and a survey's alert inside its region."""
    strategy = {"name": "gw", "days_before": 1.0, "days_after": 14.0}
    Strategy.objects.get_or_create(kind="gw", defaults=strategy)
    time = datetime.fromisoformat(json.loads(gwalert("PRELIMINARY", 5))["event"]["time"])
    jd = 2440587.5 + (time.timestamp() + 86_400) / 86_400
    packet = make_ztf_packet(jd=jd, jdstarthist=jd, ra=197.45, dec=-23.38, history=[])
    store_messages([Incoming("ztf_x", packet)])
    message, _ = store_message("igwn.gwalert", gwalert("PRELIMINARY", 5))
    return message


@pytest.mark.django_db(transaction=True)
def test_an_alert_worked_on_while_its_event_is_new_becomes_a_candidate() -> None:
    message = keep_one_of_each()

    with transaction.atomic():
        intake.work_message(message.pk)
        other = begin(intake.work_alerts)

    assert other.result(WAIT_SECONDS)
    assert EventCandidate.objects.count() == 1


def keep_alert(event: NonLocalizedEvent, *, program: int) -> None:
    """Keep a program's alert of the one object, inside the event's region and window."""
    assert event.time is not None
    jd = 2440587.5 + event.time.timestamp() / 86_400 + program
    place = {"ra": 197.45, "dec": -23.38}
    packet = make_ztf_packet(
        jd=jd, jdstarthist=jd, candid=program, programid=program, history=[], **place
    )
    store_messages([Incoming("ztf_x", packet)])


def test_nothing_computed_of_a_private_target_is_public_where_it_is_opened() -> None:
    work(gwalert("PRELIMINARY", 5))
    event = NonLocalizedEvent.objects.get()
    keep_alert(event, program=2)
    intake.work_alerts()
    score_due(most=100)
    assert rank_if_due(event)

    keep_alert(event, program=1)
    intake.work_alerts()

    candidate = event.candidates.select_related("target").get()
    assert candidate.target.permissions == "PUBLIC"
    assert candidate.is_public
    assert (candidate.rank, candidate.log_weight) == (None, None)
    assert not candidate.places.filter(programs=[]).exists()
    assert not Score.objects.filter(programs=[]).exists()
    assert candidate.standings.get().log_weight is not None
    assert score_due(most=100) == 2  # for the public, and again for the program's own group
    assert rank_if_due(event)


@pytest.mark.django_db(transaction=True)
def test_scoring_waits_for_a_change_of_an_event_before_it_locks_anything() -> None:
    message = keep_one_of_each()
    intake.work_message(message.pk)
    intake.work_alerts()
    later, _ = store_message("igwn.gwalert", gwalert("UPDATE", 60))

    with transaction.atomic():
        intake.work_message(later.pk)
        other = begin(lambda: score_due(most=100))
        assert len(TargetSummary.objects.select_for_update(nowait=True)) == 1

    assert other.result(WAIT_SECONDS) == 1


@pytest.mark.django_db(transaction=True)
def test_a_message_that_the_database_broke_off_stays_waiting_with_the_reason() -> None:
    message = keep_one_of_each()

    def work_all() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '10ms'")
        with pytest.raises(OperationalError):
            intake.work_message(message.pk)
        with pytest.raises(OperationalError):
            intake.work_alerts()

    with transaction.atomic():
        change_events()
        begin(work_all).result(WAIT_SECONDS)

    for row in AlertMessage.objects.all():
        assert (row.state, row.attempts) == (MessageState.RECEIVED, 1)
        assert "lock timeout" in row.reason


@pytest.mark.django_db(transaction=True)
def test_an_event_that_comes_while_its_alert_is_worked_on_finds_the_candidate() -> None:
    message = keep_one_of_each()

    with transaction.atomic():
        intake.work_alerts()
        other = begin(lambda: intake.work_message(message.pk))

    other.result(WAIT_SECONDS)
    message.refresh_from_db()
    assert message.state == MessageState.STORED
    assert EventCandidate.objects.count() == 1
