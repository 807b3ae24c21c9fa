"""Rubin packets of every version: what they say, against numbers computed by other code."""

import io
import math
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest
from astropy import units as u
from astropy.time import Time
from tom_targets.base_models import BaseTarget

from tests.streams.packets import make_container
from tests.surveys.lsst.made import (
    MJD,
    NEWEST,
    OBJECT_ID,
    SOURCE_ID,
    make_file,
    make_forced,
    make_framed,
    make_source,
)
from tom import intake
from tom.formats.errors import MalformedAlertError, UnknownSchemaError
from tom.formats.times import time_of_tai_mjd
from tom.forms.networks import FILE_TOPIC, UNKNOWN
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.records.alert import PointKind
from tom.sky import read_stamp
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.surveys.lsst import LSST
from tom.surveys.lsst.packets import parse_framed
from tom.surveys.lsst.schemas import published
from tom.targets.models import LightCurvePoint, TargetSummary

TIME = datetime(2026, 3, 11, 5, 59, 23, tzinfo=UTC)
SPOILED = ("psfFlux_flag", "pixelFlags_streakCenter")  # of those that real packets have set
VERSIONS = sorted(published())


def test_the_package_has_every_version_from_3_0_to_11_1() -> None:
    assert [
        *(300, 400, 500, 600, 601, 700, 701, 702, 703, 704, 800, 900, 1000, 1100, 1101),
    ] == VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("make", [make_framed, make_file])
def test_a_packet_of_each_version_says_the_same(version: int, make: Any) -> None:
    payload = make(version, forced=[make_forced()], psfFlux=-1e4, isNegative=True)

    alert = forms()[identify(FILE_TOPIC, payload)].parse(payload)

    assert (alert.survey, alert.object_id, alert.alert_id) == (
        "LSST",
        str(OBJECT_ID),
        str(SOURCE_ID),
    )
    assert alert.time == TIME
    assert (alert.ra, alert.dec) == (150.1, -2.2)
    assert alert.schema_version == f"lsst.v{version // 100}_{version % 100}"
    assert alert.trigger.flux_njy == -1e4
    assert alert.trigger.band == "r"
    assert not alert.is_positive
    assert alert.magnitude == pytest.approx(21.4)
    (forced,) = (point for point in alert.points if point.kind is PointKind.FORCED)
    assert (forced.flux_njy, forced.flux_error_njy, forced.band) == (-50.0, 20.0, "g")


def test_its_topics_and_its_files_are_known() -> None:
    assert identify("lsst-alerts-v11", make_framed()) == "lsst.framed"
    assert identify("lsst-alerts-v11", make_file()) == "lsst.avro"
    assert identify("lsst-alerts-v11", b"damaged") == "lsst.framed"
    assert identify("someone.topic", make_file()) == "lsst.avro"
    # Ids of other registries look the same: they are believed on its own topics alone.
    assert identify("someone.topic", make_framed()) == UNKNOWN
    assert identify(FILE_TOPIC, b"\0\0\0\0\x64" + make_framed()[5:]) == UNKNOWN


def test_bytes_are_never_read_with_another_schema() -> None:
    body = make_framed(1000)[5:]

    with pytest.raises(UnknownSchemaError, match="id 1102"):
        parse_framed(b"\0" + (1102).to_bytes(4, "big") + body)
    with pytest.raises(MalformedAlertError, match="left"):
        parse_framed(make_framed() + b"\0")
    with pytest.raises(MalformedAlertError, match="does not fit"):
        parse_framed(make_framed()[:-1])


@pytest.mark.parametrize(
    "mjd", [51_545.0, 53_736.0, 54_832.5, 57_204.0, 57_753.9999, 57_754.1, MJD]
)
def test_times_of_tai_are_those_of_astropy(mjd: float) -> None:
    expected = Time(mjd, format="mjd", scale="tai").utc.to_datetime(timezone=UTC)

    assert abs((time_of_tai_mjd(mjd) - expected).total_seconds()) < 1e-3


def test_what_is_negative_is_the_flux_and_not_a_flag() -> None:
    assert parse_framed(make_framed(psfFlux=5.0, isNegative=True)).is_positive
    assert not parse_framed(make_framed(psfFlux=-5.0, isNegative=False)).is_positive


def test_one_visit_s_forced_point_stands_beside_its_detection() -> None:
    alert = parse_framed(make_framed(forced=[make_forced(visit=7, midpointMjdTai=MJD)]))

    assert {(point.kind, point.time) for point in alert.points} == {
        (PointKind.ALERT, TIME),
        (PointKind.FORCED, TIME),
    }


