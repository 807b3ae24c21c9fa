"""What brokers tell of an object: on one target, its points once, its opinions side by side."""

import io
import json
import math
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import pytest
from django.contrib.auth.models import AnonymousUser
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.base_models import BaseTarget

from tests.peers.bson import bson
from tests.streams.packets import (
    CANDID,
    JD,
    SCHEMA,
    encoded,
    make_container,
    make_detection,
    make_ztf_packet,
)
from tom import intake
from tom.brokers.alerce import read_answer, read_classified
from tom.brokers.antares import read_squeezed_locus
from tom.brokers.babamul import read_alert as read_babamul
from tom.brokers.fink import read_alert as read_fink
from tom.brokers.fink import read_rows as read_fink_rows
from tom.brokers.lasair import read_output
from tom.formats.containers import with_schema
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.records.alert import NAMELESS, PointKind
from tom.streams.models import AlertMessage
from tom.streams.services import store_message
from tom.targets.classified import classifications_of
from tom.targets.models import LightCurvePoint
from tom.targets.tags import tags_of

NAME = "ZTF26aaaaaaa"
NUMBER = 170028485706776685
START = datetime(2026, 1, 1, 6, 0, 15, tzinfo=UTC)


def send(topic: str, *payloads: bytes) -> None:
    for payload in payloads:
        store_message(topic, payload)
    while intake.work_alerts():
        pass
    assert not AlertMessage.objects.exclude(state="stored").exists()


# --- Fink ---------------------------------------------------------------------------------------
FINK = {
    **SCHEMA,
    "fields": [
        *SCHEMA["fields"],
        {"name": "cdsxmatch", "type": "string"},
        {"name": "snn_sn_vs_all", "type": "double"},
        {"name": "rf_kn_vs_nonkn", "type": "double"},
        {"name": "fink_science_version", "type": "string"},
    ],
}
ADDED = {
    "cdsxmatch": "RRLyr",
    "snn_sn_vs_all": 0.75,
    "rf_kn_vs_nonkn": 0.0,
    "fink_science_version": "8.41.0",
}


def make_fink_record(**values: Any) -> dict[str, Any]:
    (record,) = fastavro.reader(io.BytesIO(make_ztf_packet()))
    return {**record, **ADDED, **values}


def test_each_module_of_fink_is_a_classifier_with_the_version_of_them_all() -> None:
    (said,) = read_fink(make_container(FINK, [make_fink_record()])).opinions

    found = {each.classifier: each for each in said.judgements}
    assert found.keys() == {"snn_sn_vs_all", "cdsxmatch"}  # a score of 0 says it was not run
    assert found["snn_sn_vs_all"].probabilities == {"SN": 0.75}
    assert found["snn_sn_vs_all"].version == "8.41.0"
    assert found["cdsxmatch"].classes == {"RRLyr": "rr lyrae"}
    assert (said.author, said.survey, said.object_id, said.time) == ("Fink", "ZTF", NAME, START)


def test_a_record_whose_schema_is_its_key_is_kept_with_it() -> None:
    schema = json.dumps(FINK).encode()

    payload = with_schema(schema, encoded(FINK, make_fink_record()))

    assert identify("fink_sn_candidates_ztf", payload) == "fink.alert"
    assert read_fink(payload).alerts[0].object_id == NAME
    assert with_schema(b'{"no": "schema"}', b"as it is") == b"as it is"
    assert with_schema(None, b"as it is") == b"as it is"


@pytest.mark.django_db
def test_the_same_alert_from_a_broker_adds_no_point_and_says_what_the_broker_thinks() -> None:
    send("ztf_20260101_programid1", make_ztf_packet(history=[make_detection()]))
    before = set(LightCurvePoint.objects.values_list("pk", "key", "flux"))

    send("fink_sn_candidates_ztf", make_container(FINK, [make_fink_record()]))

    target = BaseTarget.objects.get()
    assert set(LightCurvePoint.objects.values_list("pk", "key", "flux")) == before
    assert {row.classifier for row in classifications_of(target, AnonymousUser())} == {
        "snn_sn_vs_all",
        "cdsxmatch",
    }


