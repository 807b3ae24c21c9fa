"""Every real file of brokers is stored right, or refused with a true reason."""

from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tom.formats.archives import open_packets
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.intake_reading import as_retelling

NO_PLACE = "no usable position: ra and dec are missing, out of range, or 0"
NO_DATE = "no usable detection: none has a time, a band, a flux and an error"
APART = "its source lies 572933 arcsec from its object"
# Pattern of the path, the form, how many messages, and what becomes of each: the numbers of alerts,
# of points, of opinions and of tags over the whole file, or the reason why none is stored.
EXPECTED = (
    ("brokers/fink-client/ZTF19*.avro", "ztf.avro", 1, None),
    ("brokers/fink-client/avro_multi_alerts.avro", "fink.alert", 11, (11, 214, 7, 0)),
    ("brokers/fink-client/avro_multi_alerts_other.avro", "ztf.avro", 3, None),
    ("brokers/fink-client/fink-broker-sample-alert-1.avro", "fink.alert", 1, (1, 24, 1, 0)),
    ("brokers/fink-client/fink-broker-sample-alert-2.avro", "fink.alert", 1, (1, 10, 1, 0)),
    ("brokers/fink-client/fink-broker-sample-alert-[34].avro", "fink.alert", 1, (1, 12, 1, 0)),
    ("brokers/fink-client/part-00001-*.avro", "fink.alert", 54, (54, 1073, 53, 0)),
    ("brokers/fink-client/part-00002-*.avro", "fink.alert", 56, (56, 1107, 55, 0)),
    ("brokers/fink-client/part-3-305711.avro", "fink.alert", 31, (31, 1376, 31, 0)),
    ("brokers/fink-client/part-2-918301.avro", "fink.alert", 7, (7, 4061, 7, 0)),
    ("brokers/lasair-lsst/tests_integration*.json", "lasair.output", None, NO_DATE),
    ("brokers/lasair-lsst/*schema10.0*.json", "lasair.output", 1, APART),
    ("brokers/lasair-lsst/*schema9.0*.json", "lasair.output", 1, APART),
    ("brokers/lasair-lsst/*schema7.0_*.json", "lasair.output", 1, NO_DATE),
    ("brokers/lasair-lsst/*schema7.4.A*.json", "lasair.output", 1, (1, 2, 0, 0)),
    ("brokers/lasair-lsst/*dp02_1998903343203755338.json", "lasair.output", 1, (1, 1, 0, 0)),
    (
        "brokers/lasair-lsst/*simple_alert.json",
        "lasair.output",
        1,
        "no usable object: diaObjectId and objectId are missing, or no ids",
    ),
    (
        "brokers/lasair-lsst/*313637921267122191_object.json",
        "lasair.output",
        1,
        "an object without a light curve or a class: its filter sends neither",
    ),
    ("brokers/lasair-lsst/*example_ingested_ss.json", "lasair.output", 5, (5, 41, 0, 0)),
    (
        "brokers/lasair-lsst/utility_features_sampleAlerts_*67.json",
        "lasair.output",
        1,
        (1, 13, 0, 0),
    ),
    (
        "brokers/lasair-lsst/utility_features_sampleAlerts_*87.json",
        "lasair.output",
        1,
        (1, 15, 0, 0),
    ),
    ("brokers/lasair-lsst/utility_features_sampleAlerts_*.json", "lasair.output", 1, (1, 16, 0, 0)),
    ("brokers/lasair-lsst/utility_features_*.json", "lasair.output", 1, NO_PLACE),
    ("brokers/recorded/ampel_report.avro", "ampel.report", 1, (1, 14, 1, 0)),
    ("brokers/recorded/antares_lsst_locus.json", "antares.answer", 1, (1, 3, 0, 0)),
    ("brokers/recorded/babamul_alert.avro", "babamul.alert", 1, (1, 231, 0, 1)),
    (
        "brokers/recorded/pittgoogle_rows.json",
        "pitt_google.rows",
        1,
        "its rows lack isdiffpos and candid: the sign or the id of no flux is known",
    ),
    ("lsst/boom/ztf_*.avro", "ztf.avro", 1, None),
    ("lsst/boom/*", None, 1, None),  # of surveys that others read
    ("brokers/recorded/*.yaml", "unknown", 1, None),  # answers to look-ups, in their own tests
    ("brokers/*.parquet", "unknown", 1, None),
    ("labels/*", "unknown", 1, None),
    ("brokers/*schema*", "unknown", 1, None),
)


def files_of(data: Path) -> list[Path]:
    folders = ("brokers", "lsst/boom", "labels")
    return [file for name in folders for file in sorted((data / name).rglob("*")) if file.is_file()]


def test_every_real_file_of_a_broker_has_its_row(real_data: Path) -> None:
    paths = [str(file.relative_to(real_data)) for file in files_of(real_data)]

    assert [p for p in paths if not any(fnmatch(p, row[0]) for row in EXPECTED)] == []
    assert len(paths) > 100


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row[0].rpartition("/")[2])
def test_a_real_file_is_stored_or_refused_as_its_row_says(row, real_data: Path) -> None:
    pattern, form, n_messages, outcome = row
    earlier = [each[0] for each in EXPECTED[: EXPECTED.index(row)]]
    files = [
        file
        for file in files_of(real_data)
        if fnmatch(path := str(file.relative_to(real_data)), pattern)
        and not any(fnmatch(path, other) for other in earlier)
    ]
    assert files
    for file in files:
        packets = [payload for _, payload in open_packets(file)]
        assert all(isinstance(payload, bytes) for payload in packets)
        assert n_messages is None or len(packets) == n_messages, file
        if form is not None:
            assert {identify(FILE_TOPIC, payload) for payload in packets} == {form}, file
        if isinstance(outcome, str):
            assert {reason_of(form, payload) for payload in packets} == {outcome}, file
        elif outcome is not None:
            counted = count(form, packets)
            assert counted[: len(outcome)] == outcome, file


def reason_of(form: str, payload: bytes) -> str:
    parse = forms()[form].parse
    assert parse is not None
    with pytest.raises((MalformedAlertError, UnhandledAlertError)) as error:
        parse(payload)
    return str(error.value)


def count(form: str, payloads: list[bytes]) -> tuple[int, int, int, int]:
    parse = forms()[form].parse
    assert parse is not None
    found: Counter[str] = Counter()
    for payload in payloads:
        told = as_retelling(parse(payload))
        assert told is not None
        found["alerts"] += len(told.alerts)
        found["points"] += sum(len(alert.points) for alert in told.alerts)
        found["opinions"] += sum(bool(said.judgements) for said in told.opinions)
        found["tags"] += sum(len(said.tags) for said in told.opinions)
    return found["alerts"], found["points"], found["opinions"], found["tags"]
