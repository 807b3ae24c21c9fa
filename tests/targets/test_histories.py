"""What is stored of a history is not read again, and the rows are those of reading all of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import make_observer
from tests.streams.packets import (
    CANDID,
    JD,
    make_detection,
    make_forced,
    make_limit,
    make_ztf_packet,
)
from tom import intake
from tom.joining.services import join_targets, split_object, undo
from tom.streams.claims import replay_messages
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import Incoming, store_messages
from tom.surveys.ztf.packets import open_ztf, parse_ztf
from tom.targets.histories import StoredHistory, find_stored
from tom.targets.joins import TargetJoin
from tom.targets.models import LightCurvePoint
from tom.targets.objects import SurveyObject

pytestmark = pytest.mark.django_db

ONE, TWO = "ZTF26aaaaaaa", "ZTF26aaaaaab"
DAYS = (-6.0, -4.0, -3.0, -2.0, -1.0, 0.45, 0.6)


@dataclass(frozen=True)
class Rolled:
    """One packet of an object, as drawn."""

    name: str
    day: int
    payload: bytes


@st.composite
def packets(draw: st.DrawFn) -> Rolled:
    """A packet whose epochs are few, so that packets share them, and tell them in two ways."""
    name, day = draw(st.sampled_from([ONE, TWO])), draw(st.integers(0, 3))
    which = st.lists(st.sampled_from(DAYS), max_size=5)
    told = st.sampled_from([19.0, 19.5])

    def candid(days: float) -> int:
        return CANDID + round(days * 1e6)

    history = [
        make_detection(
            days, candid=candid(days), magpsf=draw(told), rb=draw(st.sampled_from([0.2, 0.8]))
        )
        for days in draw(which)
    ]
    history += [make_limit(days, diffmaglim=draw(told)) for days in draw(which)]
    forced = [make_forced(days, forcediffimflux=10 * draw(told)) for days in draw(which)]
    values: dict[str, Any] = {
        "jd": JD + DAYS[day],
        "candid": candid(DAYS[day]),
        "magpsf": draw(told),
        "ra": 150.1 if name == ONE else 150.2,
    }
    return Rolled(
        name, day, make_ztf_packet(object_id=name, history=history, forced=forced, **values)
    )


steps = st.lists(
    st.lists(packets(), min_size=1, max_size=3) | st.sampled_from(["join", "undo", "split"]),
    min_size=2,
    max_size=6,
)


@contextmanager
def taken_back() -> Iterator[None]:
    """Leave nothing of the block in the database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def keep(*payloads: bytes) -> list[int]:
    """Keep packets and work on them as one batch; return their rows."""
    ids = store_messages([Incoming("ztf_tests_programid1", each) for each in payloads]).all_ids
    while intake.work_alerts():
        pass
    return ids


def change(kind: str, user: Any) -> None:
    """Join the two objects' targets, or split or undo what stands, where it can be."""
    rows = {row.object_id: row for row in SurveyObject.objects.select_related("target")}
    standing = TargetJoin.objects.filter(undone=None).first()
    if kind == "undo" and standing is not None:
        undo(standing, by=user)
    elif len(rows) == 2 and kind == "join" and rows[ONE].target_id != rows[TWO].target_id:
        join_targets(rows[ONE].target, rows[TWO].target, by=user)
    elif len(rows) == 2 and kind == "split" and rows[ONE].target_id == rows[TWO].target_id:
        split_object(rows[TWO], by=user)


def rows_after(told: list[Any], *, remembering: bool) -> list[Any]:
    """The rows that are left; without remembering, each packet is read whole and alone."""
    user = make_observer("joiner")
    for step in told:
        if isinstance(step, str):
            change(step, user)
        elif remembering:
            keep(*(packet.payload for packet in step))
        else:
            for packet in step:
                StoredHistory.objects.all().delete()
                keep(packet.payload)
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        points = cursor.fetchall()
        cursor.execute(MIRRORED)
        return [points, cursor.fetchall()]


