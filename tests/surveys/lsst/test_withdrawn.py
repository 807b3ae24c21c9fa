"""What Rubin withdraws later leaves the light curve, and is kept for what was known before."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from tom_dataproducts.models import PhotometryReducedDatum

from tests.factories import make_group, make_observer, make_program
from tests.fuzz.huge import take_apart
from tests.surveys.lsst.made import MJD, SOURCE_ID, make_forced, make_framed, make_source
from tom import intake
from tom.formats.archives import open_packets
from tom.formats.framed import schema_id
from tom.forms.registry import forms
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.surveys.lsst.schemas import published
from tom.targets.models import LightCurvePoint, ReplacedPoint, TargetSummary, WithdrawnPoint

pytestmark = pytest.mark.django_db
FIRST = make_source(diaSourceId=5, midpointMjdTai=MJD - 3)
NAMES = {"prvDiaSources": "diaSourceId", "prvDiaForcedSources": "diaForcedSourceId"}
GONE = {"timeWithdrawnMjdTai": MJD - 1}


def take(payload: bytes) -> AlertMessage:
    message, _ = store_message("lsst-alerts-v11", payload)
    intake.work_alerts()
    message.refresh_from_db()
    return message


def keys() -> set[tuple[str, str]]:
    return set(LightCurvePoint.objects.values_list("kind", "key"))


@pytest.fixture
def before() -> bytes:
    """A packet whose history holds what is withdrawn later."""
    return make_framed(
        diaSourceId=6,
        midpointMjdTai=MJD - 2,
        history=[FIRST],
        forced=[make_forced(midpointMjdTai=MJD - 2.5)],
    )


@pytest.fixture
def after() -> bytes:
    return make_framed(
        history=[FIRST | GONE, make_source(diaSourceId=6, midpointMjdTai=MJD - 2)],
        forced=[make_forced(midpointMjdTai=MJD - 2.5, **GONE)],
    )


def test_a_withdrawn_point_leaves_the_light_curve_and_the_summary(
    before: bytes, after: bytes
) -> None:
    take(before)
    stood = TargetSummary.objects.get()
    message = take(after)

    assert keys() == {("alert", "6"), ("alert", str(SOURCE_ID))}
    now = TargetSummary.objects.get()
    assert (stood.n_detections, now.n_detections) == (2, 2)
    assert now.first_detection > stood.first_detection
    assert (message.state, message.reason) == (
        MessageState.STORED,
        "stored, but left out: points that the survey withdrew (2)",
    )
    mirrored = PhotometryReducedDatum.objects.values_list("source_location", flat=True)
    assert set(mirrored) == {"alert:6", f"alert:{SOURCE_ID}"}


def test_it_is_kept_as_it_was_known_before(before: bytes, after: bytes) -> None:
    take(before)
    stored = dict(LightCurvePoint.objects.values_list("key", "stored"))
    take(after)

    kept = {row.key: row for row in ReplacedPoint.objects.all()}
    assert set(kept) == {"5", "7"}
    assert kept["5"].flux == 1e4
    assert all(kept[key].stored == stored[key] for key in kept)
    assert all(row.replaced > row.stored for row in kept.values())


def test_neither_an_older_packet_nor_a_replay_brings_it_back(before: bytes, after: bytes) -> None:
    take(after)
    take(before)

    assert keys() == {("alert", "6"), ("alert", str(SOURCE_ID))}
    assert WithdrawnPoint.objects.count() == 2


def test_the_table_of_points_tells_of_it_to_those_who_could_see_it(
    before: bytes, after: bytes
) -> None:
    take(before)
    target, client = TargetSummary.objects.get().target_id, Client()
    client.force_login(make_observer())
    assert "withdrawn" not in client.get(f"/targets/{target}/points/").text

    take(after)
    told = " ".join(client.get(f"/targets/{target}/points/").text.split())
    assert "2 points withdrawn by the survey" in told
    assert "10,000" in told.partition("withdrawn by the survey")[2]

    private = make_program(77, group=make_group())
    ReplacedPoint.objects.filter(key="5").update(program=private)
    WithdrawnPoint.objects.filter(key="5").update(program=private)
    told = " ".join(client.get(f"/targets/{target}/points/").text.split())
    assert "1 point withdrawn by the survey" in told


def test_of_a_real_packet_all_but_the_withdrawn_points_are_read(real_data: Path) -> None:
    read = forms()["lsst.framed"].parse
    assert read is not None
    n_tried = 0
    for payload in _framed(real_data / "lsst"):
        taken = take_apart(payload)
        assert taken is not None
        tree, write = taken
        for name, field in NAMES.items():
            rows = tree[name] or []
            if not rows or "timeWithdrawnMjdTai" not in rows[0]:
                continue
            whole, key = read(payload), str(rows[0][field])
            less = read(write(tree | {name: [rows[0] | GONE, *rows[1:]]}))

            assert (whole.withdrawn, [gone for _, gone in less.withdrawn]) == ((), [key])
            gone = {point.key for point in whole.points} - {point.key for point in less.points}
            assert gone <= {key}
            n_tried += bool(gone)
    assert n_tried > 0


def _framed(folder: Path) -> Iterator[bytes]:
    for _, payload in open_packets(folder):
        if isinstance(payload, bytes) and schema_id(payload) in published():
            yield payload
