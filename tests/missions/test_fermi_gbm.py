"""Fermi GBM's notices: what they say, and the event that they make."""

import base64
import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from tests.factories import make_message
from tom import intake
from tom.events.localizations import chosen_localization, skymap_of
from tom.events.models import NonLocalizedEvent
from tom.formats.errors import MalformedAlertError
from tom.forms.event_names import find_names
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import claims, identify
from tom.missions.fermi_gbm import FERMI_GBM, read_notice
from tom.records.notice import NoticeType, Position, Product
from tom.reports.alarms.models import Alarm
from tom.sky import healpix29, levels_2d
from tom.streams.models import MessageState
from tom.streams.services import store_message

SCHEMA = "https://gcn.nasa.gov/schema/main/gcn/notices/fermi/gbm/trigger.schema.json"
TOPIC = "gcn.notices.fermi.gbm.alert"
LATER = {"alert_type": "update", "alert_datetime": "2026-01-01T05:05:30"}
PLACE = {"ra": 50.0, "dec": 20.0, "ra_dec_error": 3.0, "containment_probability": 0.68}


def make_notice(**values: Any) -> bytes:
    notice = {
        "$schema": SCHEMA,
        "mission": "Fermi",
        "instrument": "GBM",
        "alert_type": "initial",
        "alert_tense": "current",
        "alert_datetime": "2026-01-01T05:05:00",
        "trigger_time": "2026-01-01T05:04:46.43",
        "id": ["789000001", "bn260101212"],
        "record_number": 1,
    }
    return json.dumps(notice | values).encode()


@pytest.mark.parametrize("topic", [TOPIC, FILE_TOPIC])
def test_a_notice_is_known_by_its_topic_or_its_content(topic: str) -> None:
    assert identify(topic, make_notice()) == "gcn.fermi.gbm"


def test_a_notice_on_a_topic_of_others_is_not_believed() -> None:
    assert identify("someone.topic", make_notice()) == "hopskotch.text"


def test_a_schema_and_another_mission_s_notice_are_none() -> None:
    other = make_notice(**{"$schema": "https://gcn.nasa.gov/schema/x.json", "mission": "Other"})

    assert identify(FILE_TOPIC, other) == "gcn.notice"
    assert identify(FILE_TOPIC, json.dumps({"$id": SCHEMA, "type": "object"}).encode()) == "unknown"


def test_a_damaged_notice_still_claims_to_be_one() -> None:
    assert claims("gcn.fermi.gbm", make_notice()[:-20])
    assert not claims("gcn.fermi.gbm", b'{"other": 1}')


def test_the_first_notice_says_when_and_no_place() -> None:
    notice = read_notice(make_notice())

    assert notice.kind == "grb"
    assert notice.names == ("bn260101212", "GRB260101.212", "GBM-789000001")
    assert notice.type is NoticeType.INITIAL
    assert notice.time == datetime(2026, 1, 1, 5, 5, tzinfo=UTC)
    assert notice.event_time == datetime(2026, 1, 1, 5, 4, 46, 430_000, tzinfo=UTC)
    assert notice.position is None
    assert notice.maps == ()
    assert notice.test_reasons == ()
    assert notice.facts["record_number"] == 1


def test_a_circle_keeps_its_containment_and_gets_the_error_that_it_leaves_out() -> None:
    position = read_notice(make_notice(**PLACE, systematic_included=False)).position
    short = read_notice(make_notice(**PLACE, duration_class="SHORT")).position
    whole = read_notice(make_notice(**PLACE, systematic_included=True)).position

    assert isinstance(position, Position)
    assert (position.radius_deg, position.minor_deg, position.containment) == (3.0, None, 0.68)
    assert position.systematic == ((0.579, 1.86), (0.421, 4.14))
    assert short is not None
    assert short.systematic == ((0.39, 2.55), (0.61, 4.43))
    assert whole is not None
    assert whole.systematic == ()


def test_a_map_may_have_an_address_and_a_retraction_has_none() -> None:
    url = "https://example.org/glg_healpix_all_bn260101212.fit"

    assert read_notice(make_notice(healpix_url=url)).addresses == {Product.SKYMAP: url}
    assert read_notice(make_notice(healpix_url=url, alert_type="retraction")).addresses == {}


