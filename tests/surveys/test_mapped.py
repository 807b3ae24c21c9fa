"""Surveys that plain data describes, against numbers computed by other code from the raw packet."""

import io
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro
import pytest
from astropy import units as u
from astropy.cosmology import Planck18
from astropy.time import Time, TimeDelta
from django.contrib.auth.models import Group
from tom_targets.base_models import BaseTarget

from tests.streams.packets import make_container
from tom import intake
from tom.formats.containers import read_record
from tom.formats.errors import MalformedAlertError
from tom.forms.mapped import Clock, Epochs, Packet, read_packet
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.forms.registry import forms, surveys
from tom.records.alert import ObjectAlert, PointKind
from tom.sky import read_stamp
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.surveys.decat import DECAT
from tom.surveys.desirt import DESIRT
from tom.surveys.elasticc import ELASTICC
from tom.surveys.pgir import PGIR
from tom.surveys.winter import WINTER
from tom.targets.models import LightCurvePoint, Program, TargetSummary

MADE = Packet(
    survey="MADE",
    object_id="name",
    ra="c.ra",
    dec="c.dec",
    trigger=Epochs(
        at="c", key="id", limit_key="exposure", time="t", exposure="lasts", band="b",
        magnitude="m", magnitude_error="dm", sign="up", limit="lim", score="rb",
    ),
    history=(
        Epochs(
            at="before", key="id", limit_key="exposure", time="t", exposure="lasts", band="b",
            magnitude="m", magnitude_error="dm", sign="up", limit="lim", score="rb",
        ),
        Epochs(
            at="forced", kind=PointKind.FORCED, time="t", band="b",
            flux="f", flux_error="df", zero_point="zp",
        ),
    ),
    clock=Clock.MJD_START,
    usual_s=30.0,
    bands={1: "J", 2: "r"},
    ab_offsets={"J": 0.9},
    fakes={"c.fake": 10},
    planet=("c.near", "c.near_at", "c.near_m"),
    star=("c.star", "c.star_score"),
)  # fmt: skip
MJD = 61_000.0


def detection(**values: Any) -> dict[str, Any]:
    return {
        "id": 2**60 + 1, "exposure": 5, "t": MJD, "lasts": 60.0, "b": 2, "m": 21.4, "dm": 0.1,
        "up": "t", "lim": 22.0, "rb": 0.5, "ra": 10.0, "dec": -5.0,
    } | values  # fmt: skip


def read(top: dict[str, Any] | None = None, **values: Any) -> ObjectAlert:
    return read_packet(MADE, {"name": "A-1", "c": detection(**values), **(top or {})})


@pytest.mark.parametrize("said", ["t", "T", "1", 1, True, "true", "+1"])
def test_every_spelling_of_a_positive_difference_is_known(said: Any) -> None:
    assert read(up=said).trigger.flux_njy == pytest.approx(1e4)


@pytest.mark.parametrize("said", ["f", "F", "0", 0, False, "false", "-1", -1])
def test_every_spelling_of_a_negative_difference_is_known(said: Any) -> None:
    alert = read(up=said)

    assert alert.trigger.flux_njy == pytest.approx(-1e4)
    assert alert.magnitude == pytest.approx(21.4)
    assert not alert.is_positive


def test_what_the_fields_hold_becomes_a_point() -> None:
    point = read().trigger

    assert point.key == str(2**60 + 1)
    assert point.time == datetime(2025, 11, 21, 0, 0, 30, tzinfo=UTC)
    assert (point.band, point.magnitude_limit, point.real_bogus) == ("r", 22.0, 0.5)
    assert point.flux_error_njy == pytest.approx(1e4 * 0.1 * 0.4 * math.log(10))


def test_a_magnitude_of_vega_and_its_limit_become_ab() -> None:
    point = read(b=1).trigger

    assert point.flux_njy == pytest.approx((22.3 * u.ABmag).to(u.nJy).value)
    assert point.magnitude_limit == pytest.approx(22.9)


def test_an_epoch_without_a_detection_is_a_limit() -> None:
    empty = dict.fromkeys(("id", "m", "dm", "up"))
    none_there = detection(t=MJD - 1, **empty)

    alert = read({"before": [none_there, detection(t=MJD - 2, id=7), none_there | {"exposure": 0}]})

    limit, first = alert.points[1], alert.points[0]
    assert (limit.kind, limit.key, limit.magnitude_limit) == (PointKind.LIMIT, "A-1:5", 22.0)
    assert (first.key, alert.first_seen) == ("7", first.time)
    assert len(alert.points) == 3


