"""ATLAS packets: what they say, and the targets that they make."""

import io
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest
from django.contrib.auth.models import Group
from tom_targets.base_models import BaseTarget

from tests.streams.packets import make_candidate, make_container
from tom import intake
from tom.formats.errors import MalformedAlertError
from tom.forms.mapped import parser_of
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.sky import read_stamp
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.surveys.atlas import ATLAS, PACKET
from tom.targets.models import LightCurvePoint, Program

parse_atlas = parser_of(PACKET)
MJD = 61_041.25  # 2026-01-01 06:00 UTC
VETTING = ("Det", "Pvr", "Ptr", "Pmv", "Pkn", "Pno", "Pbn", "Pcr", "Pxt", "Psc")
CANDIDATE = {
    "type": "record",
    "name": "atlas.candidate",
    "fields": [
        {"name": "filter", "type": ["null", "string"]},
        {"name": "isdiffpos", "type": "string"},
        *(
            {"name": name, "type": ["null", "double"]}
            for name in ("mjd", "RA", "Dec", "Mag", "Dmag", "flux", "Dflux", "rb")
        ),
        *({"name": name, "type": "int"} for name in VETTING),
    ],
}
CUTOUT = {
    "type": "record",
    "name": "atlas.cutout",
    "fields": [{"name": "fileName", "type": "string"}, {"name": "stampData", "type": "bytes"}],
}
SCHEMA = {
    "type": "record",
    "name": "atlas.alert",
    "fields": [
        {"name": "schemavsn", "type": "string"},
        {"name": "objectId", "type": ["null", "string"]},
        {"name": "candid", "type": ["null", "string"]},
        {"name": "candidate", "type": CANDIDATE},
        {"name": "cutoutScience", "type": CUTOUT},
    ],
}


def make_packet(
    object_id: str | None = "1101200331150000100",
    candid: str | None = "01a61041o0001o_000001",
    stamp: bytes = b"SIMPLE  = T",
    **values: Any,
) -> bytes:
    candidate = {
        "mjd": MJD, "filter": "o", "isdiffpos": "f", "RA": 150.1, "Dec": 2.2, "Mag": 18.9,
        "Dmag": 0.1, "flux": 100.0, "Dflux": 10.0, "rb": 0.0, **dict.fromkeys(VETTING, 0),
    }  # fmt: skip
    record = {
        "schemavsn": "0.1",
        "objectId": object_id,
        "candid": candid,
        "candidate": candidate | values,
        "cutoutScience": {"fileName": "stamp.fits", "stampData": stamp},
    }
    return make_container(SCHEMA, [record])


def test_a_packet_is_known_anywhere_by_its_content() -> None:
    assert identify(FILE_TOPIC, make_packet()) == "atlas.avro"
    assert identify("someone.topic", make_packet()) == "atlas.avro"
    assert identify("atlas_20260101", b"damaged") == "atlas.avro"


def test_what_calls_itself_so_is_no_other_survey_s() -> None:
    fields = [{"name": "objectId", "type": "string"}, {"name": "candid", "type": "long"}]
    columns = [{"name": name, "type": "double"} for name in ("jd", "magpsf", "sigmapsf")]
    columns += [{"name": name, "type": "long"} for name in ("fid", "pid")]
    inner = {"type": "record", "name": "c", "fields": [*columns]}
    inner["fields"].append({"name": "isdiffpos", "type": "string"})
    schema = {"type": "record", "name": "atlas.alert"}
    schema["fields"] = [*fields, {"name": "candidate", "type": inner}]
    kept = {name: make_candidate()[name] for name in [each["name"] for each in inner["fields"]]}
    packet = make_container(schema, [{"objectId": "A1", "candid": 1, "candidate": kept}])

    assert identify(FILE_TOPIC, packet) == "atlas.avro"
    with pytest.raises(MalformedAlertError, match="mjd"):
        parse_atlas(packet)