# A target is known by the objects that are in it: its key differs from run to run.
TARGETS = """
    WITH t AS (SELECT target_id, array_agg(object_id ORDER BY object_id) AS objects
        FROM targets_surveyobject GROUP BY target_id)
"""
ROWS = f"""
    {TARGETS} SELECT t.objects, p.kind, p.key, p.time, p.band, p.flux, p.flux_error, p.real_bogus,
        p.is_trigger, s.n_detections, s.n_limits, s.first_seen, s.last_magnitude
    FROM targets_lightcurvepoint p JOIN t USING (target_id)
    JOIN targets_targetsummary s USING (target_id) ORDER BY 1, 2, 3
"""  # noqa: S608  of our own text alone
MIRRORED = f"""
    {TARGETS} SELECT t.objects, source_location, timestamp, brightness, "limit"
    FROM tom_dataproducts_photometryreduceddatum JOIN t USING (target_id) ORDER BY 1, 2
"""  # noqa: S608  as above


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=steps)
def test_any_packets_in_any_order_leave_the_rows_of_reading_each_whole(told: list[Any]) -> None:
    with taken_back():
        wanted = rows_after(told, remembering=False)
    with taken_back():
        found = rows_after(told, remembering=True)

    assert found == wanted


def test_a_packet_whose_history_is_stored_is_read_without_it() -> None:
    history = [make_detection(-2.0), make_limit(-3.0)]
    first = make_ztf_packet(history=history, forced=[make_forced()])
    keep(first)
    known = find_stored([("ZTF", ONE)])["ZTF", ONE]
    second = make_ztf_packet(
        history=[*history, make_detection(-1.0)], forced=[make_forced()], candid=5, jd=JD + 1
    )

    alert = open_ztf(second).read(known)

    assert len(parse_ztf(second).points) == 5
    assert [point.key for point in alert.points] == [make_key(-1.0), "5"]


def make_key(days: float) -> str:
    return str(make_detection(days)["candid"])


def test_an_epoch_that_is_too_late_for_one_alert_is_kept_by_the_next() -> None:
    late = make_detection(0.7)
    keep(make_ztf_packet(history=[late]))
    assert not LightCurvePoint.objects.filter(key=str(late["candid"])).exists()

    keep(make_ztf_packet(history=[late], candid=5, jd=JD + 1))

    assert LightCurvePoint.objects.filter(key=str(late["candid"])).exists()


def test_a_replay_reads_the_whole_history() -> None:
    (pk,) = keep(make_ztf_packet(history=[make_detection(-2.0)]))
    LightCurvePoint.objects.all().delete()

    replay_messages([pk])
    intake.work_alerts()

    assert AlertMessage.objects.get(pk=pk).state == MessageState.STORED
    assert LightCurvePoint.objects.count() == 2


def test_what_a_refused_packet_told_is_not_taken_for_stored() -> None:
    # Its trigger is of the future: it is dead, and its history is not stored.
    future = make_ztf_packet(history=[make_detection(-2.0)], jd=JD + 20_000)
    other = make_ztf_packet(history=[make_detection(-2.0)])

    keep(future, other)

    assert AlertMessage.objects.filter(state=MessageState.DEAD).count() == 1
    assert LightCurvePoint.objects.filter(key=make_key(-2.0)).exists()


def test_an_object_that_is_split_off_gets_its_history_again_from_its_next_packet() -> None:
    shared, user = make_detection(-2.0), make_observer("joiner")
    keep(make_ztf_packet(object_id=ONE, history=[shared]))
    keep(make_ztf_packet(object_id=TWO, history=[shared], candid=5, ra=150.2))
    change("join", user)
    change("split", user)

    keep(make_ztf_packet(object_id=TWO, history=[shared], candid=6, jd=JD + 1, ra=150.2))

    target = SurveyObject.objects.get(object_id=TWO).target
    assert target.points.filter(key=str(shared["candid"])).exists()