def test_a_newest_source_without_an_object_or_a_place_takes_nothing_from_the_others() -> None:
    source = {
        "r:midpointMjdTai": 61_000.2,
        "r:band": "r",
        "r:psfFlux": 9.0,
        "r:psfFluxErr": 1.0,
        "r:diaObjectId": NUMBER,
        "r:diaSourceId": 5,
        "r:ra": 63.35,
        "r:dec": -47.18,
    }
    lost = source | {"r:midpointMjdTai": 61_002.2, "r:diaObjectId": None, "r:diaSourceId": 7}
    placeless = source | {"r:midpointMjdTai": 61_001.2, "r:ra": None, "r:diaSourceId": 6}
    answer = {"fink_sources": [lost, placeless, source]}

    (alert,) = read_fink_rows(json.dumps(answer).encode()).alerts

    assert (alert.object_id, alert.ra) == (str(NUMBER), 63.35)
    assert [point.key for point in alert.points] == ["5", "6"]


# --- Babamul ------------------------------------------------------------------------------------
def _rows(name: str, fields: tuple[str, ...]) -> dict[str, Any]:
    kinds = {"band": "string"}
    listed = [{"name": f, "type": kinds.get(f, ["null", "double"])} for f in fields]
    return {"type": "array", "items": {"type": "record", "name": name, "fields": listed}}


_ZTF_FIELDS = {field["name"]: field for field in SCHEMA["fields"]}
BABAMUL = {
    "type": "record",
    "name": "BabamulZtfAlert",
    "fields": [
        {"name": "candid", "type": "long"},
        {"name": "objectId", "type": "string"},
        _ZTF_FIELDS["candidate"],
        {"name": "prv_candidates", "type": _rows("Prv", ("jd", "psfFlux", "psfFluxErr", "band"))},
        {"name": "prv_nondetections", "type": _rows("Non", ("jd", "psfFluxErr", "band"))},
        {"name": "properties", "type": {"type": "map", "values": "boolean"}},
    ],
}
# As Babamul has it: 15 magnitudes fainter than what it says.
SCALE = 1e6


def make_babamul(days: tuple[float, ...] = (0.0, -2.0)) -> bytes:
    (packet,) = fastavro.reader(io.BytesIO(make_ztf_packet()))
    njy = 10 ** (0.4 * (31.4 - 19.0))
    rows = [
        {"jd": JD + day, "psfFlux": njy * SCALE, "psfFluxErr": njy * SCALE / 10, "band": "r"}
        for day in days
    ]
    record = {
        "candid": CANDID,
        "objectId": NAME,
        "candidate": packet["candidate"],
        "prv_candidates": rows,
        "properties": {"rock": False, "stationary": True},
        "prv_nondetections": [{"jd": JD - 3, "psfFluxErr": njy * SCALE / 100, "band": "r"}],
    }
    return make_container(BABAMUL, [record])


def test_fluxes_of_babamul_are_scaled_and_the_alert_s_own_detection_stands_once() -> None:
    told = read_babamul(make_babamul())

    detections = [point for point in told.alerts[0].points if point.kind is PointKind.ALERT]
    assert [point.key.startswith(NAMELESS) for point in detections] == [True, False]
    assert detections[0].flux_njy == pytest.approx(detections[1].flux_njy, rel=1e-6)
    (limit,) = (point for point in told.alerts[0].points if point.kind is PointKind.LIMIT)
    assert math.isnan(limit.flux_njy)
    assert limit.magnitude_limit == pytest.approx(19.0 + 2.5 * math.log10(20), abs=1e-6)
    assert told.opinions[0].tags == ("stationary",)