def test_a_band_may_be_a_whole_float() -> None:
    assert read(b=1.0).trigger.band == "J"


@pytest.mark.parametrize(
    ("gap", "lacking"),
    [({"t": None}, "t"), ({"b": 9}, "b"), ({"id": None}, "id"), ({"m": None}, "m"),
     ({"dm": math.nan, "up": "x"}, "dm, up"), ({"m": 99.0}, "m, dm")],
)  # fmt: skip
def test_the_reason_names_what_a_detection_lacks(gap: dict[str, Any], lacking: str) -> None:
    with pytest.raises(MalformedAlertError) as raised:
        read(**gap)

    assert str(raised.value) == f"no usable detection: {lacking} missing or unfit"


def test_an_epoch_that_tells_of_light_without_a_usable_id_is_left_out_and_no_limit() -> None:
    rows = [detection(t=MJD - days, id=name) for days, name in ((1, None), (2, "a b"), (3, ""))]

    alert = read({"before": rows})

    assert alert.points == (alert.trigger,)


def test_counts_are_on_the_zero_point_of_their_exposure() -> None:
    forced = {"t": MJD - 1, "b": 2, "f": -100.0, "df": 10.0, "zp": 26.4}

    (point, _) = read({"forced": [forced, forced | {"zp": None}]}).points

    assert point.flux_njy == pytest.approx(-1e4)
    assert point.flux_error_njy == pytest.approx(1e3)
    assert point.key == "A-1:r:2511200000150"


def test_the_history_s_copy_of_the_trigger_and_what_comes_later_are_left_out() -> None:
    alert = read({"before": [detection(m=20.0), detection(id=9, t=MJD + 1)]})

    assert alert.points == (alert.trigger,)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"fake": 10}, "c.fake says"),
        ({"id": None}, "no usable detection"),
        ({"t": math.nan}, "no usable detection"),
        ({"b": 3}, "no usable detection"),
        ({"m": 99.0}, "no usable detection"),
        ({"m": -999.0}, "no usable detection"),
        ({"dm": 0.0}, "no usable detection"),
        ({"up": "x"}, "no usable detection"),
        ({"ra": None}, "no usable position"),
        ({"dec": 91.0}, "no usable position"),
    ],
)
def test_what_is_no_detection_makes_a_packet_malformed(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedAlertError, match=reason):
        read(**values)


@pytest.mark.parametrize("name", [None, "", "a b", "x" * 81, 1.5, True])
def test_an_object_without_a_name_makes_a_packet_malformed(name: Any) -> None:
    with pytest.raises(MalformedAlertError, match="no usable name"):
        read({"name": name})


@pytest.mark.parametrize("named", ["NONE", "null", "", None])
def test_no_neighbour_is_told_in_many_ways(named: Any) -> None:
    assert read(near=named, near_at=2.0).solar_system is None
    assert read(near="Ceres", near_at=-99.0).solar_system is None
    assert read(star=-999.0).star is None


def test_a_neighbour_has_its_distance() -> None:
    alert = read(near="Ceres", near_at=2.0, near_m=-99.0, star=3.0, star_score=0.9)

    assert alert.solar_system.name == "Ceres"
    assert alert.solar_system.magnitude is None
    assert (alert.star.separation_arcsec, alert.star.star_galaxy_score) == (3.0, 0.9)


# --- The target ---------------------------------------------------------------------------------
def simulated(**values: Any) -> bytes:
    columns = {"diaSourceId": "long", "diaObjectId": "long", "filterName": "string"}
    numbers = ("midPointTai", "ra", "decl", "psFlux", "psFluxErr")
    fields = [{"name": name, "type": kind} for name, kind in columns.items()]
    fields += [{"name": name, "type": "double"} for name in numbers]
    source = {"type": "record", "name": "elasticc.v0_9.diaSource", "fields": fields}
    schema = {"type": "record", "name": "elasticc.v0_9.alert"}
    schema["fields"] = [{"name": "diaSource", "type": source}]
    made = {
        "diaSourceId": 8, "diaObjectId": 851, "filterName": "Y", "midPointTai": MJD, "ra": 10.0,
        "decl": -5.0, "psFlux": 100.0, "psFluxErr": 5.0,
    } | values  # fmt: skip
    return make_container(schema, [{"diaSource": made}])


