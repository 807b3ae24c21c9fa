"""Light before an event: single epochs since the hour before it, and what many add up to."""

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import MERGER, make_event, make_target
from tests.ranking.test_curves import again
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate
from tom.ranking.services import newest_ranking, rank_event, unlike
from tom.scoring.services import window_start
from tom.strategies.models import Strategy
from tom.targets.models import LightCurvePoint
from tom.targets.summary import refresh_summaries

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> NonLocalizedEvent:
    event = make_event()
    make_target("a")
    match_event(event)
    return event


def add(kind: str, *, days: float, sigma: float) -> None:
    """A point some days before the merger, with a flux of so many errors."""
    limit = LightCurvePoint.objects.get(kind="limit")
    again(
        limit,
        key=f"{kind} {days}",
        kind=kind,
        time=MERGER - timedelta(days=days),
        flux=sigma * 5000.0,
        flux_error=5000.0,
    )


def said(event: NonLocalizedEvent) -> dict[str, Any]:
    assert rank_event(event) is not None
    assert unlike(newest_ranking(event)) == 0
    places = RankedCandidate.objects.newest().filter(ranking__event=event)
    place = places.get(candidate__target__name="a")
    return next(term for term in place.read_terms() if term["name"] == "earlier activity")


@pytest.mark.parametrize(
    ("points", "sigma"),
    [
        ([(1.0, 3.0), (2.0, 3.0), (5.0, 3.0), (7.0, 3.0)], "6"),  # all of them
        ([(1.0, 4.0), (2.0, 4.0), (5.0, 0.0), (7.0, 0.0)], "5.7"),  # it began three days before
        ([(1.0, 4.0), (2.0, 4.0), (13.0, -4.9)], "5.7"),  # and the oldest is too long ago
    ],
)
def test_forced_epochs_of_the_days_before_count_by_their_largest_sum(
    event: NonLocalizedEvent, points: list[tuple[float, float]], sigma: str
) -> None:
    for days, of in points:
        add("forced", days=days, sigma=of)
    add("limit", days=2.5, sigma=-4.9)

    told = said(event)

    assert told["reason"] == (
        "no earlier epoch of 5 sigma;"
        f" forced epochs of the last days before add up to {sigma} sigma"
    )
    assert told["log_lr"] < -1


def test_an_epoch_of_5_sigma_is_not_added_up_with_the_others(event: NonLocalizedEvent) -> None:
    add("forced", days=1.0, sigma=40.0)
    for days in (3.0, 5.0):
        add("forced", days=days, sigma=0.5)

    assert said(event)["reason"] == "1 earlier epoch, the newest about 1 d before"


def test_a_dark_place_counts_more_where_forced_epochs_show_it(event: NonLocalizedEvent) -> None:
    """What was looked at and found dark has nearly no faint source."""
    before = said(event)["log_lr"]
    for days in (1.0, 3.0):
        add("forced", days=days, sigma=0.2)

    assert said(event)["log_lr"] > before + 0.05


def test_an_epoch_hours_before_a_merger_is_an_earlier_one(event: NonLocalizedEvent) -> None:
    add("alert", days=0.2, sigma=20.0)

    told = said(event)

    assert told["reason"] == "1 earlier epoch, the newest about 0.2 d before"
    assert told["log_lr"] < -2


def test_what_was_seen_before_a_merger_alone_is_no_asteroid_by_chance(
    event: NonLocalizedEvent,
) -> None:
    """Of every kind of source it is the source itself that was seen."""
    add("alert", days=0.2, sigma=20.0)
    both = said(event)["log_lr"]
    make_target("b", ra=197.5)
    match_event(event)
    LightCurvePoint.objects.filter(target__name="a", time__gt=MERGER).delete()
    refresh_summaries([LightCurvePoint.objects.filter(target__name="a")[0].target_id])

    told = said(event)

    assert told["reason"] == (
        "1 earlier epoch, the newest about 0.2 d before, and nothing since the event"
    )
    assert told["log_lr"] < min(both, -3)


@pytest.mark.parametrize(
    ("sought", "days_before", "days"),
    [
        (["kilonova"], 1.0, 0.0),
        (["gamma-ray burst afterglow", "kilonova"], 0.1, 0.0),
        (["kilonova", "supernova"], 1.0, 1.0),
        (["tde", "agn"], 365.0, 365.0),
        (["kilonova"], None, None),
    ],
)
def test_light_counts_from_the_event_on_where_nothing_sought_shines_before_it(
    sought: list[str], days_before: float | None, days: float | None
) -> None:
    strategy = Strategy(name="any", sought=sought, days_before=days_before)

    expected = None if days is None else MERGER - timedelta(days=days)
    assert window_start(make_event(), strategy) == expected
