import base64
import json
from datetime import UTC, datetime

import pytest

from tests.streams.packets import make_gwalert, make_gwalert_avro, make_gwalert_json
from tom.events.models import EventLocalization
from tom.formats.errors import MalformedAlertError
from tom.missions.lvk.alert import parse_gwalert_avro, parse_gwalert_json
from tom.records.notice import NoticeType

COINCIDENCE = {
    "gcn_notice_id": 524666471,
    "ivorn": None,
    "observatory": "Fermi",
    "search": "GRB",
    "time_difference": 1.7,
    "time_coincidence_far": 1e-14,
    "time_sky_position_coincidence_far": None,
    "combined_skymap": b"SIMPLE  = both",
}


def test_json_with_a_base64_map_and_avro_with_a_raw_one_say_the_same():
    values = {"external_coinc": COINCIDENCE}

    assert parse_gwalert_json(make_gwalert_json(**values)) == parse_gwalert_avro(
        make_gwalert_avro(**values)
    )


def test_an_alert_is_read():
    alert = parse_gwalert_json(make_gwalert_json(external_coinc=COINCIDENCE))

    assert alert.alert_type is NoticeType.PRELIMINARY
    assert alert.superevent_id == "S260101a"
    assert alert.time_created == datetime(2026, 1, 1, 5, 5, tzinfo=UTC)
    assert alert.event.far == 1e-10
    assert alert.event.classification["BNS"] == 0.95
    assert alert.skymap == b"SIMPLE  = a map"
    assert alert.combined_skymap == b"SIMPLE  = both"


@pytest.mark.parametrize("notice", [1000215, "1000215"])
def test_a_notice_id_is_text_whether_number_or_string(notice):
    alert = parse_gwalert_json(
        make_gwalert_json(external_coinc=COINCIDENCE | {"gcn_notice_id": notice})
    )

    assert alert.external_coinc.gcn_notice_id == "1000215"


def test_an_alert_in_a_list_of_one_is_read():
    assert parse_gwalert_json(b"[" + make_gwalert_json() + b"]").superevent_id == "S260101a"


def test_a_retraction_has_no_event():
    alert = parse_gwalert_json(make_gwalert_json(alert_type="RETRACTION"))

    assert alert.is_retraction
    assert alert.event is None
    assert alert.skymap is None


def test_a_null_id_stays_unidentified():
    assert parse_gwalert_json(make_gwalert_json(superevent_id=None)).superevent_id is None


def test_a_time_without_a_zone_is_utc():
    alert = parse_gwalert_json(make_gwalert_json(time_created="2026-01-01T05:05:00.5"))

    assert alert.time_created == datetime(2026, 1, 1, 5, 5, 0, 500_000, tzinfo=UTC)


def test_what_is_null_or_not_finite_is_absent():
    event = {"far": float("nan"), "significant": None, "properties": None, "instruments": None}
    event["classification"] = {"BNS": float("inf"), "NSBH": 0.5}

    event = parse_gwalert_json(make_gwalert_json(event=event)).event

    assert event.far is None
    assert event.significant is None
    assert event.properties == {}
    assert event.instruments == ()
    assert event.classification == {"NSBH": 0.5}


def test_null_says_as_little_as_what_is_absent_and_breaks_no_form():
    nothing = dict.fromkeys(
        ("time", "far", "significant", "instruments", "group", "pipeline", "search")
    )
    nothing |= dict.fromkeys(("classification", "properties", "duration", "skymap"))

    alert = parse_gwalert_json(make_gwalert_json(event=nothing, urls=None, external_coinc={}))

    assert alert.left_out == ()
    assert alert.event.time is None
    assert alert.urls == {}
    assert alert.combined_skymap is None