@pytest.mark.django_db
def test_what_is_simulated_is_a_test_also_from_a_file() -> None:
    store_message(FILE_TOPIC, simulated())

    assert intake.work_alerts()

    assert TargetSummary.objects.get().is_test
    point = LightCurvePoint.objects.get()
    assert (point.band, point.key) == ("y", "8")
    assert point.flux == pytest.approx(100 * (27.5 * u.ABmag).to(u.nJy).value)
    assert point.time == Time(MJD, format="mjd", scale="tai").utc.to_datetime(timezone=UTC)


def hosted(**values: float) -> bytes:
    """A packet of a simulated object with what is said of its host."""
    fields = [{"name": name, "type": "double"} for name in values]
    source = {"name": "elasticc.v0_9.diaObject", "type": "record", "fields": fields}
    schema = {"type": "record", "name": "elasticc.v0_9.alert"}
    with_source = read_record(simulated(), 10**6)["diaSource"]
    kinds = {int: "long", str: "string", float: "double"}
    columns = [{"name": name, "type": kinds[type(each)]} for name, each in with_source.items()]
    detection = {"type": "record", "name": "elasticc.v0_9.diaSource", "fields": columns}
    schema["fields"] = [
        {"name": "diaSource", "type": detection},
        {"name": "diaObject", "type": source},
    ]
    return make_container(schema, [{"diaSource": with_source, "diaObject": values}])


@pytest.mark.django_db
def test_the_host_in_a_packet_becomes_the_target_s_with_its_distance() -> None:
    store_message(FILE_TOPIC, hosted(hostgal_zphot=0.4, hostgal_zspec=0.1, hostgal_zspec_err=0.01,
                                     hostgal_ra=10.001, hostgal_dec=-5.0))  # fmt: skip
    assert intake.work_alerts()
    kept = TargetSummary.objects.get()

    store_message(FILE_TOPIC, hosted(hostgal_zspec=0.3))
    assert intake.work_alerts()

    assert kept.host_name == "10.00100 -5.00000, z = 0.1"
    assert kept.host_distance_mpc == pytest.approx(Planck18.luminosity_distance(0.1).value)
    assert kept.host_distance_error_mpc == pytest.approx(50, rel=0.05)
    assert TargetSummary.objects.get().host_distance_mpc == kept.host_distance_mpc


@pytest.mark.django_db
def test_a_host_that_a_private_program_tells_is_not_shown_to_others() -> None:
    store_message(FILE_TOPIC, simulated())
    assert intake.work_alerts()
    team = Group.objects.create(name="team")
    Program.objects.filter(survey="ELASTICC").update(public=False, group=team)

    store_message(FILE_TOPIC, hosted(hostgal_zspec=0.1))
    assert intake.work_alerts()

    assert TargetSummary.objects.get().host_name == ""


@pytest.mark.parametrize(
    "values",
    [
        {"hostgal_zspec": -9.0, "hostgal_zphot": -9.0},
        {"hostgal_z": 0.0},
        {"hostgal_z": float("nan")},
        {"hostgal_z": 1e30},
        {"hostgal_snsep": 1.0},
    ],
)
def test_a_sentinel_is_no_host(values: dict[str, float]) -> None:
    assert forms()["elasticc.avro"].parse(hosted(**values)).host is None


def test_a_place_that_fills_a_gap_is_none() -> None:
    values = {"hostgal_z": 0.6, "hostgal_ra": 0.0, "hostgal_dec": 0.0, "hostgal_snsep": 0.5}

    host = forms()["elasticc.avro"].parse(hosted(**values)).host

    assert (host.redshift, host.ra, host.separation_arcsec) == (0.6, None, 0.5)


# --- Real packets -------------------------------------------------------------------------------
def real(real_data: Any, pattern: str) -> list[tuple[ObjectAlert, dict[str, Any]]]:
    found = []
    for path in sorted(real_data.glob(pattern)):
        payload = path.read_bytes()
        (record,) = fastavro.reader(io.BytesIO(payload))
        found.append((forms()[identify(FILE_TOPIC, payload)].parse(payload), record))
    assert found
    return found


