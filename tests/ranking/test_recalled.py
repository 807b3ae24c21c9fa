"""What was weighed before is recalled to the last bit; one more look is weighed anew."""

from datetime import timedelta

import numpy as np
import pytest

from tests.factories import MERGER, make_event, make_target
from tom import moments
from tom.candidates.services import match_event
from tom.photometry import LIMIT_SIGMA, magnitudes
from tom.ranking import recalled
from tom.ranking.case import read_case
from tom.ranking.curves import Later, Members, read_later
from tom.ranking.firsts import first_of
from tom.ranking.models import Listing
from tom.ranking.recalled import recall_later
from tom.ranking.visits import Visits, read_visits
from tom.sky.kilonovae import BANDS
from tom.targets.models import LightCurvePoint

N = 700  # more than are weighed in one go


def many(seed: int) -> tuple[Visits, Members, Visits]:
    """Points of many members, detections and limits; three in four have looks beside them."""
    rng = np.random.default_rng(seed)
    row = np.sort(rng.integers(0, N, 5 * N))
    days = np.sort(rng.uniform(0.1, 9.0, 5 * N))
    magnitude = np.where(rng.uniform(size=5 * N) < 0.6, rng.uniform(18, 21, 5 * N), np.nan)
    band = rng.integers(0, len(BANDS), 5 * N)
    limit, field = np.full(5 * N, 21.0), rng.integers(-1, 2, 5 * N)
    visits = Visits(row, band, days, magnitude, 0.05 + 0 * magnitude, limit, field)
    order = np.lexsort((days, row))
    visits = visits.take(order)
    modulus = rng.uniform(33, 37, N)
    members = Members(
        first_of(visits, N), modulus, np.full(N, 0.5), rng.uniform(0, 0.3, (N, len(BANDS)))
    )
    beside = visits.take(np.flatnonzero(np.isnan(visits.magnitude) & (visits.row % 4 > 0)))
    return visits, members, beside


def bits(later: Later) -> list[bytes]:
    return [column.tobytes() for column in later]


def test_what_is_recalled_is_what_was_weighed_and_one_look_more_is_weighed_anew() -> None:
    visits, members, beside = many(seed=1)
    recalled._kept.clear()

    first, again = (bits(recall_later(visits, members, beside)) for _ in range(2))
    kept = len(recalled._kept)
    seen = np.flatnonzero(
        ~np.isnan(visits.magnitude) & (visits.days > members.firsts.days[visits.row])
    )
    brighter = visits._replace(magnitude=visits.magnitude.copy())
    brighter.magnitude[seen[10]] -= 0.5
    moved = recall_later(brighter, members, beside)

    assert first == again == bits(read_later(visits, members, beside))
    assert bits(moved) == bits(read_later(brighter, members, beside)) != first
    assert len(recalled._kept) == kept + 1


@pytest.mark.parametrize("at", ["modulus", "beside"])
def test_another_map_and_other_looks_beside_are_weighed_anew(at: str) -> None:
    visits, members, beside = many(seed=2)
    recall_later(visits, members, beside)
    if at == "modulus":
        members = members._replace(modulus=members.modulus + 0.3)
    else:
        beside = beside.take(np.arange(0, len(beside.row), 2))

    moved = recall_later(visits, members, beside)

    assert bits(moved) == bits(read_later(visits, members, beside))


def test_no_more_is_kept_than_the_newest_list_when_there_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recalled, "MOST", N)
    recalled._kept.clear()
    for seed in (3, 4, 5):
        recall_later(*many(seed))

    assert len(recalled._kept) <= 2 * N


@pytest.mark.django_db
def test_points_are_read_to_the_last_bit_and_a_band_of_no_kilonova_counts_as_r() -> None:
    event, target = make_event(), make_target(points=3)
    match_event(event)
    first, second, third = LightCurvePoint.objects.filter(target=target, time__gt=MERGER).order_by(
        "time"
    )
    LightCurvePoint.objects.filter(pk=first.pk).update(flux=1e5 / 7, flux_error=None)
    LightCurvePoint.objects.filter(pk=second.pk).update(band="clear", flux=0.1 + 0.2)
    LightCurvePoint.objects.filter(pk=third.pk).update(flux=np.nan, flux_error=1 / 3)
    case = read_case(Listing(event, None), moments.now(), None, {})

    visits = read_visits(case, MERGER)

    assert visits.row.tolist() == [0, 0, 0]
    assert [BANDS[band] for band in visits.band] == [first.band, "r", third.band]
    assert visits.magnitude[:1] == magnitudes(np.array([1e5 / 7]))
    assert np.isnan(visits.limit[0])
    assert visits.limit[2] == magnitudes(LIMIT_SIGMA * np.array([1 / 3]))[0]
    days = [(point.time - MERGER) / timedelta(days=1) for point in (first, second, third)]
    assert visits.days == pytest.approx(days, abs=1e-9)