def test_a_time_of_an_event_is_read_with_its_fraction():
    alert = parse_gwalert_json(make_gwalert_json(event={"time": "2026-01-01T06:00:00.25+01:00"}))

    assert alert.event.time == datetime(2026, 1, 1, 5, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("event", {"far": 0}),
        ("event", {"far": 1e6}),
        ("event", {"duration": 0.0}),
        ("event", {"central_frequency": 1e6}),
        ("event", {"time": "1980-01-01T00:00:00Z"}),
        ("event", {"classification": {"BNS": -1e-6, "NSBH": 1 + 1e-6}}),
        ("external_coinc", {"time_difference": -1e9}),
        ("external_coinc", {"time_difference": 1e9}),
        ("external_coinc", {"time_coincidence_far": 0.0}),
    ],
)
def test_a_number_at_the_end_of_its_range_is_taken(part, values):
    whole = {"event": {}, "external_coinc": COINCIDENCE}
    alert = parse_gwalert_json(make_gwalert_json(**whole | {part: whole[part] | values}))

    assert alert.left_out == ()
    assert all(0 <= chance <= 1 for chance in alert.event.classification.values())


@pytest.mark.parametrize(
    "values",
    [
        {"time_difference": -1.1e9},
        {"time_difference": 1.1e9},
        {"time_coincidence_far": -1e-20},
        {"time_sky_position_coincidence_far": float("inf")},
    ],
)
def test_a_number_of_a_coincidence_beyond_its_range_is_left_out(values):
    alert = parse_gwalert_json(make_gwalert_json(external_coinc=COINCIDENCE | values))

    assert len(alert.left_out) == 1
    assert alert.left_out[0].startswith(f"external_coinc.{next(iter(values))}")
    assert alert.external_coinc.observatory == "Fermi"


@pytest.mark.parametrize("empty", ["", None])
def test_a_map_of_no_bytes_is_no_map(empty):
    alert = parse_gwalert_json(
        make_gwalert_json(
            event={"skymap": empty}, external_coinc=COINCIDENCE | {"combined_skymap": empty}
        )
    )

    assert (alert.skymap, alert.combined_skymap) == (None, None)
    assert alert.left_out == ()


def test_a_map_of_just_the_most_bytes_is_kept(monkeypatch):
    monkeypatch.setattr("tom.missions.lvk.alert.MAX_MAP_BYTES", 100)

    alert = parse_gwalert_json(make_gwalert_json(event={"skymap": bytes(100)}))

    assert alert.skymap == bytes(100)


def test_a_message_that_is_too_long_is_not_even_read(monkeypatch):
    payload = make_gwalert_json()
    monkeypatch.setattr("tom.missions.lvk.alert.MAX_BYTES", len(payload))
    assert parse_gwalert_json(payload).superevent_id == "S260101a"

    with pytest.raises(MalformedAlertError, match=f"longer than {len(payload)} bytes"):
        parse_gwalert_json(payload + b" ")


def test_an_avro_container_that_unpacks_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr("tom.missions.lvk.alert.MAX_BYTES", 100)

    with pytest.raises(MalformedAlertError, match="too large"):
        parse_gwalert_avro(make_gwalert_avro())


def test_what_a_newer_form_adds_is_no_fault():
    alert = parse_gwalert_json(make_gwalert_json(novel={"a": 1}, event={"spin": "prograde"}))

    assert alert.left_out == ()
    assert not hasattr(alert.event, "spin")


@pytest.mark.parametrize("tense", [None, "", "current"])
def test_a_tense_that_is_now_is_no_sign_of_a_test(tense):
    assert parse_gwalert_json(make_gwalert_json(alert_tense=tense)).test_reasons == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"event": {"search": "mdc"}}, "the search is MDC"),
        ({"external_coinc": COINCIDENCE | {"search": "MDC"}}, "the search is MDC"),
        ({"alert_tense": "planned"}, "the tense is planned"),
        ({"superevent_id": "TS260101a"}, "the id TS260101a begins with M or T"),
        ({"urls": {"x": "https://gracedb-dev.ligo.org/"}}, "its page is on a test server"),
        ({"urls": {"x": "https://gracedb-test.ligo.org/"}}, "its page is on a test server"),
    ],
)
def test_a_sign_of_a_test_is_said_in_words(values, said):
    assert parse_gwalert_json(make_gwalert_json(**values)).test_reasons == (said,)