def test_a_circle_without_a_containment_holds_nine_tenths() -> None:
    place = {name: value for name, value in PLACE.items() if name != "containment_probability"}

    position = read_notice(make_notice(**place)).position

    assert position is not None
    assert position.containment == 0.9


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ra_dec_error": 0}, "ra_dec_error"),
        ({"ra_dec_error": -999}, "ra_dec_error"),
        ({"ra": 400.0}, "ra 400"),
        ({"dec": "south"}, "dec south"),
    ],
)
def test_a_place_that_cannot_be_is_left_out_and_named(values: dict[str, Any], words: str) -> None:
    notice = read_notice(make_notice(**PLACE | values))

    assert notice.position is None
    assert words in notice.left_out[0]


def test_an_ellipse_is_read_with_its_longer_axis_first() -> None:
    notice = read_notice(make_notice(**PLACE | {"ra_dec_error": [1.0, 4.0, 30.0]}))

    assert isinstance(notice.position, Position)
    assert notice.position.radius_deg == 4.0
    assert (notice.position.minor_deg, notice.position.angle_deg) == (1.0, 120.0)
    assert "swapped, and turned by 90 degrees" in notice.left_out[0]


@pytest.mark.parametrize("tense", ["test", "injection", "archival", "commanded"])
def test_what_is_no_news_is_a_test(tense: str) -> None:
    assert read_notice(make_notice(alert_tense=tense)).test_reasons == (f"the tense is {tense}",)


def test_an_id_alone_may_be_a_text_or_a_number() -> None:
    assert read_notice(make_notice(id="bn260101212")).names[0] == "bn260101212"
    assert read_notice(make_notice(id=789000001)).names == ("GBM-789000001",)


def test_another_name_is_learnt() -> None:
    assert "GRB260101A" in read_notice(make_notice(event_name="GRB 260101A")).names


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (make_notice(alert_type="news"), "alert_type"),
        (make_notice(alert_datetime="soon"), "alert_datetime"),
    ],
)
def test_what_is_no_notice_is_malformed(payload: bytes, reason: str) -> None:
    with pytest.raises(MalformedAlertError, match=reason):
        read_notice(payload)


@pytest.mark.parametrize(
    ("classification", "significant"),
    [
        ({"GRB": 0.85, "GENERIC_SGR": 0.14}, True),
        ({"grb": 1}, True),
        ({"GRB": 0.4, "SOLAR_FLARE": 0.6}, False),
        ({"BELOW_HORIZON": 1}, False),
        ({}, None),
        (None, None),
    ],
)
def test_it_is_significant_where_a_burst_is_the_likeliest(
    classification: object, significant: bool | None
) -> None:
    assert read_notice(make_notice(classification=classification)).significant is significant


def test_what_the_notice_says_of_the_event_is_passed_on() -> None:
    fits = base64.b64encode(b"SIMPLE  = a map").decode()

    notice = read_notice(make_notice(far=1e-9, healpix_file=fits, **PLACE, ra_dec=7, id="x"))

    assert notice.far == 1e-9
    assert notice.instruments == ("Fermi GBM",)
    (brought,) = notice.maps
    assert (brought.author, brought.product, brought.fits) == (
        *("Fermi GBM", Product.SKYMAP),
        b"SIMPLE  = a map",
    )
    assert "healpix_file" not in notice.facts
    assert notice.facts["ra_dec"] == 7


@pytest.mark.parametrize("values", [{"mission": None, "instrument": None}, {"$schema": None}])
def test_either_the_sender_or_the_schema_will_do(values: dict[str, Any]) -> None:
    assert identify(FILE_TOPIC, make_notice(**values)) == "gcn.fermi.gbm"


@pytest.mark.parametrize(
    "values",
    [
        {"$schema": None, "instrument": "LAT"},
        {"$schema": None, "mission": "Swift"},
        {"$schema": None, "alert_type": ...},
        {"type": "object"},  # the form itself
    ],
)
def test_what_another_instrument_sends_or_what_only_describes_is_no_notice(
    values: dict[str, Any],
) -> None:
    message = json.loads(make_notice()) | values
    kept = {name: value for name, value in message.items() if value is not ...}

    assert identify(FILE_TOPIC, json.dumps(kept).encode()) != "gcn.fermi.gbm"


