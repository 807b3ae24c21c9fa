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
from tom.ranking.beside import NOT_COVERED, looks_beside
from tom.ranking.models import RankedCandidate
from tom.ranking.services import newest_ranking, rank_event, unlike
from tom.ranking.visits import Visits
from tom.targets.models import LightCurvePoint

NAN = np.nan
SEEN, DARK = 19.5, NAN


def visits(*points: tuple[int, float, float, float]) -> Visits:
    """Points in one band: the member, days, magnitude (NaN: nothing seen), limit."""
    row, days, magnitude, limit = (np.array(column) for column in zip(*points, strict=True))
    error = np.where(np.isnan(magnitude), NAN, 0.05)
    return Visits(row, np.zeros(len(row), int), days, magnitude, error, limit)


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


def test_nothing_is_beside_nothing() -> None:
    nothing = visits(*ONCE).take(np.arange(0))

    assert not len(looks_beside(nothing, np.array([4]), np.array([True])).row)


@pytest.mark.django_db
def test_what_is_not_seen_again_falls_as_far_as_its_place_may_have_been_missed() -> None:
    event = make_event()
    for name in ("a", "b", "once"):
        make_target(name)
    match_event(event)
    seen_once(event)
    before = _said(event)
    for point in LightCurvePoint.objects.exclude(target__name="once"):
        for hours in (12, 36):
            again(point, key=f"{hours}", time=point.time + timedelta(hours=hours))

    after = _said(event)

    assert before["missing"]
    assert "seen in 0 of" in after["reason"]
    assert after["log_lr"] < -0.5
    assert after["log_lr"] > np.log(NOT_COVERED) - 0.1
    assert unlike(newest_ranking(event)) == 0


def _said(event: NonLocalizedEvent) -> dict[str, Any]:
    assert rank_event(event) is not None
    places = RankedCandidate.objects.newest().filter(ranking__event=event)
    terms = places.get(candidate__target__name="once").read_terms()
    return next(term for term in terms if term["name"] == "later light")
