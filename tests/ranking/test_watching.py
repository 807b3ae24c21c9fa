"""A list with a watch list has the targets near the places of it, and is made again so."""

from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.factories import make_group, make_lead, make_program, make_target
from tests.ranking.test_lists import add_private_point, days_since, make_strategy, names, rank
from tom.ranking.basis import Basis
from tom.ranking.changing import bring_back, change_strategy, newest_number
from tom.ranking.changing import make_strategy as make
from tom.ranking.members import read_members
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.services import newest_ranking, unlike
from tom.sky import healpix29
from tom.strategies.models import Strategy, WatchList
from tom.strategies.versions import settings_of
from tom.strategies.watching import MOST_PLACES, Watched
from tom.targets.models import TargetSummary

pytestmark = pytest.mark.django_db
ARCSEC = 1 / 3600


def watch(*places: tuple[float, float, float]) -> WatchList:
    made = WatchList.of(Watched(f"place {at}", *place) for at, place in enumerate(places))
    made.keep()
    return made


def watching(*places: tuple[float, float, float], **fields: Any) -> Strategy:
    strategy = make_strategy(watched=watch(*places), **fields)
    rank(strategy)
    return strategy


# --- Who is in it -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("place", "at", "found"),
    [
        ((10.0, 20.0, 3.0), (10.0, 20.0 + 2.9 * ARCSEC), True),
        ((10.0, 20.0, 3.0), (10.0, 20.0 + 3.1 * ARCSEC), False),
        ((10.0, 60.0, 3.0), (10.0 + 5.9 * ARCSEC, 60.0), True),
        ((10.0, 60.0, 3.0), (10.0 + 6.1 * ARCSEC, 60.0), False),
        ((359.9999, 0.0, 1.0), (0.0001, 0.0), True),
        ((360.0, 0.0, 1.0), (0.0001, 0.0), True),
        ((0.0, 0.0, 0.3), (359.9999, 0.0), False),
        ((0.0, 90.0, 2.0), (123.0, 89.9995), True),
        ((0.0, 90.0, 1.7), (123.0, 89.9995), False),
        ((77.0, -90.0, 3600.0), (200.0, -89.1), True),
        ((77.0, -90.0, 3600.0), (200.0, -88.9), False),
    ],
)
def test_a_target_within_the_radius_of_a_place_is_in_the_list(
    place: tuple[float, float, float], at: tuple[float, float], found: bool
) -> None:
    make_target("a", ra=at[0], dec=at[1])

    assert names(watching(place)) == (["a"] if found else [])


def test_a_list_has_who_is_near_any_of_its_places_each_with_its_own_radius() -> None:
    for name, ra in (("a", 10.0), ("b", 20.0), ("c", 30.0)):
        make_target(name, ra=ra + 5 * ARCSEC, dec=0.0)

    strategy = watching((10.0, 0.0, 6.0), (20.0, 0.0, 4.0), (30.0, 0.0, 600.0))

    assert names(strategy) == ["a", "c"]


def test_with_a_region_and_the_other_cuts_all_hold() -> None:
    make_target("a", ra=10.0, dec=0.0)
    make_target("b", ra=20.0, dec=0.0)
    places = (10.0, 0.0, 3.0), (20.0, 0.0, 3.0)

    assert names(watching(*places, name="both")) == ["a", "b"]
    cone = {"ra": 20.5, "dec": 0.0, "radius_deg": 1.0}
    assert names(watching(*places, name="one", **cone)) == ["b"]
    assert names(watching(*places, name="none", days_before=days_since(4.0))) == []


def test_private_points_near_a_place_make_a_member_for_their_readers_alone() -> None:
    program = make_program(2, group=make_group())
    make_target("a", points=1)
    add_private_point("a", program)

    strategy = watching((197.45, -23.38, 3.0), days_before=days_since(2.0))

    places = RankedCandidate.objects.newest().of(Listing(None, strategy))
    assert list(places.values_list("target__name", "programs")) == [("a", [program.pk])]


def test_a_long_watch_list_finds_few_among_many_and_asks_twice() -> None:
    rng = np.random.default_rng(1)
    sky = zip(rng.uniform(0, 360, MOST_PLACES), rng.uniform(-90, 90, MOST_PLACES), strict=True)
    places = [(float(ra), float(dec), 3.0) for ra, dec in sky]
    for number in range(10):
        make_target(f"near{number}", ra=places[number][0], dec=places[number][1])
        make_target(f"far{number}")
    strategy = make_strategy(watched=watch(*places))
    basis, moment = Basis.present(strategy, None), rank(strategy).moment

    with CaptureQueriesContext(connection) as asked:
        rows = read_members(Listing(None, strategy), moment, None, basis.rule)

    assert len(rows) == 10
    assert len(asked) == 2