def test_the_zero_point_is_that_of_a_real_alert_s_own_magnitude(real_data: Path) -> None:
    payload = (real_data / "brokers" / "recorded" / "babamul_alert.avro").read_bytes()
    (raw,) = fastavro.reader(io.BytesIO(payload))

    (alert,) = read_babamul(payload).alerts

    newest = raw["candidate"]
    of_magnitude = 10 ** (0.4 * (31.4 - newest["magpsf"]))
    assert newest["psfFlux"] * 1e-6 == pytest.approx(of_magnitude, rel=1e-3)
    assert alert.trigger.flux_njy == pytest.approx(of_magnitude, rel=1e-6)


def test_an_alert_with_a_long_exposure_stands_once() -> None:
    (record,) = fastavro.reader(io.BytesIO(make_babamul()))
    record["candidate"]["exptime"] = 300.0

    (alert,) = read_babamul(make_container(BABAMUL, [record])).alerts

    times = [point.time for point in alert.points if point.kind is PointKind.ALERT]
    assert times == [START - timedelta(days=2), START + timedelta(seconds=135)]


def test_an_epoch_that_names_a_program_is_of_that_program() -> None:
    fields = [field for field in BABAMUL["fields"] if field["name"] != "prv_candidates"]
    rows = _rows("Prv", ("jd", "psfFlux", "psfFluxErr", "band"))
    rows["items"]["fields"].append({"name": "programid", "type": ["null", "int"]})
    schema = {**BABAMUL, "fields": [*fields, {"name": "prv_candidates", "type": rows}]}
    (record,) = fastavro.reader(io.BytesIO(make_babamul((-1.0, -2.0))))
    for epoch, program in zip(record["prv_candidates"], (2, None), strict=True):
        epoch["programid"] = program

    (alert,) = read_babamul(make_container(schema, [record])).alerts

    detections = [point for point in alert.points if point.kind is PointKind.ALERT]
    assert [point.program for point in detections] == [2, 1]


ORDERS: dict[str, Callable[[], list[tuple[str, bytes]]]] = {
    "broker first": lambda: [("babamul.ztf.lsst-match.hosted", make_babamul()), OWN],
    "survey first": lambda: [OWN, ("babamul.ztf.lsst-match.hosted", make_babamul())],
}
OWN = ("ztf_20260101_programid1", make_ztf_packet(history=[make_detection()]))


@pytest.mark.django_db
@pytest.mark.parametrize("order", ORDERS)
def test_a_detection_without_an_id_is_one_row_with_the_survey_s_own(order: str) -> None:
    for topic, payload in ORDERS[order]():
        send(topic, payload)

    detections = LightCurvePoint.objects.filter(kind="alert")
    assert sorted(detections.values_list("key", flat=True)) == sorted(
        [str(CANDID), str(CANDID - 2_000_000)]
    )
    mirrored = PhotometryReducedDatum.objects.values_list("source_location", flat=True)
    assert {each for each in mirrored if each.startswith("alert")} == {
        f"alert:{CANDID}",
        f"alert:{CANDID - 2_000_000}",
    }
    assert {tag.tag for tag in tags_of(BaseTarget.objects.get(), AnonymousUser())} == {"stationary"}


@pytest.mark.django_db
def test_what_a_broker_tells_again_adds_nothing() -> None:
    send("babamul.ztf.lsst-match.hosted", make_babamul())
    keys = set(LightCurvePoint.objects.values_list("pk", "key"))

    send("babamul.ztf.no-lsst-match.hosted", make_babamul())

    assert set(LightCurvePoint.objects.values_list("pk", "key")) == keys
    assert len(keys) == 3


# --- ANTARES ------------------------------------------------------------------------------------
LOCUS: dict[str, Any] = {
    "locus_id": "ANT2026abc",
    "ra": 150.1,
    "dec": 2.2,
    "tags": ["nuclear_transient", "in_m31"],
    "properties": {
        "newest_alert_observation_time": JD - 2_400_000.5,
        "survey": {"ztf": {"id": [NAME]}, "lsst": {"dia_object_id": [NUMBER]}},
        "odd": None,
    },
    "catalogs": [],
}


