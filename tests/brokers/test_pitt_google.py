"""Pitt-Google's packets in JSON, parts of packets, and rows of its tables.

A row is stored with the sign and the id of its flux, and refused without.
"""

import base64
import json
import math
from datetime import datetime
from pathlib import Path

import pytest

from tests.surveys.lsst.made import MJD, OBJECT_ID, make_forced, make_record, make_source
from tom.brokers.pitt_google import read_json_packet, read_parts, read_rows
from tom.formats.containers import MAGIC, read_record, split_records
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.recognition import identify
from tom.forms.registry import survey_of
from tom.forms.topics import is_test_topic
from tom.records import ObjectAlert
from tom.records.alert import PointKind


def read_recorded(real_data: Path) -> dict[str, object]:
    return json.loads((real_data / "brokers/recorded/pittgoogle_rows.json").read_text())


def test_rows_with_a_sign_and_an_id_become_a_light_curve(real_data: Path) -> None:
    record = read_recorded(real_data)
    for number, row in enumerate(record["rows"], start=1):
        row |= {"isdiffpos": "f" if number == 1 else "t", "candid": number}

    (alert,) = read_rows(json.dumps(record).encode()).alerts

    assert (alert.survey, alert.object_id) == ("ZTF", record["objectId"])
    fluxes = {point.key: point.flux_njy for point in alert.points}
    assert len(fluxes) == len(record["rows"])
    size = 10 ** ((31.4 - record["rows"][0]["magpsf"]) / 2.5)
    assert fluxes["1"] == pytest.approx(-size)
    assert fluxes["2"] > 0


@pytest.mark.parametrize("lacking", ["isdiffpos", "candid"])
def test_rows_without_one_of_them_are_refused_by_its_name(real_data: Path, lacking: str) -> None:
    record = read_recorded(real_data)
    for number, row in enumerate(record["rows"], start=1):
        row |= {"isdiffpos": "t", "candid": number}
        del row[lacking]

    with pytest.raises(MalformedAlertError, match=f"its rows lack {lacking}:"):
        read_rows(json.dumps(record).encode())


