"""GCN's notices of the missions that declare themselves in data, and of any other mission."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.factories import make_observer
from tom import intake
from tom.events.localizations import chosen_localization, skymap_of
from tom.events.models import NonLocalizedEvent
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC, HEARTBEAT
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.records import Notice
from tom.records.notice import Box, NoticeType, Position
from tom.sky import healpix29, levels_2d
from tom.streams.models import AlertMessage
from tom.streams.services import store_message

SCHEMAS = "https://gcn.nasa.gov/schema/main/gcn/notices/"
CORNERS = [[10.0, 20.0], [9.7, 19.7], [11.5, 18.0], [11.8, 18.3]]
WHEN = {
    "alert_datetime": "2026-02-01T05:05:00Z",
    "trigger_time": "2026-02-01T05:00:00Z",
    "alert_type": "initial",
    "alert_tense": "current",
}
PLACE = {"ra": 120.0, "dec": -30.0, "ra_dec_error": 0.5}
# The schema, what else it says, and the form, kind and names that it gets.
KINDS: dict[str, tuple[dict[str, Any], str, str, tuple[str, ...]]] = {
    "maxi/gsc.unknown": (
        {"mission": "MAXI", "id": "8887766554", "event_name": "GRB 260201A"},
        *("gcn.maxi", "grb", ("MAXI-8887766554", "GRB260201A")),
    ),
    "maxi/gsc.known": (
        {"mission": "MAXI", "id": "8887766555", "event_name": "Cyg X-1"},
        *("gcn.maxi", "unknown", ("MAXI-8887766555",)),
    ),
    "chime/frb": (
        {"id": "512345678", "known_source": "FRB 20200101A"},
        *("gcn.chime.frb", "frb", ("CHIME-512345678",)),
    ),
    "dsa110/frb": ({"id": "260201abcd"}, "gcn.dsa110.frb", "frb", ("DSA110-260201abcd",)),
    "km3net/alert": (
        {"mission": "KM3NeT", "id": "17", "event_name": "KM3-260201A"},
        *("gcn.km3net", "neutrino", ("KM3-260201A", "KM3NeT-17")),
    ),
    "superk/sn_alert": (
        {"mission": "Super-Kamiokande", "id": "SN.096001.000002"},
        *("gcn.superk", "neutrino", ("SK-SN.096001.000002",)),
    ),
    "glowbug/Alert": (
        {"mission": "GLOWBUG", "id": ["BUG260201.208", "433"]},
        *("gcn.glowbug", "grb", ("BUG260201.208",)),
    ),
    "burstcube/alert": (
        {"mission": "BurstCube", "id": ["260201208"]},
        *("gcn.burstcube", "grb", ("BurstCube-260201208",)),
    ),
    "svom/trigger": (
        {"instrument": "ECLAIRs", "id": ["sb26020101"], "event_name": ["M31"]},
        *("gcn.svom", "grb", ("sb26020101",)),
    ),
    "swift/bat/Guano": (
        {"mission": "Swift", "id": ["790000009"], "follow_up_event": "Fermi 790000001"}
        | {"follow_up_type": "GRB"},
        *("gcn.swift.guano", "grb", ("GUANO-790000009",)),
    ),
    "swift/bat/alert": (
        {"mission": "Swift", "instrument": "BAT", "id": ["1234567"]},
        *("gcn.swift", "grb", ("Swift-1234567",)),
    ),
    "icecube/single_neutrino_alerts": (
        {"mission": "IceCube", "id": ["140000_1234567"], "event_name": ["IceCube-260201A"]},
        *("gcn.icecube", "neutrino", ("IceCube-260201A", "IceCube-140000_1234567")),
    ),
    "icecube/lvk_nu_track_search": (
        {
            "ref_ID": "S260201a",
            "coincident_events": [
                {"localization": {"ra": 1.0, "dec": 2.0, "ra_dec_error": 3.0}}
                | {"event_pval_generic": 0.2},
                {"localization": PLACE, "event_pval_generic": 0.01},
                {"localization": None, "event_pval_generic": None},
            ],
        },
        *("gcn.icecube.search", "neutrino", ("IceCube-at-S260201a",)),
    ),
    "fermi/gbm/trigger": (
        {"mission": "Fermi", "instrument": "GBM", "id": ["790000001", "bn260201208"]}
        | {"systematic_included": True},
        *("gcn.fermi.gbm", "grb", ("bn260201208", "GRB260201.208", "GBM-790000001")),
    ),
    "einstein_probe/wxt/alert": (
        {"instrument": "WXT", "id": ["01709131234"], "event_name": "EP 260201a"},
        *("gcn.einstein_probe.wxt", "unknown", ("EP-WXT-01709131234", "EP260201a")),
    ),
    "fermi/lat/flare": (
        {"mission": "Fermi", "event_name": "4C +01.02", "trigger_time": None}
        | {"observation_start": "2026-01-31T00:00:00"},
        *("gcn.fermi.lat", "unknown", ("LAT-4Cp01.02-20260131",)),
    ),
    "new/alert": (
        {"mission": "Black CAT", "instrument": "X", "id": "2026/02 7"},
        *("gcn.notice", "unknown", ("BlackCAT-2026-027",)),
    ),
}
FOLDERS = pytest.mark.parametrize("folder", KINDS)


def make_notice(folder: str, **values: Any) -> bytes:
    said = {"$schema": f"{SCHEMAS}{folder}.schema.json", **WHEN, **PLACE, **KINDS[folder][0]}
    return json.dumps(said | values).encode()


def read(payload: bytes) -> Notice:
    parse = forms()[identify(FILE_TOPIC, payload)].parse
    assert parse is not None
    notice = parse(payload)
    assert isinstance(notice, Notice)
    return notice


@FOLDERS
def test_each_kind_is_known_by_its_schema_and_named(folder: str) -> None:
    _, form, kind, names = KINDS[folder]
    payload = make_notice(folder)

    assert identify(FILE_TOPIC, payload) == form
    notice = read(payload)
    assert (notice.kind, notice.names) == (kind, names)
    assert (notice.type, notice.test_reasons) == (NoticeType.INITIAL, ())
    assert notice.time == datetime(2026, 2, 1, 5, 5, tzinfo=UTC)
    place = notice.position
    assert isinstance(place, Position)
    assert (place.ra, place.dec, place.radius_deg, place.containment) == (120.0, -30.0, 0.5, 0.9)
    assert place.minor_deg is None


@FOLDERS
def test_a_retraction_names_the_event_and_no_place(folder: str) -> None:
    notice = read(make_notice(folder, alert_type="retraction"))

    assert (notice.type, notice.names) == (NoticeType.RETRACTION, KINDS[folder][3])
    assert notice.position is None


@FOLDERS
@pytest.mark.parametrize("tense", ["test", "injection", "archival", "commanded", "planned"])
def test_a_test_says_so_and_has_a_name_of_its_own(folder: str, tense: str) -> None:
    notice = read(make_notice(folder, alert_tense=tense))

    assert notice.test_reasons == (f"the tense is {tense}",)
    assert not {*notice.names} & {*KINDS[folder][3]}
    assert notice.names[0] == f"{KINDS[folder][3][0]}-{tense}"


@pytest.mark.parametrize(
    ("tense", "suffix"),
    [
        ("Current", ""),
        (["current"], ""),
        ("TEST", "-test"),
        (["test"], "-test"),
        ({"a": 1}, "-a-1"),
    ],
)
def test_only_what_says_current_is_news(tense: object, suffix: str) -> None:
    notice = read(make_notice("superk/sn_alert", alert_tense=tense, alert_type="Initial"))

    assert notice.names == (f"SK-SN.096001.000002{suffix}",)
    assert bool(notice.test_reasons) is bool(suffix)
    assert notice.type is NoticeType.INITIAL


@FOLDERS
def test_a_field_that_is_null_is_as_one_that_is_missing(folder: str) -> None:
    needed = {"ref_ID", "coincident_events", "event_name", "id", "observation_start"}
    said = json.loads(make_notice(folder))
    nulls = {name: None for name in said if name not in {"$schema", "trigger_time", *needed}}
    trigger = {"trigger_time": "2026-02-01T05:00:00Z"}

    given, kept = said | nulls | trigger, {name: said.get(name) for name in ("$schema", *needed)}

    notice = read(json.dumps(given).encode())
    assert notice.time == datetime(2026, 2, 1, 5, tzinfo=UTC)
    assert notice.names[:1] == read(json.dumps(kept | trigger).encode()).names[:1]


@pytest.mark.parametrize("folder", [each for each in KINDS if "search" not in each])
def test_one_bad_value_is_left_out_and_named(folder: str) -> None:
    notice = read(make_notice(folder, ra_dec_error=-1, far="often", classification=[]))

    assert notice.position is None
    assert {each.partition(" ")[0] for each in notice.left_out} >= {"ra_dec_error", "far"}


@pytest.mark.parametrize("folder", [each for each in KINDS if each != "fermi/lat/flare"])
def test_one_that_says_only_when_it_observed_has_that_time(folder: str) -> None:
    times = {"alert_datetime": None, "trigger_time": None, "observation_start": "2026-02-01T05:06Z"}
    notice = read(make_notice(folder, **times))

    assert notice.time == datetime(2026, 2, 1, 5, 6, tzinfo=UTC)
    assert notice.event_time is None


@pytest.mark.parametrize(
    ("said", "significant"),
    [
        ({}, None),
        ({"classification": {"known": 0.0, "unknown": 1.0}}, None),
        ({"classification": {"GRB": 1.0}}, None),
        ({"classification": {"EXO_0748-676": 1.0, "unknown": 0.0}}, False),
        ({"star_tracker_locked": True}, None),
        ({"star_tracker_locked": False}, False),
        ({"star_tracker_locked": False, "instrument": "XRT"}, None),
    ],
)
def test_swift_s_bat_says_what_is_no_burst(said: dict[str, Any], significant: object) -> None:
    assert read(make_notice("swift/bat/alert", **said)).significant is significant


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        ({"GRB": 1}, "grb"),
        ({"grb": 0.6, "flare": 0.4}, "grb"),
        ({"GRB": 0.4, "flare": 0.6}, "unknown"),
        ({"GRB": 0}, "unknown"),
    ],
)
def test_what_its_mission_takes_for_a_burst_is_one(classes: dict[str, float], kind: str) -> None:
    assert read(make_notice("new/alert", classification=classes)).kind == kind


@pytest.mark.parametrize(
    "folder",
    ["lvk_nu_track_search", "lvk_nu_cascade_search", "lvk_nu_search", "LvkNuTrackSearch"],
)
def test_icecube_s_searches_are_known_whatever_they_look_for(folder: str) -> None:
    schema = f"{SCHEMAS}icecube/{folder}.schema.json"
    payload = make_notice("icecube/lvk_nu_track_search", **{"$schema": schema})

    for topic in (FILE_TOPIC, "gcn.notices.icecube.lvk_nu_cascade_search"):
        assert identify(topic, payload) == "gcn.icecube.search"
    assert read(payload).names == ("IceCube-at-S260201a",)


@pytest.mark.parametrize(
    "number", ["140000_1234567", "140000_1234567_0", "140000_001234567_1", "0140000_1234567"]
)
def test_icecube_s_neutrino_is_one_in_each_of_its_revisions(number: str) -> None:
    notice = read(make_notice("icecube/single_neutrino_alerts", id=[number], event_name=[]))

    assert notice.names == ("IceCube-140000_1234567",)


@FOLDERS
def test_a_topic_that_a_mission_opens_later_brings_notices_of_the_same_events(folder: str) -> None:
    payload = make_notice(folder)

    assert identify("gcn.notices.new_mission.mxt", payload) == KINDS[folder][1]


@FOLDERS
def test_without_any_time_it_is_refused(folder: str) -> None:
    payload = make_notice(folder, alert_datetime=None, trigger_time=None, observation_start=None)

    with pytest.raises(MalformedAlertError, match="alert_datetime"):
        read(payload)


@pytest.mark.parametrize(
    ("error", "shape"),
    [
        (0.5, (0.5, None, 0.0)),
        ("0.5", (0.5, None, 0.0)),
        ([0.5], (0.5, None, 0.0)),
        ([0.5, 0.5, 20], (0.5, None, 0.0)),
        ([0.5, 0.2], (0.5, 0.2, 0.0)),
        ([0.5, 0.2, 200], (0.5, 0.2, 20.0)),
        ([0.5, None, None], (0.5, None, 0.0)),
        (["0.5", "0.2", "30"], (0.5, 0.2, 30.0)),
        ([0.2, 0.5, 30], (0.5, 0.2, 120.0)),
        ([0.5, -999.0, 30], (0.5, None, 0.0)),
        ([0.5, 0.2, "north"], (0.5, None, 0.0)),
        ([10, 0.001, 0], (10.0, 0.1, 0.0)),
    ],
)
def test_an_error_is_a_circle_or_an_ellipse(error: object, shape: tuple[float, ...]) -> None:
    place = read(make_notice("chime/frb", ra_dec_error=error)).position

    assert isinstance(place, Position)
    assert (place.radius_deg, place.minor_deg, place.angle_deg) == pytest.approx(shape)


@pytest.mark.parametrize(
    ("error", "word"),
    [([0.2, 0.5], "swapped"), ([0.5, 0], "radius"), ([0.5, 0.2, "n"], "angle"), ([9, 0.01], "100")],
)
def test_what_is_doubtful_about_an_ellipse_is_flagged(error: list[Any], word: str) -> None:
    (flag,) = read(make_notice("chime/frb", ra_dec_error=error)).left_out

    assert flag.startswith("ra_dec_error")
    assert word in flag


@pytest.mark.parametrize(
    "error", [0, -1, 181, "far", [], [None, 0.5], [1, None, 3], [1, 2, 3, 4], {}, True]
)
def test_what_is_no_error_makes_no_place(error: object) -> None:
    notice = read(make_notice("chime/frb", ra_dec_error=error))

    assert notice.position is None
    assert notice.left_out


def test_a_box_is_read_with_its_corners_and_the_mission_s_systematic_error() -> None:
    given = {"ra_dec_error": None, "rectangular_error_corners": CORNERS}

    box = read(make_notice("maxi/gsc.unknown", **given)).position
    whole = read(make_notice("maxi/gsc.unknown", **given, systematic_included=True)).position

    assert isinstance(box, Box)
    assert box.corners == tuple(map(tuple, CORNERS))
    assert box.systematic[0][1] * math.sqrt(-2 * math.log(0.1)) == pytest.approx(0.1, rel=1e-3)
    assert isinstance(whole, Box)
    assert whole.systematic == ()


@pytest.mark.parametrize("corners", [[], CORNERS[:3], [*CORNERS[:3], ["a", 2]], "x", [1, 2, 3, 4]])
def test_what_is_no_box_makes_no_place(corners: object) -> None:
    given = {"ra_dec_error": None, "rectangular_error_corners": corners}

    notice = read(make_notice("maxi/gsc.unknown", **given))

    assert notice.position is None
    assert any("rectangular_error_corners" in each for each in notice.left_out)


def test_a_place_without_an_error_is_said_to_make_no_map() -> None:
    said = json.loads(make_notice("maxi/gsc.known"))
    del said["ra_dec_error"]

    notice = read(json.dumps(said).encode())

    assert notice.position is None
    assert "without an error" in notice.left_out[0]


def test_a_schema_for_tests_makes_a_test() -> None:
    address = f"{SCHEMAS}burstcube/test.schema.json"

    notice = read(make_notice("burstcube/alert", **{"$schema": address}))

    assert notice.test_reasons == ("its schema is one of tests",)
    assert notice.names == ("BurstCube-260201208-test",)


def test_a_search_at_a_test_of_lvk_is_a_test() -> None:
    notice = read(make_notice("icecube/lvk_nu_track_search", ref_ID="MS260201a"))

    assert notice.test_reasons == ("it is of MS260201a, a test",)


@pytest.mark.parametrize("found", [None, [], "none"])
def test_a_search_that_found_nothing_is_kept_and_no_event(found: object) -> None:
    with pytest.raises(UnhandledAlertError, match="no neutrino was found at S260201a"):
        read(make_notice("icecube/lvk_nu_track_search", coincident_events=found))


@pytest.mark.parametrize("values", [{"follow_up_type": "GW"}, {"follow_up_event": "S260201a"}])
def test_guano_is_linked_with_a_burst_of_gbm_alone(values: dict[str, str]) -> None:
    assert read(make_notice("swift/bat/Guano")).followed == ("GBM-790000001",)
    assert read(make_notice("swift/bat/Guano", **values)).followed == ()


@pytest.mark.parametrize("said", [{"id": None}, {"id": "?"}, {"id": []}])
def test_a_place_without_an_id_stays_unidentified(said: dict[str, Any]) -> None:
    assert read(make_notice("chime/frb", **said)).names == ()
    with pytest.raises(MalformedAlertError, match="no event"):
        read(make_notice("chime/frb", **said, alert_type="retraction"))


@pytest.mark.parametrize(
    "said",
    [
        {"mission": "HEASARC", "obs_id": "1", "alert_datetime": "2026-02-01T00:00:00Z"},
        {"mission": "Boom", "data": {}, "alert_datetime": "2026-02-01T00:00:00Z"},
        {"ra": 1, "dec": 2, "ra_dec_error": 1},
        {"id": "7", "mission": "X"},
        {},
    ],
)
def test_what_tells_of_no_event_is_kept_with_the_reason(said: dict[str, Any]) -> None:
    with pytest.raises(UnhandledAlertError, match="kept; no event"):
        read(json.dumps({"$schema": f"{SCHEMAS}x.schema.json", **said}).encode())


@pytest.mark.django_db
def test_without_a_name_what_tells_when_and_where_is_an_event_that_stays_unidentified() -> None:
    assert work(make_notice("new/alert", id=None)).state == "stored"
    assert work(make_notice("new/alert", id=None, alert_type="retraction")).state == "unhandled"
    assert work(make_notice("new/alert", id=None, ra_dec_error=None)).state == "unhandled"

    event = NonLocalizedEvent.objects.get()
    assert event.event_id.startswith("unidentified-")
    assert chosen_localization(event) is not None


def test_the_core_s_fields_alone_make_a_notice_and_a_schema_never() -> None:
    said = {**WHEN, "mission": "New", "id": "1"}

    assert identify(FILE_TOPIC, json.dumps(said).encode()) == "gcn.notice"
    assert identify(FILE_TOPIC, json.dumps({**said, "$id": "x"}).encode()) == "unknown"
    assert identify("someone.topic", json.dumps(said).encode()) == "hopskotch.text"


@pytest.mark.parametrize("topic", ["gcn.notices.boom.heartbeat", "gcn.heartbeat"])
def test_a_heartbeat_is_no_notice(topic: str) -> None:
    assert identify(topic, make_notice("new/alert")) == HEARTBEAT


# --- The event ----------------------------------------------------------------------------------
def work(payload: bytes, topic: str = FILE_TOPIC) -> AlertMessage:
    message, _ = store_message(topic, payload)
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message


@pytest.mark.django_db
@FOLDERS
def test_each_kind_is_an_event_with_a_map_until_it_is_retracted(folder: str) -> None:
    later = {"alert_datetime": "2026-02-01T06:00:00Z"}

    work(make_notice(folder))
    event = NonLocalizedEvent.objects.get()
    assert (event.event_id, event.is_live) == (KINDS[folder][3][0], True)
    chosen = chosen_localization(event)
    assert chosen is not None
    levels = levels_2d(skymap_of(chosen.localization_id), healpix29([120.0, 123.0], [-30.0, -30]))
    assert levels[0] < 0.1
    assert levels[1] > 0.95

    assert work(make_notice(folder, alert_type="retraction", **later)).state == "stored"
    event.refresh_from_db()
    assert event.retracted


@pytest.mark.django_db
@pytest.mark.parametrize("place", [{}, dict.fromkeys(PLACE)], ids=["with a circle", "without"])
def test_a_map_of_which_only_the_address_came_is_named_where_there_is_no_other(
    place: dict[str, None], client: Client
) -> None:
    work(make_notice("new/alert", healpix_url="https://example.org/sky.fit", **place))

    client.force_login(make_observer())
    text = client.get(f"/events/{NonLocalizedEvent.objects.get().event_id}/").text
    said = "skymap (only its address came, and no address is opened: https://example.org/sky.fit)"
    by_hand = '<a href="/events/new/">an event by hand</a>'
    assert [words in text for words in (said, by_hand)] == [bool(place)] * 2


@pytest.mark.parametrize("url", ["ftp://example.org/sky.fit", "javascript:alert(1)", 7, "no one"])
def test_what_is_no_address_of_a_map_is_left_out(url: object) -> None:
    notice = read(make_notice("new/alert", healpix_url=url))

    assert notice.addresses == {}
    assert notice.left_out[0].startswith("healpix_url")


@pytest.mark.django_db
@pytest.mark.parametrize("folder", ["chime/frb", "maxi/gsc.unknown", "swift/bat/Guano"])
def test_a_retraction_that_comes_first_or_twice_stands(folder: str) -> None:
    times = {"alert_datetime": None} if folder == "chime/frb" else {}
    retraction = make_notice(folder, alert_type="retraction", **times)
    repeated = make_notice(folder, alert_type="retraction", **times, more="words")

    work(retraction)
    assert NonLocalizedEvent.objects.get().retracted
    work(make_notice(folder, **times))
    work(repeated)

    event = NonLocalizedEvent.objects.get()
    assert event.retracted
    assert [row.alert_type for row in event.sequences.all()] == ["INITIAL", "RETRACTION"]


@pytest.mark.django_db
def test_a_mission_takes_back_its_own_word_alone() -> None:
    schema = f"{SCHEMAS}fermi/gbm/trigger.schema.json"
    gbm = {"$schema": schema, **WHEN, "mission": "Fermi", "instrument": "GBM", **PLACE}
    gbm |= {"id": ["790000001"], "ra_dec_error": 8, "systematic_included": True}
    later = {"alert_datetime": "2026-02-01T06:00:00Z", "alert_type": "retraction"}
    last = later | {"alert_datetime": "2026-02-01T07:00:00Z"}
    work(json.dumps(gbm).encode())
    work(make_notice("swift/bat/Guano", alert_datetime="2026-02-01T05:30:00Z"))
    event = NonLocalizedEvent.objects.get()
    chosen = chosen_localization(event)
    assert chosen is not None
    assert chosen.sender == "Swift"

    work(make_notice("swift/bat/Guano", **later))
    event.refresh_from_db()
    assert (event.retracted, event.alert_type) == (False, "INITIAL")
    chosen = chosen_localization(event)
    assert chosen is not None
    assert chosen.sender == "Fermi GBM"

    work(json.dumps(gbm | last).encode())
    event.refresh_from_db()
    assert event.retracted


@pytest.mark.django_db
@FOLDERS
def test_a_test_with_the_id_of_a_live_event_does_not_touch_it(folder: str) -> None:
    work(make_notice(folder))
    work(make_notice(folder, alert_tense="test"))
    work(make_notice(folder, alert_tense="test", alert_type="retraction"))

    live, test = NonLocalizedEvent.objects.order_by("event_id")
    assert (live.is_live, live.retracted) == (True, False)
    assert (test.is_live, test.retracted) == (False, True)


@pytest.mark.django_db
def test_a_notice_of_nobody_s_keeps_its_topic_and_a_test_topic_makes_a_test() -> None:
    message = work(make_notice("new/alert"), topic="gcn.notices.black_cat.alert")
    work(make_notice("new/alert", id="8"), topic="gcn.notices.black_cat.test")

    live, test = NonLocalizedEvent.objects.order_by("event_id")
    assert (live.is_live, test.is_live) == (True, False)
    assert live.sequences.get().message.topic == message.topic == "gcn.notices.black_cat.alert"


@pytest.mark.django_db
@pytest.mark.parametrize("folder", ["swift/bat/Guano", "fermi/gbm/trigger", "new/alert"])
def test_what_comes_on_a_test_topic_touches_no_live_event(folder: str) -> None:
    """Neither by its own name nor by that of the burst that it followed."""
    work(make_notice("fermi/gbm/trigger"))
    work(
        make_notice(folder, alert_type="retraction"),
        topic=f"gcn.notices.{folder.lower().replace('/', '.')}.test",
    )

    live, test = NonLocalizedEvent.objects.order_by("pk")
    assert (live.is_live, live.retracted, live.sequences.count()) == (True, False, 1)
    assert (test.event_id, bool(test.test_reasons)) == (f"{KINDS[folder][3][0]}-test", True)


@pytest.mark.django_db
@pytest.mark.parametrize("folder", ["svom/trigger", "fermi/gbm/trigger", "new/alert"])
@pytest.mark.parametrize(("name", "events"), [("SGR 1935+2154", 2), ("GW170817", 1)])
def test_a_name_of_what_bursts_again_is_not_one_of_an_event(
    folder: str, name: str, events: int
) -> None:
    ids = {"svom/trigger": ["sb26020101", "sb26020102"]}.get(folder, ["790000001", "790000002"])
    for number in ids:
        work(make_notice(folder, id=[number], event_name=["AT 2026abc", name]))

    assert NonLocalizedEvent.objects.count() == events


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2026-02-01T05:05:00.250Z", 250_000),
        ("20260201T050500.25Z", 250_000),
        ("2026-02-01 05:05:00,25+00:00", 250_000),
        (" 2026-02-01T06:05:00+0100 ", 0),
        ("2026-02-01 05:05:00 UTC", 0),
        ("2026-W05-7T05:05", 0),
        ("2026-2-1T5:05:00Z", 0),
        ("2026-02-1 05:05:00", 0),
    ],
)
def test_a_time_is_read_however_iso_8601_lets_it_be_spelled(time: str, said: int) -> None:
    notice = read(make_notice("km3net/alert", alert_datetime=time, trigger_time=time))

    assert notice.time == notice.event_time == datetime(2026, 2, 1, 5, 5, 0, said, tzinfo=UTC)


@pytest.mark.parametrize(
    "time", ["26-02-01T05:05:00Z", "61072.2", 61072.2, 1769922300, "soon", "2026-02-30T00:00:00Z"]
)
def test_what_is_no_time_is_not_taken_for_one(time: object) -> None:
    notice = read(make_notice("km3net/alert", trigger_time=time))

    assert notice.event_time is None
    assert notice.left_out[0].startswith("trigger_time")
    with pytest.raises(MalformedAlertError, match="alert_datetime"):
        read(make_notice("km3net/alert", alert_datetime=time))


@pytest.mark.parametrize(("ra", "place"), [(-120.0, 240.0), (360, 0.0), (359.5, 359.5)])
def test_a_right_ascension_counts_from_0_to_360(ra: float, place: float) -> None:
    position = read(make_notice("new/alert", ra=ra)).position

    assert isinstance(position, Position)
    assert position.ra == place


@pytest.mark.django_db
def test_every_real_notice_is_an_event_or_kept_with_a_reason(real_data: Path) -> None:
    reasons = {}
    for path in sorted((real_data / "gw" / "gcn").glob("*.example.json")):
        message = work(path.read_bytes())
        reasons[path.name.removesuffix(".example.json")] = (message.state, message.reason)

    # It says the same as the one before, without the name of a star.
    assert reasons.pop("svom.eclairs.trigger.wakeup")[0] == "known"
    kept = {name for name, (state, _) in reasons.items() if state != "stored"}
    assert kept == {
        "heasarc.archive_alert",
        *(f"core.{each}" for each in ("Localization", "Pointing", "Reporter", "Spectral")),
        "core.Statistics",
    }
    assert all(reasons[name][1].startswith("kept; no event: ") for name in kept)
    live = NonLocalizedEvent.objects.filter(test_reasons=[])
    assert {*live.values_list("event_id", flat=True)} == {
        *("BUG230423.789", "BurstCube-240601000", "CHIME-427325191", "CHIME-427325192"),
        *("DSA110-240918aaaa", "EP-WXT-01708973486", "GUANO-694215995", "IceCube-230416A"),
        *("IceCube-at-S230914ak", "KM3-240901A", "KM3-240901B", "LAT-OQ334-20251120"),
        *("MAXI-0858800020", "MAXI-9995289617", "SK-SN.095001.000001", "bn240812094"),
    }


def test_no_schema_is_a_notice(real_data: Path) -> None:
    for path in (real_data / "gw" / "gcn").glob("*.schema.json"):
        assert identify(FILE_TOPIC, path.read_bytes()) == "unknown", path.name