def test_a_detection_becomes_a_flux_at_the_middle_of_its_exposure() -> None:
    alert = parse_atlas(make_packet(Mag=31.4 - 2.5 * 4, Dmag=0.1))

    assert (alert.survey, alert.object_id) == ("ATLAS", "1101200331150000100")
    assert alert.time == datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
    assert (alert.ra, alert.dec) == (150.1, 2.2)
    assert alert.trigger.key == "01a61041o0001o_000001"
    assert alert.trigger.band == "o"
    assert alert.trigger.flux_njy == pytest.approx(1e4, rel=1e-6)
    assert alert.trigger.flux_error_njy == pytest.approx(921.03, rel=1e-4)
    assert alert.is_positive
    assert alert.cutouts["science"].startswith(b"SIMPLE")


@pytest.mark.parametrize("said", ["t", "f"])
def test_the_magnitude_s_sign_is_that_of_the_flux_whatever_isdiffpos_says(said: str) -> None:
    alert = parse_atlas(make_packet(Mag=-18.9, isdiffpos=said))

    assert alert.trigger.flux_njy == pytest.approx(-1e5)
    assert alert.magnitude == pytest.approx(18.9)
    assert not alert.is_positive


def test_its_vetting_is_told_in_shares_and_not_as_another_survey_s_score() -> None:
    alert = parse_atlas(make_packet(Psc=980, Pno=19, rb=0.7))

    assert alert.scores["atlas star scar"] == 0.98
    assert alert.scores["atlas noise"] == 0.019
    assert not {"rb", "drb"} & alert.scores.keys()
    assert parse_atlas(make_packet()).scores == {}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"Mag": 0.0}, "detection: Mag missing"),
        ({"Mag": None}, "detection: Mag missing"),
        ({"mjd": -999.0}, "detection: mjd missing"),
        ({"filter": "X"}, "detection: filter missing"),
        ({"Dmag": 0.0}, "Dmag"),
        ({"Dmag": float("nan")}, "Dmag"),
        ({"RA": 361.0}, "position"),
        ({"Dec": None}, "position"),
        ({"Det": 11}, "put into the image"),
        ({"object_id": None}, "objectId"),
        ({"candid": "a b"}, "candid"),
    ],
)
def test_a_packet_without_a_detection_is_malformed(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedAlertError, match=reason):
        parse_atlas(make_packet(**values))


@pytest.mark.parametrize(
    "values",
    [
        *({"Mag": value} for value in (40.0, -40.0, float("inf"), 99.0)),
        *({"mjd": value} for value in (None, float("nan"), 51_543.0, 2_461_041.75)),
        *({"filter": value} for value in (None, "O", "orange")),
        *({"Dmag": value} for value in (None, -0.1, 5.1, float("inf"))),
        *({"RA": value} for value in (-0.1, 360.1, None, float("nan"))),
        *({"Dec": value} for value in (-90.1, 90.1)),
        *({"object_id": value} for value in ("", "a b", "x" * 81, "a/b", "\u00e9")),
        *({"candid": value} for value in (None, "", "x" * 81)),
        {"Det": 10},
    ],
    ids=str,
)
def test_what_cannot_be_of_a_detection_makes_a_packet_malformed(values: dict[str, Any]) -> None:
    with pytest.raises(MalformedAlertError) as caught:
        parse_atlas(make_packet(**values))

    # Whoever may see messages reads this: it quotes nothing of the alert.
    assert "150.1" not in str(caught.value)
    assert "1101200331150000100" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "name", "found"),
    [
        ({"RA": 360.0}, "ra", 0.0),
        ({"Dec": -90.0}, "dec", -90.0),
        ({"Det": 9}, "object_id", "1101200331150000100"),
        ({"object_id": "x" * 80}, "object_id", "x" * 80),
        ({"Mag": 39.9}, "magnitude", 39.9),
        ({"Mag": -0.1}, "is_positive", False),
    ],
)
def test_what_lies_at_the_end_of_a_range_is_taken(
    values: dict[str, Any], name: str, found: object
) -> None:
    assert getattr(parse_atlas(make_packet(**values)), name) == found


