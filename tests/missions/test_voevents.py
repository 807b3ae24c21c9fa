"""VOEvents become the events that JSON makes; every real one is an event, or says why not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.factories import make_skymap
from tests.missions.test_fermi_gbm import make_notice as make_gbm
from tests.missions.voevents import IVORNS, make_voevent
from tests.streams.packets import make_gwalert_json
from tom import intake
from tom.events.localizations import chosen_localization
from tom.events.models import NonLocalizedEvent
from tom.formats.errors import UnhandledAlertError
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import claims, identify
from tom.forms.registry import forms
from tom.records import Notice
from tom.records.notice import NoticeType, Position
from tom.sky import write_skymap
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message

FERMI, SWIFT, ICECUBE = "gcn.fermi.gbm.voevent", "gcn.swift.voevent", "gcn.icecube.voevent"
LVK, SVOM = "igwn.voevent", "gcn.svom.voevent"
LAT, FLARE = "gcn.fermi.lat.voevent", "gcn.fermi.lat.flare.voevent"
SUPERK, CHIME = "gcn.superk.voevent", "chime.voevent"
FORMS = pytest.mark.parametrize("form", IVORNS)
TOPICS = {
    LVK: "gcn.classic.voevent.LVC_INITIAL",
    FERMI: "gcn.classic.voevent.FERMI_GBM_GND_POS",
    SWIFT: "gcn.classic.voevent.SWIFT_BAT_GRB_POS_ACK",
    ICECUBE: "gcn.classic.voevent.ICECUBE_ASTROTRACK_GOLD",
    SVOM: "gcn.notices.svom.voevent.eclairs",
    LAT: "gcn.classic.voevent.FERMI_LAT_POS_INI",
    FLARE: "gcn.classic.voevent.FERMI_LAT_MONITOR",
    SUPERK: "gcn.classic.voevent.SK_SN",
    CHIME: FILE_TOPIC,  # its own service has no topic of GCN's
    "voevent": "gcn.classic.voevent.INTEGRAL_WEAK",
}


def read(form: str, **values: Any) -> Notice:
    parse = forms()[form].parse
    assert parse is not None
    notice = parse(make_voevent(form, **values))
    assert isinstance(notice, Notice)
    return notice


def work(payload: bytes, topic: str = FILE_TOPIC) -> AlertMessage:
    message, _ = store_message(topic, payload)
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message


# --- Recognised ---------------------------------------------------------------------------------
@FORMS
def test_a_voevent_is_known_by_its_name_in_a_file_and_on_gcn_s_topics(form: str) -> None:
    for topic in (FILE_TOPIC, TOPICS[form]):
        assert identify(topic, make_voevent(form)) == form
    assert claims(form, make_voevent(form)[:-30])


def test_a_voevent_on_a_topic_of_others_is_not_believed() -> None:
    assert identify("someone.topic", make_voevent(FERMI)) == "unknown"
    assert not claims("igwn.json", make_voevent(LVK))
    assert not claims(LVK, b"<html/>")


def test_a_damaged_voevent_is_of_the_form_for_any() -> None:
    damaged = make_voevent(SWIFT)[:-30]

    assert identify(FILE_TOPIC, damaged) == "voevent"
    assert identify(TOPICS[SWIFT], damaged) == "voevent"
    assert identify(FILE_TOPIC, b"<html><body>503</body></html>") == "unknown"


# --- Read ---------------------------------------------------------------------------------------
@FORMS
def test_each_form_names_its_event_and_when(form: str) -> None:
    notice = read(form)

    names = {
        LVK: ("S260101ab",),
        FERMI: ("GBM-789000001",),
        SWIFT: ("Swift-1300001",),
        ICECUBE: ("IceCube-140000_7000001",),
        SVOM: ("sb26010101",),
        LAT: ("LAT-789000002",),
        FLARE: ("LAT-PKS0001p02-20260101",),
        SUPERK: ("SK-7",),
        CHIME: ("CHIME-300000001",),
        "voevent": ("INTEGRAL-9001",),
    }
    assert notice.names == names[form]
    assert notice.type is NoticeType.INITIAL
    assert notice.time == datetime(2026, 1, 1, 5, 5, tzinfo=UTC)
    assert notice.event_time == datetime(2026, 1, 1, 5, 4, 46, 430_000, tzinfo=UTC)
    assert notice.test_reasons == ()
    assert notice.facts["ivorn"] == IVORNS[form]


@FORMS
def test_a_test_is_kept_apart_and_a_utility_is_no_event(form: str) -> None:
    for values in ({"role": "test"}, {"role": "prediction"}, {"Test_Submission": "true"}):
        notice = read(form, **values)
        assert notice.test_reasons
        assert notice.names[0].endswith("-test")
    with pytest.raises(UnhandledAlertError, match="its role is utility"):
        read(form, role="utility")


def test_an_injection_is_a_test() -> None:
    assert read(LVK, HardwareInj="1").test_reasons == ("it is a hardware injection",)


@pytest.mark.parametrize("form", [each for each in IVORNS if each != LVK])
def test_what_cites_earlier_ones_is_an_update_or_a_retraction(form: str) -> None:
    earlier = "ivo://a/b#1"

    assert read(form, cites=[("followup", earlier)]).type is NoticeType.UPDATE
    retraction = read(form, cites=[("retraction", earlier)])
    assert retraction.type is NoticeType.RETRACTION
    assert retraction.position is None


def test_fermi_s_circle_leaves_out_what_the_flight_s_includes() -> None:
    ground = read(FERMI).position
    flight = read(FERMI, Packet_Type="111").position
    short = read(FERMI, Long_short="Short").position

    assert isinstance(ground, Position)
    assert isinstance(flight, Position)
    assert isinstance(short, Position)
    assert (ground.containment, flight.systematic) == (0.68, ())
    assert ground.systematic == ((0.579, 1.86), (0.421, 4.14))
    assert short.systematic == ((0.39, 2.55), (0.61, 4.43))


@pytest.mark.parametrize(
    ("values", "significant"),
    [
        ({}, None),
        ({"Most_Likely_Index": "4"}, True),
        ({"Most_Likely_Index": "7"}, False),
        ({"Most_Likely_Index": "4", "Def_NOT_a_GRB": "true"}, False),
    ],
)
def test_fermi_says_whether_it_is_a_burst(values: dict[str, str], significant: object) -> None:
    assert read(FERMI, **values).significant is significant


def test_a_later_look_of_swift_s_does_not_time_the_burst() -> None:
    ivorn = "ivo://nasa.gsfc.gcn/SWIFT#XRT_Pos_1300001-002"
    notice = read(SWIFT, ivorn=ivorn, cites=[("followup", IVORNS[SWIFT])])

    assert notice.event_time is None
    assert notice.instruments == ("Swift XRT",)
    assert read(SWIFT).significant is True
    assert read(SWIFT, GRB_Identified="false").significant is False


@pytest.mark.parametrize("flag", ["StarTrack_Lost_Lock", "Target_in_Flt_Catalog"])
def test_what_bat_doubts_is_no_burst(flag: str) -> None:
    xrt = "ivo://nasa.gsfc.gcn/SWIFT#XRT_Pos_1300001-002"

    assert read(SWIFT, **{flag: "true"}).significant is False
    assert read(SWIFT, **{flag: "false"}).significant is True
    assert read(SWIFT, ivorn=xrt, **{flag: "true"}).significant is True


def test_fermi_s_lat_says_what_is_no_burst_and_a_transient_is_none() -> None:
    transient = "ivo://nasa.gsfc.gcn/Fermi#LAT_Transient_2026-01-01_1"

    assert (read(LAT).kind, read(LAT).significant) == ("grb", None)
    assert read(LAT, Def_NOT_a_GRB="true").significant is False
    assert identify(FILE_TOPIC, make_voevent(FLARE, ivorn=transient)) == FLARE
    assert read(FLARE).kind == "unknown"


def test_super_kamiokande_has_its_error_among_its_values() -> None:
    position = read(SUPERK, place=(50.0, 20.0, 0.0), Src_Error90="118.0").position
    stated = read(SUPERK, Src_Error90="118.0").position

    assert isinstance(position, Position)
    assert isinstance(stated, Position)
    assert (position.radius_deg, position.containment) == (118.0, 0.9)
    assert stated.radius_deg == 3.0


def test_chime_s_circle_holds_more_than_others() -> None:
    position = read(CHIME).position

    assert isinstance(position, Position)
    assert (read(CHIME).kind, position.containment) == ("frb", 0.95)


def test_icecube_counts_by_the_year_and_what_has_no_number_is_named_by_its_moment() -> None:
    notice = read(ICECUBE, run_id=None, Rev="1")

    assert notice.far == pytest.approx(1 / 31_557_600)
    assert notice.names == ("IceCube-20260101T050446",)
    assert notice.type is NoticeType.UPDATE


def test_lvk_s_words_are_those_of_json() -> None:
    notice = read(LVK)

    assert (notice.far, notice.significant) == (1e-9, True)
    assert notice.classification == {"BNS": 0.9, "Terrestrial": 0.1}
    assert notice.instruments == ("H1", "L1")
    assert notice.facts["external_coinc"]["gcn_notice_id"] == "789000001"
    assert notice.addresses == {"skymap": "https://example.org/bayestar.multiorder.fits,0"}


def test_a_voevent_of_nobody_s_that_names_no_trigger_is_kept() -> None:
    for values in ({"TrigID": None}, {"TrigID": "0"}, {"TrigID": None, "run_id": "5"}):
        with pytest.raises(UnhandledAlertError, match=r"it names none by a number \(TrigID, "):
            read("voevent", **values)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"TrigID": None, "Trigger_Number": "12"}, "INTEGRAL-12"),
        ({"TrigID": None, "run_id": "110000", "event_id": "574"}, "INTEGRAL-110000_574"),
        ({"TrigID": "0", "run_id": "110000", "event_id": "574"}, "INTEGRAL-110000_574"),
    ],
)
def test_a_voevent_of_nobody_s_may_call_its_number_by_another_name(
    values: dict[str, str | None], name: str
) -> None:
    assert read("voevent", **values).names == (name,)


def test_a_citation_of_nothing_makes_no_update() -> None:
    assert read("voevent", cites=[("followup", "")]).type is NoticeType.INITIAL
    assert read("voevent", cites=[("retraction", "")]).type is NoticeType.RETRACTION


def test_a_test_of_integral_s_says_so_in_its_own_word() -> None:
    assert read("voevent", Test_Notice="true").test_reasons == ("it says Test_Notice",)


@pytest.mark.parametrize(
    ("frame", "seconds"),
    [
        ("UTC-FK5-GEO", 0.0),
        ("TAI-ICRS-GEO", 37.0),
        ("TT-ICRS-GEO", 69.184),
        ("TDB-ICRS-BARY", 69.184),
        ("GPS-ICRS-GEO", 18.0),
        ("LST-ICRS-GEO", 0.0),
    ],
)
def test_a_time_of_another_scale_is_read_as_utc(frame: str, seconds: float) -> None:
    told = datetime(2026, 1, 1, 5, 4, 46, 430_000, tzinfo=UTC)

    assert read("voevent", frame=frame).event_time == told - timedelta(seconds=seconds)


# --- The event ----------------------------------------------------------------------------------
@pytest.mark.django_db
def test_json_and_voevent_tell_of_one_event_in_one_message_of_the_chain() -> None:
    fits = write_skymap(make_skymap())
    said = {"superevent_id": "S260101ab", "time_created": "2026-01-01T05:05:00Z"}
    json = make_gwalert_json(**said, alert_type="INITIAL", event={"skymap": fits, "far": 1e-9})

    assert work(json).state == MessageState.STORED
    second = work(make_voevent(LVK))
    work(make_voevent(LVK, AlertType="Update", date="2026-01-01T06:05:00"))

    event = NonLocalizedEvent.objects.get()
    assert [row.alert_type for row in event.sequences.all()] == ["INITIAL", "UPDATE"]
    assert second.reason == ""  # its map came with the other
    row = event.sequences.get(alert_type="INITIAL")
    assert (row.localization is not None, row.left_out) == (True, [])
    assert row.details["ivorn"] == IVORNS[LVK]
    late = event.sequences.get(alert_type="UPDATE")
    assert late.left_out[0].startswith("skymap (only its address came, and no address is opened: ")


@pytest.mark.django_db
def test_a_trigger_in_json_and_in_voevents_is_one_event() -> None:
    work(make_gbm())
    work(make_voevent(FERMI, date="2026-01-01T05:05:30"))

    event = NonLocalizedEvent.objects.get()
    assert event.sequences.count() == 2
    used = chosen_localization(event)
    assert used is not None
    assert used.author == "Fermi GBM"


@pytest.mark.django_db
@FORMS
def test_a_voevent_of_gcn_s_makes_an_event_and_its_retraction_takes_it_back(form: str) -> None:
    later = {"date": "2026-01-01T07:00:00", "cites": [("retraction", IVORNS[form])]}

    work(make_voevent(form), TOPICS[form])
    event = NonLocalizedEvent.objects.get()
    assert event.is_live
    assert (event.used is None) is (form == LVK)
    work(make_voevent(form, **later), TOPICS[form])

    event.refresh_from_db()
    assert event.retracted


@pytest.mark.django_db
@FORMS
def test_a_test_s_voevent_never_makes_the_live_event_a_test(form: str) -> None:
    work(make_voevent(form))
    live = NonLocalizedEvent.objects.get()
    work(make_voevent(form, role="test", date="2026-01-01T06:00:00"))

    live.refresh_from_db()
    assert live.is_live
    assert NonLocalizedEvent.objects.exclude(pk=live.pk).get().test_reasons == ["its role is test"]


@pytest.mark.django_db
def test_every_real_file_is_an_event_with_a_place_or_says_why_not(real_data: Path) -> None:
    files = sorted((real_data / "gw/voevent").iterdir())
    messages = [work(path.read_bytes()) for path in files]

    assert [m.state for m in messages] == [MessageState.STORED] * len(files)
    assert len(files) == 23
    events = {event.event_id: event for event in NonLocalizedEvent.objects.all()}
    assert set(events) == {
        *("G298048", "MS181101ab", "MS260605l", "S190425z", "S190814bv"),
        *("bn180116026", "GBM-below-546126856-test", "Swift-1125809"),
        *("IceCube-20151115T115344", "IceCube-132910_57145925", "IceCube-132974_67924813"),
        "IceCube-136973_28816141",
    }
    tests = {name for name, event in events.items() if event.test_reasons}
    assert tests == {"MS181101ab", "MS260605l", "GBM-below-546126856-test"}
    assert {name for name, event in events.items() if event.retracted} == {
        "MS181101ab",
        "MS260605l",
    }
    placed = {name for name, event in events.items() if event.used is not None}
    by_lvk = {"G298048", "MS181101ab", "MS260605l", "S190425z", "S190814bv"}
    assert placed == set(events) - by_lvk
    chain = events["MS181101ab"].sequences.values_list("alert_type", flat=True)
    assert list(chain) == [
        *("EARLYWARNING", "PRELIMINARY", "INITIAL", "UPDATE", "UPDATE", "RETRACTION")
    ]
    assert events["bn180116026"].sequences.count() == 4
    reasons = {m.reason for m, path in zip(messages, files, strict=True) if "GW190425" in path.name}
    assert all("skymap (only its address came" in reason for reason in reasons)