def test_an_id_in_small_letters_is_no_sign_of_a_test():
    assert parse_gwalert_json(make_gwalert_json(superevent_id="S260101m")).test_reasons == ()
    assert parse_gwalert_json(make_gwalert_json(superevent_id=None)).test_reasons == ()


def test_two_alerts_in_one_message_are_none():
    with pytest.raises(MalformedAlertError, match="holds 2"):
        parse_gwalert_json(b"[%b, %b]" % (make_gwalert_json(), make_gwalert_json()))


NONSENSE = [
    ({"far": -3}, "event.far -3 (negative)"),
    ({"far": float("inf")}, "event.far inf (not finite)"),
    ({"far": "often"}, "event.far often"),
    ({"classification": {"BNS": 1e300, "NSBH": 0.5}}, "event.classification.BNS 1e+300 (more"),
    ({"classification": {"BNS": -5, "NSBH": 0.5}}, "event.classification.BNS -5 (less than"),
    ({"classification": {"BNS": "x", "NSBH": 0.5}}, "event.classification.BNS x"),
    ({"properties": {"HasNS": -999}}, "event.properties.HasNS -999 (less than"),
    ({"properties": [1]}, "event.properties (input should be"),
    ({"instruments": ["H1", 7, "L1", None]}, "event.instruments.1 7 (input should be"),
    ({"pipeline": {}}, "event.pipeline (input should be"),
    ({"significant": "perhaps"}, "event.significant perhaps"),
    ({"time": "1950-01-01T00:00:00Z"}, "event.time 1950-01-01T00:00:00Z (before 1980)"),
    ({"time": "0001-12-31T00:00:00Z"}, "event.time 0001-12-31T00:00:00Z (out of range)"),
    ({"time": "soon"}, "event.time soon"),
    ({"duration": -1}, "event.duration -1 (negative)"),
    ({"skymap": "no base64!"}, "event.skymap no base64! (the map is not base64"),
    ({"skymap": "\u00e4"}, "event.skymap \u00e4 (the map is not base64"),
    ({"skymap": 7}, "event.skymap 7"),
]


@pytest.mark.parametrize(("event", "named"), NONSENSE, ids=lambda value: str(value)[:40])
def test_one_value_that_breaks_the_form_is_left_out_and_named(event, named):
    alert = parse_gwalert_json(make_gwalert_json(event=event))

    assert alert.left_out[0].startswith(named)
    assert len(alert.left_out) == (2 if "instruments" in event else 1)
    assert "BNS" in alert.event.classification or alert.event.classification == {"NSBH": 0.5}
    assert alert.event.group == "CBC"


@pytest.mark.parametrize(
    "coincidence", ["x", COINCIDENCE | {"combined_skymap": "?"}, COINCIDENCE | {"search": []}]
)
def test_a_broken_coincidence_takes_nothing_else_with_it(coincidence):
    alert = parse_gwalert_json(make_gwalert_json(external_coinc=coincidence))

    assert alert.skymap == b"SIMPLE  = a map"
    assert alert.left_out[0].startswith("external_coinc")


def test_a_map_that_is_too_large_is_left_out(monkeypatch):
    monkeypatch.setattr("tom.missions.lvk.alert.MAX_MAP_BYTES", 100)

    alert = parse_gwalert_json(make_gwalert_json(event={"skymap": bytes(101)}))

    assert alert.skymap is None
    assert alert.left_out == ("event.skymap (the map is longer than 100 bytes)",)


def test_a_rounding_just_outside_of_a_chance_is_no_fault():
    alert = parse_gwalert_json(make_gwalert_json(event={"classification": {"BNS": 1.0000001}}))

    assert alert.event.classification == {"BNS": 1.0}
    assert alert.left_out == ()


def test_a_message_does_not_say_itself_what_was_left_out():
    assert parse_gwalert_json(make_gwalert_json(left_out=["all"])).left_out == ()


def test_a_pipeline_is_kept_as_far_as_its_column_holds_it():
    column = EventLocalization._meta.get_field("author")

    alert = parse_gwalert_json(make_gwalert_json(event={"pipeline": "p" * 600}))

    assert alert.event.pipeline == "p" * column.max_length