def test_an_error_of_five_magnitudes_is_the_largest_that_is_one() -> None:
    trigger = parse_atlas(make_packet(Dmag=5.0)).trigger

    assert trigger.flux_error_njy / trigger.flux_njy == pytest.approx(5 * 0.4 * 2.302585)


@pytest.mark.parametrize(
    ("vetting", "scores"),
    [
        ({"Pvr": 0, "Pno": 0}, {}),
        ({"Pvr": 1000}, {"atlas variable": 1.0}),
        ({"Pvr": 1001, "Ptr": 500}, {"atlas transient": 0.5}),
        ({"Pvr": -1, "Ptr": 500}, {"atlas transient": 0.5}),
    ],
)
def test_a_chance_of_its_vetting_is_one_from_0_to_1(
    vetting: dict[str, int], scores: dict[str, float]
) -> None:
    told = parse_atlas(make_packet(**vetting)).scores

    assert {name: chance for name, chance in told.items() if chance} == scores
    assert all(0 <= chance <= 1 for chance in told.values())


@pytest.mark.parametrize(
    ("stamp", "is_kept"),
    [(b"SIMPLE  = T", True), (b"\x1f\x8bgzip", True), (b"\xff\xd8\xff", False), (b"", False)],
)
def test_a_stamp_is_a_fits_file_gzipped_or_not(stamp: bytes, *, is_kept: bool) -> None:
    assert bool(parse_atlas(make_packet(stamp=stamp)).cutouts) is is_kept


def test_a_packet_of_one_detection_has_no_history_and_begins_with_it() -> None:
    alert = parse_atlas(make_packet())

    assert alert.points == (alert.trigger,)
    assert alert.first_seen == alert.time
    assert alert.history_start is None
    assert (alert.program, alert.schema_version) == (1, "0.1")


def test_every_band_is_declared() -> None:
    assert ATLAS.bands.keys() == {"c", "o"}


# --- The target ---------------------------------------------------------------------------------
@pytest.mark.django_db
def test_its_packets_make_targets_that_its_own_group_sees() -> None:
    store_message(FILE_TOPIC, make_packet())
    store_message("atlas_20260101", make_packet(candid="b", mjd=MJD + 1, Mag=-19.0))

    assert intake.work_alerts()

    assert {row.state for row in AlertMessage.objects.all()} == {MessageState.STORED}
    target = BaseTarget.objects.get()
    assert target.name == "1101200331150000100"
    assert target.permissions == BaseTarget.Permissions.PRIVATE
    points = LightCurvePoint.objects.filter(target=target, survey="ATLAS").order_by("time")
    assert [round(point.flux) for point in points] == [100_000, -91_201]
    assert Program.objects.get().group == Group.objects.get(name="ATLAS program 1")


@pytest.mark.django_db
def test_two_surveys_packets_are_worked_on_in_one_go() -> None:
    from tests.streams.packets import make_ztf_packet

    store_message(FILE_TOPIC, make_packet())
    store_message(FILE_TOPIC, make_ztf_packet(ra=10.0))

    assert intake.work_alerts()
    assert not intake.work_alerts()
    assert BaseTarget.objects.count() == 2


def test_real_packets_are_read_and_their_stamps_too(real_data) -> None:
    files = sorted((real_data / "other_surveys" / "alerce-ATLAS").glob("*.avro"))
    assert len(files) == 2
    for file in files:
        payload = file.read_bytes()
        assert identify(FILE_TOPIC, payload) == "atlas.avro"
        alert = parse_atlas(payload)
        (record,) = fastavro.reader(io.BytesIO(payload))
        assert alert.trigger.flux_njy == pytest.approx(1e3 * record["candidate"]["flux"], rel=1e-3)
        for stamp in alert.cutouts.values():
            start = float(stamp.partition(b"MJD-OBS = ")[2][:20])
            assert record["candidate"]["mjd"] - start == pytest.approx(15 / 86_400, abs=1e-6)
            read = read_stamp(stamp, ra=alert.ra, dec=alert.dec)
            assert read.orientation is not None
            assert read.middle == pytest.approx((30, 30), abs=1.5)
