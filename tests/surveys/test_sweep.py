"""Every real packet goes through the intake: it is stored right, or dead for a true reason.

`EXPECTED` is the table: the first pattern that fits a file's name says what becomes of it.
"""

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import Any, Final

import fastavro
import pytest
from astropy import units as u
from astropy.time import Time

from tests.surveys.lsst.made import read_any_framed
from tom import intake
from tom.formats.archives import Rejection, open_packets
from tom.forms.networks import FILE_TOPIC
from tom.forms.registry import surveys
from tom.streams.models import AlertMessage
from tom.streams.services import Incoming, store_messages
from tom.targets.models import LightCurvePoint

FOLDERS: Final = ("ztf", "lsst", "elasticc", "other_surveys", "malformed")
EXPECTED: Final = (
    # ZTF
    ("ztf/skyportal/87704463155000.avro", "dead", "no usable objectId: it is missing"),
    ("ztf/*.avsc", "dead", "not a packet: a JSON or Avro schema"),
    ("ztf/*", "stored", ""),
    ("lsst/*/ztf_*", "stored", ""),
    # Rubin: the samples of 7.x have a time of Unix
    ("lsst/*v7_?.avro", "dead", "no usable detection: midpointMjdTai missing or unfit"),
    ("lsst/*7_4*fakeAlert.avro", "dead", "no usable detection: midpointMjdTai missing or unfit"),
    ("lsst/*rapid*", "dead", "not a packet: Confluent-framed Avro, schema id 100"),
    ("lsst/*7_4*.json", "dead", "no usable detection"),
    ("lsst/*.avsc", "dead", "not a packet: a JSON or Avro schema"),
    ("*.parquet", "dead", "not a packet: a Parquet table"),
    ("lsst/*", "stored", ""),
    # ELAsTiCC
    ("elasticc/*schemaless*", "dead", "not a packet: no known format"),
    ("elasticc/*.avsc", "dead", "not a packet: a JSON or Avro schema"),
    ("elasticc/*.tar.bz2!*.FITS.gz", "dead", "not a packet: gzip"),
    ("elasticc/*.tar.bz2!*misc.tar.gz", "dead", "not a packet: gzip"),
    ("elasticc/*.tar.bz2!*", "dead", "not a packet: "),
    ("elasticc/*", "stored", ""),
    ("other_surveys/*", "stored", ""),
    # Damaged ones
    ("malformed/[0-9]*.avro", "dead", "Avro container cut short"),
    ("malformed/*Hsiao*", "dead", "not a packet: a damaged Avro container: "),
    ("malformed/turbo*", "dead", "not a packet: a damaged Avro container: Avro schema refused"),
)


@pytest.fixture(scope="module")
def packets(real_data: Path) -> dict[str, bytes]:
    """Every payload of the folders, by the name of its file and of its place in it."""
    found = {}
    for folder in FOLDERS:
        for name, payload in open_packets(real_data / folder):
            assert not isinstance(payload, Rejection), name
            found[name.removeprefix(f"{real_data}/")] = payload
    return found


def batched(rows: Iterable[tuple[str, bytes]], n: int) -> Iterator[list[tuple[str, bytes]]]:
    left = iter(rows)
    while some := list(islice(left, n)):
        yield some


def expected(name: str) -> tuple[str, str]:
    return next(
        (state, reason) for pattern, state, reason in EXPECTED if fnmatchcase(name, pattern)
    )


@pytest.mark.django_db
def test_every_packet_is_stored_or_dead_for_its_reason(packets: dict[str, bytes]) -> None:
    for some in batched(packets.items(), 100):
        store_messages([Incoming(FILE_TOPIC, payload, name=name) for name, payload in some])
    while intake.work_alerts():
        pass
    for pk in AlertMessage.objects.filter(state="received").values_list("pk", flat=True):
        intake.work_message(pk)

    rows = {row.name: row for row in AlertMessage.objects.filter(is_repeat=False)}
    wrong = [
        (name, row.state, row.reason)
        for name, row in rows.items()
        if row.state != expected(name)[0] or not row.reason.startswith(expected(name)[1])
    ]
    assert not wrong, "\n".join(map(str, wrong))
    assert len(rows) > 400  # the same bytes stand in several files
    assert_points_are_physical()