def as_json(value: object) -> object:
    """Write a value as Pitt-Google does: NaN as nothing, bytes in base64, times in seconds."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case bytes():
            return base64.b64encode(value).decode()
        case datetime():
            return value.timestamp()
        case dict():
            return {name: as_json(each) for name, each in value.items()}
        case list():
            return [as_json(each) for each in value]
    return value


def test_a_packet_in_json_says_what_the_survey_s_own_says(real_data: Path) -> None:
    paths = [*real_data.glob("lsst/ampel-lsst/*.avro"), *real_data.glob("lsst/boom/*.avro")]
    containers = [raw for raw in map(Path.read_bytes, sorted(paths)) if raw.startswith(MAGIC)]
    read = (read_record(one) for container in containers for one in split_records(container))
    records = [record for record in read if record.get("diaSource")]
    for record in records:
        payload = json.dumps(as_json(record)).encode()
        own = survey_of("LSST").read(record)

        alert = read_json_packet(payload)

        assert identify("lsst-alerts-json", payload) == "pitt_google.packet"
        assert alert == own
    assert len(records) > 1


def test_ids_as_text_and_flags_as_numbers_say_the_same() -> None:
    source, before = make_source(centroid_flag=1, psfFlux_flag=1), make_source(diaSourceId=7)
    before |= {"midpointMjdTai": MJD - 1}
    packet = make_record(history=[before], forced=[make_forced()], **source)
    own = read_json_packet(json.dumps(packet).encode())
    for part in (packet["diaSource"], before, *packet["prvDiaForcedSources"], packet["diaObject"]):
        part |= {name: str(value) for name, value in part.items() if name.endswith("Id")}

    alert = read_json_packet(json.dumps(packet).encode())

    assert alert == own
    assert alert.object_id == str(OBJECT_ID)
    assert alert.trigger.is_at_peak


@pytest.mark.parametrize("payload", [b"[]", b"{", b"{}"])
def test_what_is_no_packet_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedAlertError):
        read_json_packet(payload)


def test_simulated_packets_are_tests() -> None:
    assert is_test_topic("lsst-alerts-json-simulated")
    assert is_test_topic("lsst-alerts-simulated")
    assert not is_test_topic("lsst-alerts")


# --- Parts of packets ---------------------------------------------------------------------------
SOURCE = [
    *("diaSourceId", "midpointMjdTai", "ra", "raErr", "dec", "decErr"),
    *("psfFlux", "psfFluxErr", "band"),
]
CANDIDATE = [
    *("jd", "candid", "ra", "dec", "magpsf", "sigmapsf", "magzpsci", "magzpsciunc", "diffmaglim"),
    *("isdiffpos", "rb", "drb", "nbad", "fwhm", "elong", "magdiff", "fid"),
]
FORMER = {"candid": "sourceId", "magpsf": "mag", "sigmapsf": "magerr", "fid": "filter"}


def cut(record: dict[str, object], names: list[str]) -> dict[str, object]:
    return {name: value for name, value in record.items() if name in names}


def part_of_rubin(record: dict[str, object]) -> dict[str, object]:
    """What the module `lite` keeps of a packet of Rubin."""
    return {
        "alertId": record.get("alertId"),
        "diaSource": cut(record["diaSource"], SOURCE),
        "prvDiaSources": [cut(each, SOURCE) for each in record["prvDiaSources"] or []],
        "prvDiaForcedSources": record["prvDiaForcedSources"],
        "diaObject": record["diaObject"] and cut(record["diaObject"], ["diaObjectId"]),
        "ssObject": None,
    }


def part_of_ztf(record: dict[str, object]) -> dict[str, object]:
    """What the module `lite` keeps of a packet of ZTF."""
    return {
        "objectId": record["objectId"],
        "candid": record["candid"],
        "candidate": cut(record["candidate"], CANDIDATE),
        "prv_candidates": [cut(each, CANDIDATE) for each in record["prv_candidates"]],
    }


def former_part(record: dict[str, object]) -> dict[str, object]:
    """The same as its former version wrote it."""
    part = part_of_ztf(record)
    rows = [part["candidate"], *part["prv_candidates"]]
    own = [{FORMER.get(name, name): value for name, value in row.items()} for row in rows]
    ids = {"objectId": record["objectId"], "sourceId": record["candid"]}
    return {"alertIds": ids, "source": own[0], "prvSources": own[1:], "xmatch": {}}


def written(said: object) -> bytes:
    return json.dumps(as_json(said)).encode()


def same_detections(alert: ObjectAlert, own: ObjectAlert) -> bool:
    measured = (
        {(point.key, point.time, point.band, point.flux_njy, point.program) for point in each.points
         if point.kind is not PointKind.LIMIT}
        for each in (alert, own)
    )  # fmt: skip
    return next(measured) == next(measured)


def test_a_part_of_a_real_packet_has_the_survey_s_own_detections(real_data: Path) -> None:
    read = 0
    for path in sorted(real_data.glob("ztf/ZTF21abiuvdk/*.avro")):
        record = read_record(path.read_bytes())
        own = survey_of("ZTF").read(record)
        for said in (
            {"alert_lite": part_of_ztf(record), "xmatch": {}},
            part_of_ztf(record),
            former_part(record),
        ):
            (alert,) = read_parts(written(said)).alerts
            assert (alert.object_id, alert.is_retold) == (own.object_id, True)
            assert same_detections(alert, own)
            read += 1
    assert read == 3 * 34
    container = (real_data / "lsst/ampel-lsst/schema_701.avro").read_bytes()
    for record in map(read_record, split_records(container)):
        (alert,) = read_parts(written({"alert_lite": part_of_rubin(record)})).alerts
        assert same_detections(alert, survey_of("LSST").read(record))


def test_what_its_modules_say_stands_beside_the_part(real_data: Path) -> None:
    path = real_data / "lsst/ampel-lsst/schema_701.avro"
    part = part_of_rubin(read_record(next(split_records(path.read_bytes()))))
    said = {
        "alert_lite": {"alert_lite": part},
        "SuperNNova": {"prob_class0": 0.9, "prob_class1": 0.1, "predicted_class": 0},
        "upsilon": {
            "g_label": "RRL_ab", "g_probability": 0.7, "g_flag": 0,
            "r_label": "EB_ESD", "r_probability": 0.9, "r_flag": 1, "u_label": None,
        },
        "variability": {"n_detections_g_band": 30, "g_psfFluxStetsonJ": 20.5},
    }  # fmt: skip

    (opinion,) = read_parts(written(said)).opinions

    first, second = opinion.judgements
    assert (first.classifier, first.probabilities) == ("SuperNNova", {"SN Ia": 0.9, "not Ia": 0.1})
    assert first.classes == {"SN Ia": "supernova Ia"}
    assert (second.classifier, second.probabilities) == ("UPSILoN g", {"RRL_ab": 0.7})
    assert second.classes == {"RRL_ab": "rr lyrae"}
    assert opinion.tags == ("likely variable",)
    assert not read_parts(written(part)).opinions


def test_a_part_of_a_solar_system_source_is_kept_and_not_read(real_data: Path) -> None:
    path = real_data / "lsst/ampel-lsst/schema_701.avro"
    part = part_of_rubin(read_record(next(split_records(path.read_bytes()))))

    with pytest.raises(UnhandledAlertError, match="Solar System"):
        read_parts(written(part | {"diaObject": None}))


@pytest.mark.parametrize("payload", [b"[]", b"{}", b'{"alert_lite": {"candidate": 7}}', b"{"])
def test_what_is_no_part_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedAlertError):
        read_parts(payload)


@pytest.mark.parametrize("topic", ["ztf-lite", "ztf-tagged", "ztf-SuperNNova", "lsst-lite"])
def test_parts_are_known_by_their_topics(topic: str) -> None:
    assert identify(topic, b'{"alert_lite": {}}') == "pitt_google.part"