# --- What is kept -----------------------------------------------------------------------------
def test_a_ranking_is_made_again_with_the_places_it_was_made_with() -> None:
    strategy = watching((10.0, 0.0, 3.0), name="Nuclei")
    make_target("a", ra=10.0, dec=0.0)
    make_target("b", ra=20.0, dec=0.0)
    rank(strategy)
    strategy.watched = watch((20.0, 0.0, 3.0))
    strategy.save()
    rank(strategy)
    # Where it is now does not count for what was known then.
    TargetSummary.objects.filter(target__name="b").update(healpix29=int(healpix29(50.0, 0.0)))
    rank(strategy)
    check = StringIO()

    call_command("rank", "Nuclei", "--check", "3", stdout=check)

    rankings = Ranking.objects.filter(strategy=strategy).order_by("pk")
    stood = [
        list(RankedCandidate.objects.as_of(row).values_list("target__name", flat=True))
        for row in rankings
    ]
    assert stood == [["a"], ["b"], []]
    assert check.getvalue().count("the same, bit for bit") == 3


def test_a_ranking_from_before_watch_lists_is_made_again() -> None:
    make_target("a")
    strategy = make_strategy()
    ranking = rank(strategy)
    del ranking.basis["rule"]["watched"]
    ranking.save()

    assert unlike(newest_ranking(strategy)) == 0
    assert names(strategy) == ["a"]


def test_a_ranking_names_the_places_and_does_not_repeat_them() -> None:
    make_target("a", ra=10.0, dec=0.0)
    strategy = watching((10.0, 0.0, 3.0))

    assert newest_ranking(strategy).basis["rule"]["watched"] == strategy.watched_id
    assert rank(strategy) is None
    assert watch((10.0, 0.0, 3.0)).pk == strategy.watched_id
    assert WatchList.objects.count() == 1


def test_a_version_from_before_watch_lists_brings_back_none_and_one_with_one_brings_it() -> None:
    lise = make_lead("lise")
    made = make(settings_of(Strategy(name="Fresh")), by=lise)
    first = made.versions.get()
    del first.chosen["watched"]
    first.save()
    watched = settings_of(made) | {"watched": watch((10.0, 0.0, 3.0)).pk}

    change_strategy(made.pk, watched, by=lise, shown=1)
    bring_back(first, by=lise, shown=2)
    without = Strategy.objects.get(pk=made.pk).watched
    bring_back(made.versions.get(number=2), by=lise, shown=newest_number(made))

    assert without is None
    assert settings_of(Strategy.objects.get(pk=made.pk)) == watched


# --- What is refused --------------------------------------------------------------------------
@pytest.mark.parametrize(
    "place",
    [
        ("", 10.0, 0.0, 3.0),
        ("a\nb", 10.0, 0.0, 3.0),
        ("# a", 10.0, 0.0, 3.0),
        ("a" * 101, 10.0, 0.0, 3.0),
        ("a", 360.1, 0.0, 3.0),
        ("a", -0.1, 0.0, 3.0),
        ("a", float("nan"), 0.0, 3.0),
        ("a", 10.0, 90.1, 3.0),
        ("a", 10.0, float("nan"), 3.0),
        ("a", 10.0, 0.0, 0.0),
        ("a", 10.0, 0.0, 3600.1),
        ("a", 10.0, 0.0, float("inf")),
        ("a", 10.0, 0.0, float("nan")),
    ],
)
def test_a_place_that_no_ranking_could_use_is_not_kept(
    place: tuple[str, float, float, float],
) -> None:
    with pytest.raises(ValidationError):
        WatchList.of([Watched("fine", 0.0, 0.0, 1.0), Watched(*place)]).keep()

    assert not WatchList.objects.exists()


@pytest.mark.parametrize("n", [0, MOST_PLACES + 1])
def test_a_watch_list_has_some_places_and_not_too_many(n: int) -> None:
    with pytest.raises(ValidationError):
        WatchList.of(Watched(f"{at}", 1.0, 2.0, 3.0) for at in range(n)).keep()


def test_the_lists_of_events_watch_no_places() -> None:
    Strategy.objects.all().delete()

    with pytest.raises(ValidationError) as refused:
        Strategy(name="gw", kind="gw", watched=watch((1.0, 2.0, 3.0))).full_clean()

    assert set(refused.value.message_dict) == {"watched"}
    Strategy(name="a list", watched=watch((1.0, 2.0, 3.0)), ranked=timezone.now()).full_clean()