@pytest.mark.parametrize("year", ["0001", "1899", "2100", "9999"])
def test_a_time_that_leaves_no_room_for_a_window_is_malformed(year):
    time = f"{year}-12-31T00:00:00Z"

    with pytest.raises(MalformedAlertError, match="out of range"):
        parse_gwalert_json(make_gwalert_json(time_created=time))
    assert parse_gwalert_json(make_gwalert_json(event={"time": time})).event.time is None


def test_an_event_of_the_sky_has_no_sign_of_a_test():
    assert parse_gwalert_json(make_gwalert_json()).test_reasons == ()


@pytest.mark.parametrize(
    "values",
    [
        {"superevent_id": "MS260101a"},
        {"superevent_id": "TS260101a"},
        {"superevent_id": "MS260101a", "alert_type": "RETRACTION"},
        {"event": {"search": "MDC"}},
        {"alert_tense": "injection"},
        {"urls": {"gracedb": "https://gracedb-playground.ligo.org/"}},
    ],
)
def test_any_sign_of_a_test_is_found_and_said(values):
    assert len(parse_gwalert_json(make_gwalert_json(**values)).test_reasons) == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not JSON"),
        (b"[]", "holds 0"),
        (b'{"superevent_id": "S1"}', "alert_type"),
        (b"[" * 100_000, "not JSON"),
        (make_gwalert_json(alert_type="GUESS"), "alert_type"),
        (make_gwalert_json(time_created="yesterday"), "time_created"),
        (make_gwalert_json(time_created="0001-01-01T00:00:00+23:00"), "time_created"),
        (make_gwalert_json(superevent_id="S1'; --"), "superevent_id"),
        (make_gwalert_json(superevent_id="S1\x00"), "superevent_id"),
        (make_gwalert_json(superevent_id=".."), "not dots alone"),
        (make_gwalert_json(superevent_id="."), "not dots alone"),
        (make_gwalert_json(superevent_id="S1/../x"), "letters, digits"),
        (make_gwalert_json(superevent_id="S1?x#y"), "letters, digits"),
        (make_gwalert_json(superevent_id="S" * 65), "1 to 64"),
        (make_gwalert_json(superevent_id="S1\n"), "letters, digits"),
        (json.dumps(make_gwalert(event=None)).encode(), "only a retraction"),
    ],
)
def test_a_broken_alert_is_malformed_with_a_short_reason(payload, reason):
    with pytest.raises(MalformedAlertError, match=reason) as caught:
        parse_gwalert_json(payload)
    assert len(str(caught.value)) < 500


def test_base64_in_lines_is_read():
    lines = base64.encodebytes(bytes(range(200))).decode()

    assert parse_gwalert_json(make_gwalert_json(event={"skymap": lines})).skymap == bytes(
        range(200)
    )


def test_every_real_alert_is_read(real_data):
    alerts = {
        path.name: parse_gwalert_json(path.read_bytes())
        for path in (real_data / "gw" / "lvk").glob("*.json")
    }
    alerts |= {
        path.name: parse_gwalert_avro(path.read_bytes())
        for path in (real_data / "gw" / "lvk").glob("*.avro")
    }

    assert len(alerts) == 15
    live = {name.split("-")[0] for name, alert in alerts.items() if not alert.test_reasons}
    assert live == {"S230518h", "S230522a", "S230525a"}
    assert all(alert.skymap.startswith(b"SIMPLE  =") for alert in alerts.values() if alert.event)
    assert alerts["MS181101ab-ext-update.avro"].combined_skymap.startswith(b"SIMPLE  =")
    assert alerts["MS181101ab-preliminary.avro"] == alerts["MS181101ab-preliminary.json"]


def test_the_real_chain_of_one_event_has_an_order(real_data):
    chain = [
        parse_gwalert_json(path.read_bytes())
        for path in (real_data / "gw" / "lvk").glob("MS181101ab-*.json")
    ]

    kinds = list(NoticeType)
    chain.sort(key=lambda alert: (alert.time_created, kinds.index(alert.alert_type)))
    assert [alert.alert_type for alert in chain] == kinds
