"""Pitt-Google's packets in JSON, and rows of its tables.

A row is stored with the sign and the id of its flux, and refused without.
"""

import base64
import json
import math
from datetime import datetime
from pathlib import Path

import pytest

from tom.brokers.pitt_google import read_json_packet, read_rows
from tom.formats.containers import MAGIC, read_record, split_records
from tom.formats.errors import MalformedAlertError
from tom.forms.recognition import identify
from tom.forms.registry import survey_of
from tom.forms.topics import is_test_topic


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


@pytest.mark.parametrize("payload", [b"[]", b"{", b"{}"])
def test_what_is_no_packet_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedAlertError):
        read_json_packet(payload)


def test_simulated_packets_are_tests() -> None:
    assert is_test_topic("lsst-alerts-json-simulated")
    assert is_test_topic("lsst-alerts-simulated")
    assert not is_test_topic("lsst-alerts")
