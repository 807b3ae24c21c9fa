"""ELAsTiCC's alerts as they were streamed: on which zero point they are, and without a schema."""

import io
import json
import math
import statistics
from pathlib import Path
from typing import Any

import fastavro
import polars as pl
import pytest

from tests.streams.packets import make_container
from tom import intake
from tom.formats.errors import MalformedAlertError
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.records.alert import AB_ZERO_POINT_NJY
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.surveys.elasticc.streamed import SCHEMAS
from tom.targets.models import LightCurvePoint

TOPIC = "elasticc2-st1-wfd"


def streamed(early: bool = False, **values: Any) -> bytes:
    """An alert of two detections without its schema; g, 20000 nJy: 20.65 mag."""
    own = {"diaSourceId": 14001, "ccdVisitId": 3, "diaObjectId": 7, "parentDiaSourceId": None,
           "midPointTai": 60310.25, "filterName": "g", "ra": 10.0, "decl": -5.0, "snr": 200.0,
           "psFlux": 20000.0, "psFluxErr": 100.0, "nobs": None}  # fmt: skip
    host = {"diaObjectId": 7, "simVersion": "x", "ra": 10.0, "decl": -5.0, "hostgal_zspec": 0.1}
    record = {
        "alertId": 14001,
        "diaSource": own | values,
        "prvDiaSources": [own | {"diaSourceId": 14000, "midPointTai": 60309.25}],
        "diaObject": host,
    }
    file = io.BytesIO()
    fastavro.schemaless_writer(file, SCHEMAS[early].parsed, record)
    return file.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("early", [False, True])
def test_an_alert_without_its_schema_is_stored_in_njy(early: bool) -> None:
    store_message(TOPIC, streamed(early))
    store_message("elasticc-alerts", streamed(early))

    assert intake.work_alerts()

    assert {row.state for row in AlertMessage.objects.all()} == {MessageState.STORED}
    points = LightCurvePoint.objects.order_by("time").values_list("key", "flux", "band")
    assert list(points) == [("14000", 20000.0, "g"), ("14001", 20000.0, "g")]


@pytest.mark.parametrize("payload", [streamed()[:-1], streamed() + b"\0", streamed(diaObjectId=8)])
def test_bytes_that_fit_no_version_are_no_alert(payload: bytes) -> None:
    with pytest.raises(MalformedAlertError, match="fit neither schema"):
        forms()["elasticc.avro"].parse(payload)


def test_a_right_ascension_below_zero_is_one() -> None:
    assert forms()["elasticc.avro"].parse(streamed(ra=-0.25)).ra == 359.75


def test_topics_of_classes_are_not_those_of_alerts() -> None:
    assert identify(TOPIC, streamed()) == "elasticc.avro"
    assert identify("elasticc-classifications", streamed()) == "elasticc.classification"


def test_the_schema_is_the_published_one(real_data: Path) -> None:
    names: dict[str, Any] = {}
    for part in ("diaSource", "diaForcedSource", "diaObject", "alert"):
        path = real_data / "elasticc" / f"schema_elasticc.v0_9_1.{part}.avsc"
        published = fastavro.parse_schema(json.loads(path.read_text()), named_schemas=names)
    own: dict[str, Any] = {}
    ours = fastavro.parse_schema(SCHEMAS[0].parsed, named_schemas=own, _force=True)

    assert written(ours, own) == written(published, names)


def written(node: Any, names: dict[str, Any]) -> Any:
    """What a schema makes of bytes: its fields and types, without the names of its records."""
    match node:
        case str():
            return written(names[node], names) if node in names else node
        case list():
            return [written(part, names) for part in node]
        case {"fields": fields}:
            return [(field["name"], written(field["type"], names)) for field in fields]
        case {"items": items}:
            return ["array", written(items, names)]
    return written(node["type"], names)


def test_streamed_alerts_are_as_bright_as_they_were_simulated(real_data: Path) -> None:
    path = real_data / "elasticc" / "fink_2023-02-08" / "classId_111_part-0-0.parquet"
    named = SCHEMAS[1].parsed | {"name": "elasticc.v0_9.alert"}
    off = []
    for row in pl.read_parquet(path).iter_rows(named=True):
        packet = {key: row.get(key) for key in SCHEMAS[1].fields}
        alert = forms()["elasticc.avro"].parse(make_container(named, [packet]))
        for point in alert.points:
            days = 40587 + point.time.timestamp() / 86400 - row["PEAKMJD"]
            if abs(days) < 1.5 and point.signal_to_noise > 20:
                peak = row[f"PEAKMAG_{point.band.replace('y', 'Y')}"]
                off.append(AB_ZERO_POINT_NJY - 2.5 * math.log10(point.flux_njy) - peak)

    assert len(off) > 10
    assert statistics.median(off) == pytest.approx(0, abs=0.05)