def test_history_is_kept_but_for_what_is_no_measurement() -> None:
    def earlier(number: int, **values: Any) -> dict[str, Any]:
        return make_source(diaSourceId=number, midpointMjdTai=MJD - number, **values)

    history = [
        earlier(1), earlier(2, psfFlux_flag=True), earlier(3, psfFlux=math.nan),
        earlier(4, band="w"), earlier(5, psfFluxErr=0.0), earlier(6, pixelFlags_injected=True),
        earlier(7, timeWithdrawnMjdTai=MJD), earlier(8, pixelFlags_saturatedCenter=True),
        earlier(9, pixelFlags_bad=True), earlier(-2), make_source(psfFlux=1.0),
        earlier(10, psfFlux_flag=True, centroid_flag=True),  # measured, at the peak
        earlier(11, psfFlux_flag=True, psfFlux_flag_edge=True, centroid_flag=True),
    ]  # fmt: skip

    alert = parse_framed(make_framed(history=history))

    assert [point.key for point in alert.points] == ["10", "9", "1", str(SOURCE_ID)]
    assert alert.trigger.flux_njy == 1e4
    assert (alert.first_seen - alert.time).days == -10


@pytest.mark.parametrize("name", ["prvDiaSources", "prvDiaForcedSources"])
def test_a_history_of_what_is_no_record_is_none(name: str) -> None:
    source = {key: value for key, value in make_source().items() if key != "isNegative"}
    kinds = {int: "long", str: "string", float: "double"}
    columns = [{"name": key, "type": kinds[type(value)]} for key, value in source.items()]
    inner = {"type": "record", "name": "lsst.v12_0.diaSource", "fields": columns}
    lists = dict.fromkeys(("prvDiaSources", "prvDiaForcedSources"), ())
    fields = [{"name": key, "type": {"type": "array", "items": "long"}} for key in lists]
    schema = {
        "type": "record",
        "name": "lsst.v12_0.alert",
        "fields": [{"name": "diaSource", "type": inner}, *fields],
    }
    payload = make_container(schema, [{"diaSource": source, **lists, name: [7]}])

    alert = forms()[identify(FILE_TOPIC, payload)].parse(payload)

    assert [point.key for point in alert.points] == [str(SOURCE_ID)]


def test_the_first_sight_is_the_survey_s_own_where_it_is_earlier() -> None:
    about = {"diaObjectId": OBJECT_ID, "firstDiaSourceMjdTai": MJD - 100, "nDiaSources": 12}

    alert = parse_framed(make_framed(top={"diaObject": about}))

    assert (alert.time - alert.first_seen).days == 100
    assert alert.history_start == alert.first_seen
    assert alert.n_detections == 12


def test_a_limit_of_7_4_is_five_times_the_noise() -> None:
    row = {"ccdVisitId": 9, "midpointMjdTai": MJD - 1, "band": "i", "diaNoise": 200.0}

    alert = parse_framed(make_framed(704, top={"prvDiaNondetectionLimits": [row]}))

    (limit,) = (point for point in alert.points if point.kind is PointKind.LIMIT)
    assert limit.magnitude_limit == pytest.approx((1000 * u.nJy).to(u.ABmag).value)
    assert limit.key == f"{OBJECT_ID}:9"


def test_a_source_of_the_solar_system_has_its_designation_and_no_object_of_its_own() -> None:
    match = {"ssObjectId": 21, "designation": "2004 JQ12", "ephOffset": 0.02, "ephVmag": 20.5}

    alert = parse_framed(
        make_framed(ssObjectId=21, diaObjectId=0, top={"ssSource": match, "diaObject": None})
    )

    assert alert.object_id == str(SOURCE_ID)
    assert alert.solar_system.name == "2004 JQ12"
    assert alert.solar_system.separation_arcsec == pytest.approx(0.02)
    assert alert.solar_system.magnitude == pytest.approx(20.5)
    named = parse_framed(make_framed(704, ssObjectId=21, diaObjectId=0, top={"diaObject": None}))
    assert named.solar_system.name == "ssObjectId 21"
    assert parse_framed(make_framed()).solar_system is None


def test_its_score_is_its_reliability_with_the_model() -> None:
    alert = parse_framed(make_framed(reliability=0.75, reliabilityVersion="v3"))

    assert alert.scores == {"reliability": 0.75}
    assert alert.score_versions == {"reliability": "v3"}
    assert alert.trigger.real_bogus == 0.75
    assert parse_framed(make_framed(reliability=math.nan)).scores == {}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"psfFlux": math.nan}, "psfFlux missing"),
        ({"psfFlux": 0.0}, "psfFlux missing"),
        ({"psfFlux": 1e30}, "psfFlux missing"),
        ({"psfFluxErr": -1.0}, "psfFluxErr missing"),
        ({"band": "w"}, "band missing"),
        ({"midpointMjdTai": 1_480_360_995.0}, "midpointMjdTai missing or unfit"),
        ({"diaSourceId": 0}, "diaSourceId missing"),
        ({"ra": 361.0}, "position"),
        ({"dec": math.nan}, "position"),
        ({"psfFlux_flag": True}, "no measurement: psfFlux_flag"),
        ({"timeWithdrawnMjdTai": MJD}, "no measurement: timeWithdrawnMjdTai"),
        ({"pixelFlags_injectedCenter": True}, "put into the image"),
    ],
)
def test_what_is_no_detection_makes_a_packet_malformed(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedAlertError, match=reason):
        parse_framed(make_framed(**values))


def test_every_band_is_declared() -> None:
    assert LSST.bands.keys() == set("ugrizy")