def test_a_locus_tags_every_object_that_it_is() -> None:
    told = read_squeezed_locus(zlib.compress(bson(LOCUS)))

    assert [(said.survey, said.object_id) for said in told.opinions] == [
        ("ZTF", NAME),
        ("LSST", str(NUMBER)),
    ]
    assert {said.tags for said in told.opinions} == {("nuclear_transient", "in_m31")}


def test_a_locus_of_very_many_names_is_that_of_the_first() -> None:
    names = [f"ZTF26{number}" for number in range(20_000)]
    locus = LOCUS | {"properties": {"survey": {"ztf": {"id": names}}}}

    told = read_squeezed_locus(zlib.compress(bson(locus)))

    assert [said.object_id for said in told.opinions] == names[:50]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"x",
        zlib.compress(b""),
        zlib.compress(bson(LOCUS)[:-9]),
        zlib.compress(bson(LOCUS))[:-9],
        zlib.compress(bson(LOCUS) + b"x"),
        zlib.compress(b"\xff\xff\xff\x7f" + b"a" * 99),
    ],
)
def test_a_damaged_locus_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedAlertError):
        read_squeezed_locus(payload)


@pytest.mark.django_db
def test_tags_stand_on_the_target_once() -> None:
    send(*OWN)
    squeezed = zlib.compress(bson(LOCUS))
    send("client.nuclear_transient", squeezed)
    send("client.in_m31", squeezed)

    assert sorted(str(tag) for tag in tags_of(BaseTarget.objects.get(), AnonymousUser())) == [
        "ANTARES: in_m31",
        "ANTARES: nuclear_transient",
    ]


# --- Lasair -------------------------------------------------------------------------------------
LITE: dict[str, Any] = {
    "diaObjectId": NUMBER,
    "ra": 63.35,
    "decl": -47.18,
    "UTC": "2026-11-02 03:04:05",
    "alert": {
        "diaSourcesList": [
            {
                "psfFlux": 900.0,
                "psfFluxErr": 90.0,
                "midpointMjdTai": 61346.2,
                "band": "r",
                "reliability": 0.9,
            },
            {
                "psfFlux": -800.0,
                "psfFluxErr": 80.0,
                "midpointMjdTai": 61345.2,
                "band": "g",
                "reliability": 0.7,
            },
            {"psfFlux": 700.0, "psfFluxErr": None, "midpointMjdTai": 61344.2, "band": "g"},
        ],
        "diaForcedSourcesList": [
            {"psfFlux": 10.0, "psfFluxErr": 50.0, "midpointMjdTai": 61340.2, "band": "g"},
        ],
    },
    "annotations": [
        {
            "topic": "r0b",
            "version": "1.2",
            "timestamp": "2026-11-01 00:00:00",
            "classification": "extragalactic",
            "classdict": {"SN": 0.4},
        },
        {
            "topic": "r0b",
            "version": "1.2",
            "timestamp": "2026-11-02 00:00:00",
            "classification": "extragalactic",
            "classdict": {"SN": 0.9},
        },
        {"topic": "fastfinder", "timestamp": "2026-11-02", "classification": "KN", "classdict": {}},
    ],
    "sherlock": {"classification": "NT"},
}


def test_a_lite_output_has_signed_fluxes_in_utc() -> None:
    (alert,) = read_output(json.dumps(LITE).encode()).alerts

    assert (alert.survey, alert.object_id, alert.ra, alert.dec) == (
        "LSST",
        str(NUMBER),
        63.35,
        -47.18,
    )
    fluxes = [(point.kind, point.band, point.flux_njy) for point in alert.points]
    assert fluxes == [
        (PointKind.FORCED, "g", 10.0),
        (PointKind.ALERT, "g", -800.0),
        (PointKind.ALERT, "r", 900.0),
    ]
    mjd = datetime(1858, 11, 17, tzinfo=UTC) + timedelta(days=61346.2, seconds=-37)
    assert abs(alert.time - mjd) < timedelta(milliseconds=2)