def assert_points_are_physical() -> None:
    points = LightCurvePoint.objects.all()
    assert points.count() > 5000
    assert not points.filter(kind="limit", flux__isnull=False).exists()
    assert not points.exclude(kind="limit").filter(flux=None).exists()
    assert not points.filter(flux_error__lte=0).exists()
    assert not points.filter(time__lt=datetime(2012, 1, 1, tzinfo=UTC)).exists()
    assert not points.filter(time__gt=datetime(2027, 1, 1, tzinfo=UTC)).exists()
    for sign in ({"flux__gt": 0}, {"flux__lt": 0}):
        for survey in ("ZTF", "LSST"):
            assert points.filter(kind="alert", survey=survey, **sign).exists()


def test_every_survey_whose_packets_are_read_stands_in_the_table_of_sources() -> None:
    table = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()

    read = [survey.name for survey in surveys().values() if survey.forms]

    assert len(read) > 7
    assert [name for name in read if name not in table] == []


# --- The trigger of each, against the raw fields read by other code -------------------------------
def decoded(name: str, payload: bytes) -> Iterator[dict[str, Any]]:
    if payload.startswith(b"Obj\x01"):
        yield from fastavro.reader(io.BytesIO(payload))
    elif payload[0] == 0:
        yield read_any_framed(payload)


def ab(flux_njy: float) -> float:
    return float((abs(flux_njy) * u.nJy).to(u.ABmag).value)


@pytest.mark.django_db
def test_every_trigger_has_the_magnitude_sign_and_time_of_its_raw_fields(
    packets: dict[str, bytes],
) -> None:
    checked = {"ZTF": 0, "LSST": 0}
    for name, payload in packets.items():
        stored = expected(name)[0] == "stored" and not name.endswith(".json")
        for record in decoded(name, payload) if stored else ():
            survey = CHECKS.get(kind_of(record))
            if survey is not None:
                checked[kind_of(record)] += survey(payload, record)
    assert checked["ZTF"] > 240
    assert checked["LSST"] > 10


def kind_of(record: dict[str, Any]) -> str:
    if "candidate" in record and "magpsf" in record["candidate"] and "fid" in record["candidate"]:
        return "ZTF" if "objectId" in record else ""
    return "LSST" if "psfFlux" in record.get("diaSource", ()) else ""


def check_ztf(payload: bytes, record: dict[str, Any]) -> bool:
    from tom.surveys.ztf.packets import parse_ztf

    alert, raw = parse_ztf(payload), record["candidate"]
    assert alert.alert_id == str(raw.get("candid") or record["candid"])
    assert ab(alert.trigger.flux_njy) == pytest.approx(raw["magpsf"], abs=1e-6)
    assert alert.is_positive is (str(raw["isdiffpos"]).lower() in ("t", "1", "true"))
    assert alert.trigger.band == {1: "g", 2: "r", 3: "i"}[raw["fid"]]
    begun = Time(raw["jd"], format="jd", scale="utc").to_datetime(timezone=UTC)
    assert abs(alert.time - begun - timedelta(seconds=(raw.get("exptime") or 30) / 2)) < SOON
    limits = [row for row in record["prv_candidates"] or () if row["candid"] is None]
    usable = {row["pid"] for row in limits if 0 < row["diffmaglim"] < 40 and row["jd"] <= raw["jd"]}
    assert sum(point.kind == "limit" for point in alert.points) == len(usable)
    return True


def check_lsst(payload: bytes, record: dict[str, Any]) -> bool:
    from tom.surveys.lsst.packets import parse_container, parse_framed

    alert = (parse_framed if payload[0] == 0 else parse_container)(payload)
    raw = record["diaSource"]
    assert alert.alert_id == str(raw["diaSourceId"])
    assert ab(alert.trigger.flux_njy) == pytest.approx(ab(raw["psfFlux"]))
    assert alert.is_positive is (raw["psfFlux"] > 0)
    middle = Time(raw["midpointMjdTai"], format="mjd", scale="tai").utc.to_datetime(timezone=UTC)
    assert abs(alert.time - middle) < SOON
    return True


SOON: Final = timedelta(milliseconds=2)
CHECKS: Final = {"ZTF": check_ztf, "LSST": check_lsst}