# --- The target ---------------------------------------------------------------------------------
@pytest.mark.django_db
def test_its_packets_make_public_targets_whose_ids_are_whole() -> None:
    store_message("lsst-alerts-v11", make_framed(forced=[make_forced()]))
    store_message(FILE_TOPIC, make_file(1000, diaSourceId=SOURCE_ID + 1, psfFlux=-3.0))

    while intake.work_alerts():
        pass

    assert {row.state for row in AlertMessage.objects.all()} == {MessageState.STORED}
    target = BaseTarget.objects.get()
    assert target.name == str(OBJECT_ID)
    assert target.permissions == BaseTarget.Permissions.PUBLIC
    keys = LightCurvePoint.objects.filter(target=target).values_list("kind", "key", "flux")
    assert set(keys) == {
        ("alert", str(SOURCE_ID), 1e4),
        ("alert", str(SOURCE_ID + 1), -3.0),
        ("forced", "7", -50.0),
    }


@pytest.mark.django_db
def test_a_minor_planet_is_told_on_its_target() -> None:
    match = {"ssObjectId": 21, "designation": "2004 JQ12", "ephOffset": 0.02}
    packet = make_framed(ssObjectId=21, diaObjectId=0, top={"ssSource": match, "diaObject": None})
    store_message("lsst-alerts-v11", packet)

    assert intake.work_alerts()

    assert TargetSummary.objects.get().solar_system_name == "2004 JQ12"


# --- Real packets -------------------------------------------------------------------------------
def real_records(real_data: Any) -> list[dict[str, Any]]:
    with (real_data / "brokers" / "fink-client" / "part-2-918301.avro").open("rb") as file:
        return list(fastavro.reader(file))


def test_real_packets_agree_with_their_fields_read_by_other_code(real_data: Any) -> None:
    for record in real_records(real_data):
        alert = parse_framed(make_real(record))
        source = record["diaSource"]
        assert alert.alert_id == str(source["diaSourceId"])
        flux = source["psfFlux"] * u.nJy
        assert alert.magnitude == pytest.approx(abs(flux).to(u.ABmag).value)
        assert alert.trigger.signal_to_noise == pytest.approx(
            source["psfFlux"] / source["psfFluxErr"]
        )
        by_key = {(point.kind.value, point.key): point for point in alert.points}
        rows = [("alert", "diaSourceId", row) for row in record["prvDiaSources"] or ()]
        rows += [
            ("forced", "diaForcedSourceId", row) for row in record["prvDiaForcedSources"] or ()
        ]
        for kind, name, row in rows:
            point = by_key.get((kind, str(row[name])))
            spoiled = [flag for flag in SPOILED if row.get(flag)]
            assert (point is None) is bool(spoiled) or row.get("centroid_flag")
            if point is not None:
                assert (point.flux_njy, point.band) == (row["psfFlux"], row["band"])
        times = Time([row["midpointMjdTai"] for *_, row in rows], format="mjd", scale="tai").utc.mjd
        for (kind, name, row), mjd in zip(rows, times, strict=True):
            point = by_key.get((kind, str(row[name])))
            if point is not None:
                day = (point.time - datetime(1858, 11, 17, tzinfo=UTC)).total_seconds() / 86_400
                assert day == pytest.approx(mjd, abs=2e-8)


def make_real(record: dict[str, Any]) -> bytes:
    """The packet as Rubin sent it: a broker's copy, with its own schema and in its own framing."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, published()[1000].parsed, _without_empty(record))
    return b"\0" + (1000).to_bytes(4, "big") + stream.getvalue()


def _without_empty(record: dict[str, Any]) -> dict[str, Any]:
    """The broker writes a record of nulls where there was none."""
    empty = {
        name: None
        for name in ("ssSource", "mpc_orbits", "diaObject")
        if record[name] and all(value in (None, 0) for value in record[name].values())
    }
    return record | empty


def test_real_stamps_lie_as_their_headers_say(real_data: Any) -> None:
    for record in real_records(real_data):
        alert = parse_framed(make_real(record))
        assert alert.cutouts.keys() == {"science", "template", "difference"}
        for stamp in alert.cutouts.values():
            read = read_stamp(stamp, ra=alert.ra, dec=alert.dec)
            assert read.image.shape == (30, 30)
            assert read.orientation.pixel_arcsec == pytest.approx(0.2, abs=0.002)
            assert read.middle == pytest.approx((14.5, 14.5), abs=1)
            turned = float(stamp.partition(b"ROTPA   =")[2][:21])
            found = math.degrees(math.atan2(read.orientation.east_y, read.orientation.north_y))
            assert abs((found - turned + 90) % 180 - 90) < 1.5


def test_the_real_packet_of_9_0_is_read_with_its_schema(real_data: Any) -> None:
    payload = (real_data / "lsst" / "boom" / "lsst_7912941781254298.avro").read_bytes()

    alert = parse_framed(payload)

    assert alert.object_id == alert.alert_id == "7912941781254298"
    assert alert.trigger.flux_njy == pytest.approx(-1230.2757568359375)
    assert alert.schema_version == "lsst.v9_0"


def test_the_newest_version_is_the_newest_that_is_known() -> None:
    assert max(VERSIONS) == NEWEST