def test_real_packets_of_pgir_are_vega_and_have_limits(real_data: Any) -> None:
    for alert, record in real(real_data, "other_surveys/kowalski/114*.avro"):
        candidate, before = record["candidate"], record["prv_candidates"]
        assert (alert.survey, alert.object_id) == ("PGIR", record["objectId"])
        size = (candidate["magpsf"] + 0.91) * u.ABmag
        assert alert.trigger.flux_njy == pytest.approx(size.to(u.nJy).value)
        begun = Time(candidate["jd"], format="jd", scale="utc")
        middle = begun + TimeDelta(candidate["exptime"] / 2, format="sec")
        told = middle.to_datetime(timezone=UTC)
        assert abs(alert.time - told) < timedelta(milliseconds=2)
        limits = [point for point in alert.points if point.kind is PointKind.LIMIT]
        assert len(limits) == len({row["subid"] for row in before if row["candid"] is None})
        keys = {point.key for point in alert.points if point.kind is PointKind.ALERT}
        assert keys == {str(row["candid"]) for row in [candidate, *before] if row["candid"]}


def test_real_packets_of_winter_are_in_its_bands(real_data: Any) -> None:
    for alert, record in real(real_data, "other_surveys/kowalski/36*.avro"):
        candidate = record["candidate"]
        assert (alert.survey, alert.object_id) == ("WINTER", record["objectid"])
        assert alert.trigger.band == {1: "Y", 2: "J", 3: "H"}[candidate["fid"]]
        size = (candidate["magpsf"] + 0.91) * u.ABmag
        assert alert.trigger.flux_njy == pytest.approx(size.to(u.nJy).value)
        assert len(alert.points) == 1 + len(record["prv_candidates"])


def test_a_real_packet_of_desirt_has_the_flux_that_its_magnitude_tells(real_data: Any) -> None:
    ((alert, record),) = real(real_data, "lsst/boom/decam_alert.avro")

    told = (record["candidate"]["forcediffimmag"] * u.ABmag).to(u.nJy).value
    assert alert.trigger.flux_njy == pytest.approx(told, rel=1e-5)
    assert {point.kind for point in alert.points} == {PointKind.ALERT, PointKind.FORCED}


def test_a_real_packet_of_decat_has_the_fluxes_that_its_magnitudes_tell(real_data: Any) -> None:
    ((alert, record),) = real(real_data, "ztf/pitt-google-broker/DC21baaa*.avro")

    assert alert.object_id == "DC21baaa"
    told = {str(row["sourceid"]): row for row in [*record["sources"], record["triggersource"]]}
    assert {point.key for point in alert.points} == told.keys()
    for point in alert.points:
        row = told[point.key]
        assert point.flux_njy == pytest.approx((row["mag"] * u.ABmag).to(u.nJy).value, rel=1e-4)
        assert point.band == row["filter"][0]


def test_real_packets_of_the_simulation_are_on_its_zero_point(real_data: Any) -> None:
    for alert, record in real(real_data, "elasticc/packets/*.avro"):
        source = record["diaSource"]
        flux = (source["psFlux"] * 10 ** (-0.4 * 27.5) * 3631 * u.Jy).to(u.nJy).value
        assert alert.trigger.flux_njy == pytest.approx(flux, rel=2e-4)  # 31.4 is 3630.8 Jy
        mjd = Time(source["midPointTai"], format="mjd", scale="tai").utc
        assert abs(alert.time - mjd.to_datetime(timezone=UTC)) < timedelta(milliseconds=2)
        assert alert.trigger.band == source["filterName"].lower()


@pytest.mark.parametrize("folder", ["other_surveys/kowalski/*", "lsst/boom/[dw]*"])
def test_real_stamps_are_images(real_data: Any, folder: str) -> None:
    for alert, _ in real(real_data, folder):
        assert alert.cutouts.keys() == {"science", "template", "difference"}
        for stamp in alert.cutouts.values():
            assert min(read_stamp(stamp, ra=alert.ra, dec=alert.dec).image.shape) > 10


@pytest.mark.parametrize("survey", [DECAT, DESIRT, ELASTICC, PGIR, WINTER])
def test_every_band_is_declared(survey: Any) -> None:
    from importlib import import_module

    packet = import_module(f"tom.surveys.{survey.name.lower()}").PACKET
    assert set(packet.bands.values()) == survey.bands.keys()
    assert surveys()[survey.name] is survey


@pytest.mark.django_db
def test_a_real_private_packet_is_seen_by_its_group_alone(real_data: Any) -> None:
    for path in (real_data / "other_surveys" / "kowalski").glob("*.avro"):
        store_message(FILE_TOPIC, path.read_bytes())

    while intake.work_alerts():
        pass

    assert {row.state for row in AlertMessage.objects.all()} == {MessageState.STORED}
    assert {row.permissions for row in BaseTarget.objects.all()} == {"PRIVATE"}
    assert Program.objects.filter(public=True).count() == 0
    assert Group.objects.filter(name__startswith="PGIR").exists()