def test_an_object_of_lasair_s_api_is_read_with_what_stands_apart_in_it() -> None:
    sources = [{**each, "diaSourceId": i} for i, each in enumerate(rows_of(LITE), start=5)]
    saved = {
        "diaObjectId": str(NUMBER),
        "diaObject": {"ra": 63.35, "decl": -47.18},
        "diaSources": sources,
        "diaForcedSources": LITE["alert"]["diaForcedSourcesList"],
        "lasairData": {"sherlock": LITE["sherlock"], "annotations": LITE["annotations"]},
    }
    payload = json.dumps(saved).encode()
    told, plain = read_output(payload), read_output(json.dumps(LITE).encode())

    assert identify(FILE_TOPIC, payload) == "lasair.output"
    fluxes = [[point.flux_njy for point in each.alerts[0].points] for each in (told, plain)]
    assert fluxes[0] == fluxes[1]
    assert told.opinions[0].judgements == plain.opinions[0].judgements


def rows_of(output: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = output["alert"]["diaSourcesList"]
    return rows


def test_an_annotator_keeps_its_history() -> None:
    (said,) = read_output(json.dumps(LITE).encode()).opinions

    found = [
        (each.classifier, each.probabilities, each.time and each.time.day)
        for each in said.judgements
    ]
    assert found == [
        ("Sherlock", {"NT": 1.0}, None),
        ("r0b", {"SN": 0.4}, 1),
        ("r0b", {"SN": 0.9}, 2),
        ("fastfinder", {"KN": 1.0}, 2),
    ]
    assert said.judgements[1].version == "1.2"


# As r0b writes them: https://github.com/LasairVRAs/lvra
FLAGS = {"blame_diaSourceId": "7", "n_gt22": 1, "n_gt21": 0, "brighter22": 1, "first22": 1,
         "first21": 0, "model_version": "0.3", "provenance_ID": 1, "stem": "x"}  # fmt: skip


@pytest.mark.parametrize("flags", [FLAGS, FLAGS | {"brighter22": True}, json.dumps(FLAGS)])
@pytest.mark.parametrize("score", ["0.93", 0.93])
def test_r0b_tells_a_score_and_flags(flags: Any, score: Any) -> None:
    annotation = {"topic": "r0b_lvra", "version": 3, "classification": score, "classdict": flags}
    row = {"diaObjectId": "313853517599244313", "UTC": "2026-10-01 10:00:00"}

    for given in (row | annotation, row | {"annotations": [annotation]}):
        (said,) = read_output(json.dumps(given).encode()).opinions
        score, beside = said.judgements

        assert (score.classifier, score.version) == ("r0b_lvra", "3")
        assert (score.probabilities, score.classes) == ({"real": 0.93}, {"real": "real"})
        assert beside.classifier == "r0b_lvra classdict"
        assert beside.probabilities == {"brighter22": 1.0, "first22": 1.0, "first21": 0.0}


def test_a_plain_output_says_a_class_of_an_object_of_either_survey() -> None:
    row = {
        "objectId": NAME,
        "ramean": 150.1,
        "decmean": 2.2,
        "classification": "SN",
        "UTC": "2026-01-02",
    }

    told = read_output(json.dumps(row).encode())

    assert told.alerts == ()
    assert (told.opinions[0].survey, told.opinions[0].object_id, told.opinions[0].ra) == (
        "ZTF",
        NAME,
        150.1,
    )
    with pytest.raises(UnhandledAlertError, match="neither"):
        read_output(json.dumps(row | {"classification": "UNCLEAR"}).encode())


# --- ALeRCE -------------------------------------------------------------------------------------
def make_answer(**values: Any) -> dict[str, Any]:
    detection = {
        "mjd": JD - 2_400_000.5,
        "candid": str(CANDID),
        "fid": 2,
        "pid": 7,
        "isdiffpos": -1,
        "magpsf": 19.0,
        "sigmapsf": 0.1,
        "diffmaglim": 20.5,
        "ra": 150.1,
        "dec": 2.2,
    }
    return {
        "object": {"oid": NAME, "meanra": 150.1, "meandec": 2.2},
        "detections": [detection],
        "non_detections": [{"mjd": JD - 2_400_003.5, "fid": 1, "diffmaglim": 20.4}],
        "probabilities": [
            {
                "classifier_name": "lc_classifier",
                "classifier_version": "v1",
                "class_name": "SNIa",
                "probability": 0.6,
            },
            {
                "classifier_name": "lc_classifier",
                "classifier_version": "v1",
                "class_name": "QSO",
                "probability": 0.1,
            },
            {
                "classifier_name": "stamp_classifier",
                "classifier_version": "v2",
                "class_name": "SN",
                "probability": 0.9,
            },
        ],
    } | values


def test_an_answer_of_alerce_has_signed_detections_and_each_classifier() -> None:
    told = read_answer(json.dumps(make_answer()).encode())

    assert [point.key for point in told.alerts[0].points if point.kind is PointKind.ALERT] == [
        str(CANDID)
    ]
    assert told.alerts[0].points[-1].flux_njy == pytest.approx(-(10 ** (0.4 * 12.4)))
    found = {each.classifier: each.probabilities for each in told.opinions[0].judgements}
    assert found == {"lc_classifier": {"SNIa": 0.6, "QSO": 0.1}, "stamp_classifier": {"SN": 0.9}}


def test_a_limit_of_alerce_is_one_though_it_lacks_the_survey_s_id() -> None:
    (alert,) = read_answer(json.dumps(make_answer()).encode()).alerts

    (limit,) = (point for point in alert.points if point.kind is PointKind.LIMIT)
    assert (limit.band, limit.magnitude_limit) == ("g", 20.4)
    assert limit.key.startswith(f"{NAMELESS}g")


def _alerce(rows: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    listed = [row | {"mjd": row["jd"] - 2_400_000.5} for row in rows]
    return "lookup.alerce", make_answer(detections=listed, non_detections=[], probabilities=[])


def _fink(rows: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    listed = [{f"i:{name}": value for name, value in row.items()} for row in rows]
    return "lookup.fink", {"fink_rows": [row | {"i:objectId": NAME} for row in listed]}


def _antares(rows: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    listed = [{f"ztf_{name}": value for name, value in row.items()} for row in rows]
    return "lookup.antares", {**LOCUS, "alerts": listed}


def _lasair(rows: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return "lookup.lasair", {"objectId": NAME, "candidates": rows}


def _pitt_google(rows: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return FILE_TOPIC, {"objectId": NAME, "rows": rows}


TABLES = [_alerce, _fink, _antares, _lasair, _pitt_google]


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("gap", [{"magpsf": None}, {"sigmapsf": None}, {"ra": None}])
def test_a_newest_row_that_cannot_be_used_takes_nothing_from_the_others(
    table: Any, gap: dict[str, Any]
) -> None:
    rows = [make_detection(1.0, **gap), make_detection(-1.0, isdiffpos="f"), make_detection(-2.0)]

    topic, answer = table(rows)
    send(topic, json.dumps(answer).encode())

    points = LightCurvePoint.objects.filter(kind="alert").order_by("time")
    signs = {row.key: row.flux > 0 for row in points}
    assert [signs[str(CANDID - days * 1_000_000)] for days in (1, 2)] == [False, True]


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
def test_a_table_may_have_ids_as_text_and_counts_as_floats(table: Any) -> None:
    lacking = {"programid": 1.0, "fid": 2.0}
    rows = [make_detection(-days, candid=str(CANDID - days), **lacking) for days in (0, 1)]

    topic, answer = table(rows)
    send(topic, json.dumps(answer).encode())

    points = LightCurvePoint.objects.filter(kind="alert").order_by("time")
    assert [row.key for row in points] == [str(CANDID - 1), str(CANDID)]


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES)
def test_a_row_with_light_and_without_an_id_is_no_limit(table: Any) -> None:
    rows = [make_detection(0.0), make_detection(-1.0, candid=None, isdiffpos="f")]

    topic, answer = table(rows)
    send(topic, json.dumps(answer).encode())

    first, newest = LightCurvePoint.objects.order_by("time")
    assert (first.kind, newest.kind) == ("alert", "alert")
    assert first.flux == pytest.approx(-newest.flux)


def test_a_message_of_alerce_s_stream_is_an_opinion() -> None:
    of_curve = {
        "type": "record",
        "name": "lc",
        "fields": [
            {"name": "class", "type": "string"},
            {"name": "probabilities", "type": {"type": "map", "values": "float"}},
        ],
    }
    schema = {
        "type": "record",
        "name": "any",
        "fields": [
            {"name": "oid", "type": "string"},
            {"name": "lc_classification", "type": of_curve},
        ],
    }
    record = {"oid": NAME, "lc_classification": {"class": "SNIa", "probabilities": {"SNIa": 0.5}}}
    payload = make_container(schema, [record])

    said = read_classified(payload)

    assert identify("lc_classifier_ztf_20260101", payload) == "alerce.classified"
    assert (said.object_id, said.judgements[0].classes) == (NAME, {"SNIa": "supernova Ia"})


STAMPS = {"SN": 0.9, "AGN": 0.05, "VS": 0.02, "asteroid": 0.02, "bogus": 0.01}


def test_a_message_of_the_stamp_classifier_is_known_in_a_file_too() -> None:
    schema = {
        "type": "record",
        "name": "any",
        "fields": [
            {"name": "objectId", "type": "string"},
            {"name": "probabilities", "type": {"type": "map", "values": "double"}},
        ],
    }
    payload = make_container(schema, [{"objectId": NAME, "probabilities": STAMPS}])

    assert identify(FILE_TOPIC, payload) == "alerce.classified"
    (said,) = read_classified(payload).judgements
    assert (said.classifier, said.probabilities) == ("stamp_classifier", STAMPS)


@pytest.mark.parametrize("by_row", [False, True], ids=["of all", "of each row"])
def test_the_stamp_classifier_may_list_its_classes(by_row: bool) -> None:
    by = {"classifier_name": "stamp_classifier_rubin", "model_version": "2.0.1"}
    rows = [{"class_name": name, "probability": chance} for name, chance in STAMPS.items()]
    record = {"objectId": NAME, **by, "classifications": rows}
    if by_row:
        record |= {"classifications": [row | by for row in rows], "model_version": "another"}
    of_row = [{"name": name, "type": "string"} for name in (*by, "class_name")]
    row = [*of_row[0 if by_row else 2 :], {"name": "probability", "type": "double"}]
    listed = {"type": "array", "items": {"type": "record", "name": "row", "fields": row}}
    fields = [{"name": name, "type": "string"} for name in ("objectId", *by)]
    fields.append({"name": "classifications", "type": listed})
    payload = make_container({"type": "record", "name": "any", "fields": fields}, [record])

    assert identify(FILE_TOPIC, payload) == "alerce.classified"
    (said,) = read_classified(payload).judgements
    assert (said.classifier, said.version) == ("stamp_classifier_rubin", "2.0.1")
    assert said.probabilities == STAMPS


def test_of_an_object_of_rubin_alerce_tells_a_class_alone_and_the_time_in_tai() -> None:
    of_curve = {
        "type": "record",
        "name": "lc",
        "fields": [{"name": "class", "type": "string"}, {"name": "probabilities", "type": "null"}],
    }
    schema = {
        "type": "record",
        "name": "any",
        "fields": [
            {"name": "oid", "type": "long"},
            {"name": "mjd", "type": "double"},
            {"name": "lc_classification", "type": of_curve},
        ],
    }
    record = {"oid": NUMBER, "mjd": 61_041.25, "lc_classification": {"class": "RRLab"}}

    said = read_classified(make_container(schema, [record]))

    assert (said.survey, said.object_id) == ("LSST", str(NUMBER))
    assert said.time == START - timedelta(seconds=15 + 37)
    assert said.judgements[0].classes == {"RRLab": "rr lyrae"}


@pytest.mark.django_db
def test_what_is_retold_is_no_packet_s_surroundings_and_adds_no_row_to_the_survey_s_own() -> None:
    send(*OWN)
    target = BaseTarget.objects.get()
    before = (target.summary.star_separation_arcsec, LightCurvePoint.objects.count())
    assert before[0] == 3.0

    answer = make_answer()
    answer["detections"][0]["isdiffpos"] = 1
    del answer["non_detections"]
    send("file", json.dumps(answer).encode())

    target = BaseTarget.objects.get()
    assert (target.summary.star_separation_arcsec, LightCurvePoint.objects.count()) == before
    assert classifications_of(target, AnonymousUser()).count() == 2


@pytest.mark.django_db
def test_a_long_light_curve_without_ids_is_stored_in_time_and_again() -> None:
    source = LITE["alert"]["diaSourcesList"][0]
    rows = [source | {"midpointMjdTai": 60_000 + number / 100} for number in range(6000)]
    output = LITE | {"alert": {"diaSourcesList": rows}}
    begun = time.monotonic()

    send("lasair_2sn", json.dumps(output).encode(), json.dumps(output | {"again": 1}).encode())

    assert LightCurvePoint.objects.count() == len(rows)
    assert time.monotonic() - begun < 20  # two seconds; it took half a minute


# --- Babamul on Rubin ---------------------------------------------------------------------------
_LSST_ROWS = ("jd", "psfFlux", "psfFluxErr", "band")
BABAMUL_LSST = {
    "type": "record",
    "name": "BabamulLsstAlert",
    "fields": [
        {"name": "candid", "type": "long"},
        {"name": "objectId", "type": "string"},
        {"name": "candidate", "type": _rows("Cand", ("ra", "dec", *_LSST_ROWS))["items"]},
        {"name": "prv_candidates", "type": _rows("PrvLsst", _LSST_ROWS)},
        {"name": "fp_hists", "type": _rows("FpLsst", _LSST_ROWS)},
    ],
}


def test_an_alert_of_rubin_has_true_nanojanskys_at_tai() -> None:
    rows = [
        {"jd": 2_461_346.7 + days, "psfFlux": 900.0 - days, "psfFluxErr": 90.0, "band": "r"}
        for days in (0.0, -1.0)
    ]
    record = {
        "candid": NUMBER,
        "objectId": str(NUMBER),
        "candidate": {"ra": 63.35, "dec": -47.18, **rows[0]},
        "prv_candidates": rows,
        "fp_hists": [rows[1]],
    }
    payload = make_container(BABAMUL_LSST, [record])

    (alert,) = read_babamul(payload).alerts

    assert identify("any.topic", payload) == "babamul.alert"
    told = [(point.kind, point.flux_njy, point.key.startswith(NAMELESS)) for point in alert.points]
    assert told == [
        (PointKind.ALERT, 901.0, True),
        (PointKind.FORCED, 901.0, True),
        (PointKind.ALERT, 900.0, False),
    ]
    assert (alert.survey, alert.object_id, alert.alert_id) == ("LSST", str(NUMBER), str(NUMBER))
    tai = datetime(1858, 11, 17, tzinfo=UTC) + timedelta(days=61346.2)
    assert abs(alert.time - tai + timedelta(seconds=37)) < timedelta(milliseconds=2)
