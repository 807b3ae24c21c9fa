"""LVK's own schemas as an oracle: what they allow is read, and what we take for an alert is one."""

import json
import math
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.factories import make_skymap
from tests.streams.packets import make_gwalert_avro, make_gwalert_json
from tom.formats.containers import read_record
from tom.missions.lvk import read_avro_notice, read_json_notice
from tom.missions.lvk.alert import parse_gwalert_json
from tom.records.notice import NoticeType
from tom.sky import write_skymap

PACKAGE = files("igwn_gwalert_schema")
SCHEMA = json.loads((PACKAGE / "igwn.alerts.Alert.schema.json").read_bytes())
AVRO = fastavro.parse_schema(json.loads((PACKAGE / "igwn.alerts.Alert.avsc").read_bytes()))
VALIDATOR = Draft202012Validator(SCHEMA)
# What real alerts of test pipelines lack, though the schema wants it.
LACKS = {"S2376-1-preliminary.json": "superevent_id", "S2468-1-initial.json": "time_difference"}
MASSES = {"bin_edges": [0.1, 1.0, 10.0], "probabilities": [0.25, 0.75]}
EVENT = {
    "time": "2026-01-01T05:00:00.5Z",
    "far": 1e-9,
    "significant": True,
    "instruments": ["H1", "L1"],
    "group": "CBC",
    "pipeline": "gstlal",
    "search": "AllSky",
    "classification": {"BNS": 0.9},
    "properties": {"HasNS": 1.0, "HasSSM": 0.5},
    "mchirp_source": MASSES,
    "duration": None,
    "central_frequency": None,
}
COINCIDENCE = {
    "gcn_notice_id": "S7",
    "ivorn": "ivo://a/b#1",
    "observatory": "Fermi",
    "search": "GRB",
    "time_difference": 2.0,
    "time_coincidence_far": None,
    "time_sky_position_coincidence_far": 1e-12,
    "combined_skymap": None,
}


def make_alert(**values: Any) -> dict[str, Any]:
    return {
        "alert_type": "UPDATE",
        "time_created": "2026-01-01T05:05:00Z",
        "superevent_id": "S260101ab",
        "urls": {"gracedb": "https://gracedb.ligo.org/superevents/S260101ab/view/"},
        "event": EVENT | {"skymap": None},
        "external_coinc": COINCIDENCE,
        **values,
    }


def faults(alert: Any) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(alert)]


def test_an_alert_of_every_key_is_valid_and_all_of_it_is_read() -> None:
    alert = make_alert()
    assert faults(alert) == []

    read = parse_gwalert_json(json.dumps(alert).encode())

    assert read.left_out == ()
    said = read.model_dump(mode="json", exclude={"left_out"})
    wanted = SCHEMA["properties"].keys()
    assert wanted <= said.keys()
    event = next(each for each in SCHEMA["properties"]["event"]["oneOf"] if "properties" in each)
    assert event["properties"].keys() <= said["event"].keys()
    assert read.event is not None
    assert read.event.mchirp_source is not None
    assert read.event.mchirp_source.model_dump(mode="json") == MASSES


@pytest.mark.parametrize("made", [make_gwalert_json(), make_gwalert_json(alert_type="RETRACTION")])
def test_the_alerts_of_our_own_tests_are_such_as_the_schema_allows(made: bytes) -> None:
    alert = json.loads(made)
    alert.setdefault("external_coinc", None)
    keys = {"$.superevent_id", "$.event", "$.time_created", "$.alert_type"}

    assert not keys.intersection(faults(alert))


def test_avro_by_the_schema_s_own_form_is_read() -> None:
    fits = write_skymap(make_skymap())
    alert = make_alert(event=EVENT | {"skymap": fits})
    file = BytesIO()
    fastavro.writer(file, AVRO, [alert])

    notice = read_avro_notice(file.getvalue())

    assert notice.type is NoticeType.UPDATE
    assert [each.fits for each in notice.maps] == [fits]
    assert notice.left_out == ()
    assert read_record(make_gwalert_avro()).keys() <= {each["name"] for each in AVRO["fields"]}


@pytest.mark.parametrize(
    ("masses", "reason"),
    [
        ({"bin_edges": [1.0, 2.0], "probabilities": [0.5, 0.5]}, "as many bins as chances"),
        ({"bin_edges": [2.0, 1.0], "probabilities": [1.0]}, "do not rise"),
        ({"bin_edges": [1.0, math.inf], "probabilities": [1.0]}, "not finite"),
        ({"bin_edges": [1.0, 2.0], "probabilities": [7.0]}, "more than"),
        ("heavy", "mchirp_source"),
    ],
)
def test_masses_that_cannot_be_are_left_out_with_the_reason(masses: Any, reason: str) -> None:
    alert = make_alert(event=EVENT | {"mchirp_source": masses})

    notice = read_json_notice(json.dumps(alert).encode())

    assert any(reason in each for each in notice.left_out)
    assert notice.far == 1e-9


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
known = SCHEMA["properties"].keys() | {"alert_tense", "left_out"}
parts = st.sampled_from(["", "event", "external_coinc"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(min_size=1, max_size=12), anything, parts)
def test_a_key_that_a_later_schema_adds_never_fails(key: str, value: Any, part: str) -> None:
    alert = make_alert()
    place = alert[part] if part else alert
    if key not in place and key not in known and key not in ("skymap", "skymap_filename"):
        place = {**place, key: value}
    alert = {**alert, part: place} if part else place

    notice = read_json_notice(json.dumps(alert).encode())

    assert (notice.far, notice.left_out) == (1e-9, ())


def test_every_real_alert_is_valid_but_for_what_test_pipelines_leave_out(real_data: Path) -> None:
    paths = sorted((real_data / "gw/lvk").glob("*.json"))
    assert len(paths) > 8
    for path in paths:
        alert = json.loads(path.read_bytes())
        missing = LACKS.get(path.name, "")
        found = faults(alert)
        assert all(
            missing and each.startswith(("$.superevent_id", "$.external_coinc")) for each in found
        ), path.name
        assert read_json_notice(path.read_bytes()).type.value == alert["alert_type"]


def test_every_real_avro_alert_is_valid(real_data: Path) -> None:
    paths = sorted((real_data / "gw/lvk").glob("*.avro"))
    assert paths
    for path in paths:
        with path.open("rb") as file:
            for record in fastavro.reader(file):
                for alert in record if isinstance(record, list) else [record]:
                    fastavro.validate(alert, AVRO)
        assert read_avro_notice(path.read_bytes()).names == ("MS181101ab",)