@pytest.mark.parametrize(
    ("name", "learnt"),
    [
        ("GRB 260101 A", "GRB260101A"),
        *(("a/b", None), ("..", None), ("", None), ("x" * 65, None), ("na\u00efve", None)),
    ],
)
def test_a_name_that_no_address_holds_is_not_learnt(name: str, learnt: str | None) -> None:
    names = read_notice(make_notice(event_name=name, id=[])).names

    assert names == ((learnt,) if learnt else ())


@pytest.mark.parametrize(
    ("id_", "names"),
    [
        (["bn260101212", "bn260101212"], ("bn260101212", "GRB260101.212")),
        (["bn26010121"], ()),
        (["bn2601012123"], ()),
        (["12345"], ()),
        (["123456"], ("GBM-123456",)),
        (["123456789012"], ("GBM-123456789012",)),
        (["1234567890123"], ()),
    ],
)
def test_a_trigger_and_a_burst_are_told_by_how_they_are_written(
    id_: list[str], names: tuple[str, ...]
) -> None:
    assert read_notice(make_notice(id=id_)).names == names


@pytest.mark.parametrize(
    ("alert_type", "type_"),
    [
        *(("initial", NoticeType.INITIAL), ("subsequent", NoticeType.UPDATE)),
        *(("update", NoticeType.UPDATE), ("retraction", NoticeType.RETRACTION)),
    ],
)
def test_a_notice_has_its_place_in_the_chain(alert_type: str, type_: NoticeType) -> None:
    assert read_notice(make_notice(alert_type=alert_type)).type is type_


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("far", math.nan), ("far", -1.0), ("far", 1.1e6)),
        *(("classification", {"GRB": math.nan}), ("classification", {"GRB": 1.1})),
        *(("containment_probability", 0.0), ("containment_probability", 1.0)),
        *(("ra_dec_error", math.nan), ("ra_dec_error", 181.0), ("ra_dec_error", [])),
        *(("trigger_time", "0001-01-01T00:00:00+14:00"), ("healpix_file", "?")),
    ],
)
def test_one_value_that_cannot_be_takes_nothing_else_with_it(name: str, value: object) -> None:
    notice = read_notice(make_notice(**PLACE | {"far": 1e-9, name: value}))

    assert len(notice.left_out) == 1
    assert notice.left_out[0].startswith(name)
    assert notice.names[0] == "bn260101212"


def test_no_number_of_a_notice_is_one_that_a_database_refuses() -> None:
    notice = read_notice(make_notice(**PLACE, other={"a": [math.inf, {"b": math.nan}], "c": "\0x"}))

    assert notice.facts["other"] == {"a": [None, {"b": None}], "c": "x"}


def test_a_message_does_not_say_itself_what_was_left_out_or_its_facts() -> None:
    notice = read_notice(make_notice(left_out=["all"], facts={"duration_class": "SHORT"}))

    assert notice.left_out == ()
    assert notice.facts["record_number"] == 1


def test_a_notice_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    payload = make_notice()
    monkeypatch.setattr("tom.forms.gcn_core.MAX_BYTES", len(payload))
    assert read_notice(payload).kind == "grb"

    with pytest.raises(MalformedAlertError, match=f"longer than {len(payload)} bytes"):
        read_notice(payload + b" ")


def test_a_text_names_a_burst_by_its_trigger_too() -> None:
    assert find_names("Fermi GBM bn260101212: refined") == ["BN260101212"]
    assert find_names("bn26010121 and abn260101212") == []


# --- The event ----------------------------------------------------------------------------------
def send(payload: bytes, topic: str = TOPIC) -> None:
    message, _ = store_message(topic, payload)
    intake.work_message(message.pk)
    message.refresh_from_db()
    assert message.state == MessageState.STORED, message.reason


