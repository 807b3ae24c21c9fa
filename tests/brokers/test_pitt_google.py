"""Rows of Pitt-Google's tables: stored with the sign and the id of each flux, refused without."""

import json
from pathlib import Path

import pytest

from tom.brokers.pitt_google import read_rows
from tom.formats.errors import MalformedAlertError


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
