"""Looks beside a member: its neighbours tell that its part of the sky was looked at again."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.factories import make_event, make_target
from tests.ranking.test_curves import again
from tests.ranking.test_kinds import seen_once
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking.beside import NOT_COVERED, NOT_COVERED_AGAIN, looks_beside
from tom.ranking.models import RankedCandidate
from tom.ranking.services import newest_ranking, rank_event, unlike
from tom.ranking.visits import Visits
from tom.targets.models import LightCurvePoint

NAN = np.nan
SEEN, DARK = 19.5, NAN
# Of three exposures of one field, on one quadrant of the camera.
ZTF_KEYS = ("1642404680815015001", "1642904680815015001", "1643904680815015001")


def visits(*points: tuple[int, float, float, float], field: tuple[int, ...] = ()) -> Visits:
    """Points in one band: the member, days, magnitude (NaN: nothing seen), limit."""
    row, days, magnitude, limit = (np.array(column) for column in zip(*points, strict=True))
    error = np.where(np.isnan(magnitude), NAN, 0.05)
    of = np.array(field or [-1] * len(row))
    return Visits(row, np.zeros(len(row), int), days, magnitude, error, limit, of)


# A member that is seen once, and two that are seen again after a day; the newest look is later.
ONCE = ((0, 0.5, SEEN, 21.0),)
TWICE = ((1, 0.5, SEEN, 21.0), (1, 1.5, SEEN, 20.5), (1, 3.5, DARK, 20.0))
THRICE = ((2, 0.5, SEEN, 21.0), (2, 1.5, DARK, 20.7), (2, 1.7, DARK, 20.0))


def beside(
    *points: tuple[int, float, float, float], cell: tuple[int, ...] = (4, 4, 4), public: bool = True
) -> list[tuple[int, float, float]]:
    found = looks_beside(visits(*points), np.array(cell), np.array([True, True, public]))
    assert not found.is_detection.any()
    return list(zip(found.row.tolist(), found.days.tolist(), found.limit.tolist(), strict=True))


def test_what_two_neighbours_were_looked_at_with_is_a_look_beside_a_member_after_its_last_point():
    assert beside(*ONCE, *TWICE, *THRICE) == [(0, 1.5, 20.7)]


@pytest.mark.parametrize(
    "found",
    [
        beside(*ONCE, *TWICE, *THRICE, cell=(5, 4, 4)),  # another part of the sky
        beside(*ONCE, *TWICE),  # a camera that was pointed at one source
        beside(*ONCE, *TWICE, *THRICE, public=False),  # what not everybody knows
        beside(*ONCE, *TWICE[:2], *THRICE[:2]),  # so new that an alert of the first may come
    ],
    ids=["elsewhere", "one", "private", "new"],
)
def test_other_looks_tell_nothing(found: list[tuple[int, float, float]]) -> None:
    assert found == []


# Of the three members' points, those of field 7, which covers cells far from one another.
FIELD = (7, 7, 7, 7, 7, 7, 7)


@pytest.mark.parametrize(
    ("field", "cell", "told"),
    [
        (FIELD, (1, 4, 9), [(0, 0, 1.5, 20.5)]),  # one look: at most half of the others are deeper
        (FIELD, (4, 4, 4), [(0, 0, 1.5, 20.5)]),  # and not as one at its cell, too
        ((8, *FIELD[1:]), (1, 4, 9), []),  # the member was seen in another field
        ((8, *FIELD[1:]), (4, 4, 4), [(0, -1, 1.5, 20.7)]),
        ((-1, *FIELD[1:]), (4, 4, 4), [(0, -1, 1.5, 20.7)]),
        ((*FIELD[:5], 8, 8), (1, 4, 9), []),  # one alone tells of the look
    ],
)
def test_looks_at_the_field_that_a_member_was_seen_in_are_looks_at_it_wherever_they_are_told_of(
    field: tuple[int, ...], cell: tuple[int, ...], told: list[tuple[int, int, float, float]]
) -> None:
    points = visits(*ONCE, *TWICE, *THRICE, field=field)

    found = looks_beside(points, np.array(cell), np.ones(3, bool))

    of_first = found.take(np.flatnonzero(found.row == 0))
    columns = (of_first.row, of_first.field, of_first.days, of_first.limit)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == told


def test_nothing_is_beside_nothing() -> None:
    nothing = visits(*ONCE).take(np.arange(0))

    assert not len(looks_beside(nothing, np.array([4]), np.array([True])).row)


@pytest.mark.django_db
def test_what_is_not_seen_again_falls_as_far_as_its_place_may_have_been_missed() -> None:
    event, before = seen_but_once()
    of_cell = again_without_it(event, ("12", "36"))
    LightCurvePoint.objects.filter(key__in=("12", "36")).delete()
    of_field = again_without_it(event, ZTF_KEYS[1:])

    assert before["missing"]
    assert "seen in 0 of" in of_cell["reason"]
    assert of_cell["log_lr"] < -0.5
    assert of_cell["log_lr"] > np.log(NOT_COVERED) - 0.1
    assert of_field["log_lr"] < of_cell["log_lr"] - 0.2
    assert of_field["log_lr"] > np.log(NOT_COVERED_AGAIN) - 0.1
    assert unlike(newest_ranking(event)) == 0


def seen_but_once() -> tuple[NonLocalizedEvent, dict[str, Any]]:
    """An event with three candidates that ZTF saw once, on one quadrant; and what is said then."""
    event = make_event()
    for name in ("a", "b", "once"):
        make_target(name)
    match_event(event)
    seen_once(event)
    LightCurvePoint.objects.update(survey="ZTF", key=ZTF_KEYS[0])
    return event, _said(event)


def again_without_it(event: NonLocalizedEvent, keys: tuple[str, ...]) -> dict[str, Any]:
    """What is said of the one that is not seen again, as the two others are."""
    first = LightCurvePoint.objects.filter(key=ZTF_KEYS[0])
    for point in first.exclude(target__name="once"):
        for hours, key in zip((12, 36), keys, strict=True):
            again(point, key=key, time=point.time + timedelta(hours=hours))
    return _said(event)


def _said(event: NonLocalizedEvent) -> dict[str, Any]:
    assert rank_event(event) is not None
    places = RankedCandidate.objects.newest().filter(ranking__event=event)
    terms = places.get(candidate__target__name="once").read_terms()
    return next(term for term in terms if term["name"] == "later light")
