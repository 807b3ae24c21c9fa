"""Only the points of changed targets are read again, and a ranking rests on the same numbers."""

import re
from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import MERGER, make_event, make_group, make_program, make_target
from tests.ranking.test_curves import again
from tom.candidates.services import match_event, match_targets
from tom.events.models import NonLocalizedEvent
from tom.ranking import reread
from tom.ranking.reread import Versions, read_anew
from tom.ranking.services import newest_ranking, rank_event, unlike
from tom.ranking.weighing import FloatArray, IntArray
from tom.targets.audiences import ensure_audiences
from tom.targets.models import LightCurvePoint, Program
from tom.targets.summary import refresh_audiences

NAMES = ("a", "b", "c")


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    reread.forget()
    yield
    reread.forget()


@pytest.fixture
def event(db: None) -> NonLocalizedEvent:
    made = make_event()
    for name in NAMES:
        make_target(name)
    match_event(made)
    assert rank_event(made) is not None
    return made


def point_of(name: str) -> LightCurvePoint:
    return LightCurvePoint.objects.filter(target__name=name, kind="alert").earliest("time")


def read_by_ranking(event: NonLocalizedEvent) -> list[set[int]]:
    """Rank; return the targets of each query of points, and check that the replay is the same."""
    with CaptureQueriesContext(connection) as queries:
        rank_event(event)
    newest = newest_ranking(event)
    assert newest is not None
    assert unlike(newest) == 0
    asked = [q["sql"] for q in queries if q["sql"].startswith("COPY (SELECT")]
    return [
        {int(pk) for pk in found[1].split(",")}
        for sql in asked
        if "targets_lightcurvepoint" in sql and (found := re.search(r"'\{([\d,]+)\}'", sql))
    ]


def test_the_points_of_a_changed_target_alone_are_read(event: NonLocalizedEvent) -> None:
    point = point_of("b")
    again(point, key="later", time=MERGER + timedelta(days=3), flux=2 * point.flux)

    assert read_by_ranking(event) == [{point.target_id}, {point.target_id}]
    assert read_by_ranking(event) == []


def test_a_target_that_becomes_a_candidate_is_read(event: NonLocalizedEvent) -> None:
    made = make_target("d")
    match_targets([made.pk])

    assert read_by_ranking(event) == [{made.pk}, {made.pk}]


def test_another_time_of_the_event_has_all_points_read(event: NonLocalizedEvent) -> None:
    event.time = MERGER + timedelta(minutes=1)
    event.save()

    assert {len(targets) for targets in read_by_ranking(event)} == {len(NAMES)}


def test_a_program_that_becomes_public_has_all_points_read(event: NonLocalizedEvent) -> None:
    program = make_program(2, group=make_group())
    rank_event(event)
    Program.objects.filter(pk=program.pk).update(public=True)

    assert {len(targets) for targets in read_by_ranking(event)} == {len(NAMES)}


def test_a_private_point_is_read_for_its_readers_alone(event: NonLocalizedEvent) -> None:
    point, private = point_of("a"), make_program(2, group=make_group())
    rank_event(event)

    def add(key: str, hours: int) -> None:
        new = {f.attname: getattr(point, f.attname) for f in point._meta.fields}
        for generated in ("id", "stored", "xact"):
            new.pop(generated)
        about = {"key": key, "time": MERGER + timedelta(hours=hours), "program_id": private.pk}
        LightCurvePoint.objects.create(**new | about)
        refresh_audiences(row.pk for row in ensure_audiences([point.target_id]))
        match_targets([point.target_id])

    add("private", 2)
    first = read_by_ranking(event)
    add("private too", 5)

    assert first[-1] == {point.target_id}
    assert read_by_ranking(event) == [{point.target_id}] * 2
    assert read_by_ranking(event) == []


def rows_of(targets: IntArray) -> FloatArray:
    """Two rows of each target, in no order of the targets."""
    shuffled = targets[::-1]
    rows = [(pk, 10 * pk + at) for pk in shuffled.tolist() for at in range(2)]
    return np.array(rows, float).reshape(-1, 2)


def test_rows_come_by_target_whichever_were_kept() -> None:
    asked: list[list[int]] = []

    def read(targets: IntArray) -> FloatArray:
        asked.append(sorted(targets.tolist()))
        return rows_of(targets)

    def rows(versions: dict[int, int], *targets: int) -> FloatArray:
        return read_anew(Versions((), {(): versions}), ("x",), (), np.array(targets, int), read)

    rows({3: 1, 1: 1, 2: 1}, 3, 1, 2)
    found = rows({3: 1, 1: 2, 2: 1, 4: 1}, 4, 3, 1)
    rows({3: 1, 4: 1}, 3, 4, 5)  # no version is known of the last one
    last = rows({3: 1, 4: 1}, 5, 4, 3)

    assert asked == [[1, 2, 3], [1, 4], [5], [5]]
    assert found.tolist() == [[1, 10], [1, 11], [3, 30], [3, 31], [4, 40], [4, 41]]
    assert last[:, 0].tolist() == [3, 3, 4, 4, 5, 5]


def test_the_lists_that_waited_longest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reread, "MOST", 10)
    targets = np.array([1, 2])
    versions = Versions((), {(): {1: 1, 2: 1}})
    for about in ("one", "two", "one", "three"):
        read_anew(versions, (about,), (), targets, rows_of)

    assert [key[1] for key in reread._kept] == [("three",)]