@pytest.mark.django_db
def test_a_burst_is_an_event_whose_circle_holds_what_it_says() -> None:
    send(make_notice())
    send(make_notice(**PLACE, **LATER, systematic_included=True))

    event = NonLocalizedEvent.objects.get()
    assert (event.event_id, event.kind, event.is_live) == ("bn260101212", "grb", True)
    assert [row.alert_type for row in event.sequences.all()] == ["INITIAL", "UPDATE"]
    chosen = chosen_localization(event)
    assert chosen is not None
    assert (chosen.author, chosen.product) == ("Fermi GBM", "skymap")
    level = levels_2d(skymap_of(chosen.localization_id), healpix29([50.0], [23.0]))[0]
    assert level == pytest.approx(0.68, abs=0.02)
    assert chosen.localization.area_90 == pytest.approx(
        math.pi * (3.0 * math.sqrt(math.log(0.1) / math.log(0.32))) ** 2, rel=0.03
    )


@pytest.mark.django_db
def test_a_notice_that_knows_the_trigger_s_number_alone_is_of_the_same_event() -> None:
    send(make_notice(id=789000001))
    send(make_notice(**LATER))
    send(make_notice(id="bn260101212", alert_type="retraction", alert_datetime="2026-01-01T06:00"))

    event = NonLocalizedEvent.objects.get()
    assert event.event_id == "GBM-789000001"
    assert event.retracted


@pytest.mark.django_db
def test_a_notice_that_was_kept_before_anything_read_it_is_read_by_a_replay() -> None:
    message = make_message(
        make_notice(), topic=TOPIC, kind="gcn.notice", state=MessageState.RECEIVED
    )

    intake.work_message(message.pk)

    message.refresh_from_db()
    assert (message.kind, message.state) == ("gcn.fermi.gbm", MessageState.STORED)
    assert NonLocalizedEvent.objects.filter(event_id="bn260101212").exists()


@pytest.mark.django_db
def test_a_notice_that_names_no_trigger_stays_unidentified() -> None:
    send(make_notice(id=None))
    send(make_notice(id=["?"], **LATER))

    events = NonLocalizedEvent.objects.all()
    assert {event.event_id.partition("-")[0] for event in events} == {"unidentified"}
    assert events.count() == 2


@pytest.mark.django_db
def test_a_burst_raises_an_alarm_once_it_is_one_and_keeps_what_was_said_of_it(
    settings: Settings,
) -> None:
    settings.ALARM_HOURS = 10**6
    send(make_notice())
    send(make_notice(**LATER, classification={"BELOW_HORIZON": 1}))
    assert not Alarm.objects.exists()

    send(make_notice(**LATER | {"alert_datetime": "2026-01-01T05:06"}, classification={"GRB": 0.9}))
    alarm = Alarm.objects.get()
    assert alarm.title == "bn260101212: significant gamma-ray burst"
    assert "GRB 90%" in alarm.body

    send(make_notice(**LATER | {"alert_datetime": "2026-01-01T05:15"}))
    event = NonLocalizedEvent.objects.get()
    assert (event.classification, event.significant) == ({"GRB": 0.9}, True)
    assert Alarm.objects.count() == 1


@pytest.mark.django_db
def test_a_test_topic_makes_a_test() -> None:
    send(make_notice(), topic="gcn.notices.fermi.gbm.test")

    assert not NonLocalizedEvent.objects.get().is_live


@pytest.mark.django_db
def test_the_real_notices_of_one_burst_are_one_chain(real_data) -> None:
    files = sorted((real_data / "gw" / "gcn").glob("fermi.gbm.trigger.*.example.json"))
    for file in files:
        send(file.read_bytes(), topic=FILE_TOPIC)

    event = NonLocalizedEvent.objects.get()
    assert event.event_id == "bn240812094"
    chain = event.sequences.all()
    assert [row.details["record_number"] for row in chain] == [1, 2, 3, 4, 5, 6, 7]
    assert event.localizations.count() == 6
    chosen = chosen_localization(event)
    assert chosen is not None
    # One degree of 68% with both further errors: .579 exp(-r2 / 7.80) + .421 exp(-r2 / 35.2) = .1.
    assert chosen.localization.area_90 == pytest.approx(159.5, rel=0.02)
    level = levels_2d(skymap_of(chosen.localization_id), healpix29([29.24], [-63.62]))[0]
    assert level < 0.05


def test_it_declares_where_else_one_can_read() -> None:
    assert FERMI_GBM.pages[0].name == "Fermi's archive"
