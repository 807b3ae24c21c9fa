"""The first candidates of very many in each order, against the whole list sorted at once."""

from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tests.factories import MERGER
from tests.targets.test_words import say
from tests.web.worlds import World, make_world
from tom.candidates.models import CandidateStanding, EventCandidate, Vetting
from tom.targets.models import AudienceSummary, SurveyObject, TargetSummary
from tom.web import candidate_order, candidate_search, said
from tom.web.candidate_list import open_list
from tom.web.candidate_search import ORDERS, find_candidates, find_first, find_page, read_found

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """One in which each audience knows other figures of targets and candidates, many alike."""
    rng = np.random.default_rng(4)
    factories.make_target("elsewhere")  # so that no candidate has the key of its target
    made = make_world(rng, targets=30)
    rows = list(CandidateStanding.objects.select_related("candidate"))
    AudienceSummary.objects.bulk_create(
        AudienceSummary(
            target_id=row.candidate.target_id, programs=row.programs, healpix29=1, **_told(rng)
        )
        for row in rows
        if rng.random() < 0.7
    )
    for summary in TargetSummary.objects.all():
        TargetSummary.objects.filter(pk=summary.pk).update(**_told(rng))
    for model in (EventCandidate, CandidateStanding):
        for pk in model.objects.exclude(log_weight=None).values_list("pk", flat=True):
            low, width = (float(rng.choice([0.1, 0.2])) for _ in range(2))
            figures = {"log_weight_low": low, "log_weight_high": low + width}
            model.objects.filter(pk=pk).update(**figures)  # a ranking gives all three
    return made


def _told(rng: np.random.Generator) -> dict[str, object]:
    hours = timedelta(hours=int(rng.integers(6)))
    return {
        "last_magnitude": None if rng.random() < 0.2 else float(rng.choice([17.0, 18.0, 19.0])),
        "last_detection": None if rng.random() < 0.2 else MERGER + hours,
    }


def take_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the smallest lists count as very long."""
    sizes = {"FEW_CANDIDATES": 0, "WINDOW": 2, "WINDOW_OF_TARGETS": 2, "LEAST_SORTED": 1}
    for name, value in sizes.items():
        monkeypatch.setattr(candidate_order, name, value)


@pytest.mark.soak
def test_the_first_of_very_many_are_those_of_the_whole_list(
    world: World, monkeypatch, settings: Settings
) -> None:
    settings.PRACTICE_TELESCOPE = False  # what an observation costs stands in no index
    take_few(monkeypatch)
    taken: Counter[str] = Counter()

    def count(*given: object, **named: object) -> object:
        found = candidate_order.first_in_turn(*given, **named)
        taken[given[3].name] += found is not None
        return found

    monkeypatch.setattr(candidate_search, "first_in_turn", count)
    orders = [order for name in ORDERS for order in (name, f"-{name}")]
    for name, user in world.readers.items():
        listing = open_list(world.event, user, now=timezone.now())
        for order in orders:
            for asked in (f"order={order}", f"order={order}&region=all&vetting=all"):
                whole = [row.pk for row in find_candidates(listing, QueryDict(asked))]
                for most in (1, 3, 6):
                    found = find_first(listing, QueryDict(asked), most=most)

                    assert found == whole[:most], (name, asked, most)
    assert set(ORDERS) == {order for order, n in taken.items() if n}


def test_of_very_many_those_that_tell_the_most_are_put_in_order_by_their_costs(
    world: World, monkeypatch, settings: Settings
) -> None:
    few = 4
    take_few(monkeypatch)
    monkeypatch.setattr(candidate_search, "PRICED", few)
    asked = QueryDict("order=decide&region=all&vetting=all")
    listing = open_list(world.event, world.readers["public"], now=timezone.now())
    priced = [row.pk for row in read_found(listing, asked)]
    found = find_first(listing, asked, most=6)

    settings.PRACTICE_TELESCOPE = False
    listing = open_list(world.event, world.readers["public"], now=timezone.now())
    telling = [row.pk for row in read_found(listing, asked)]
    assert priced[:few] != telling[:few]
    first = sorted(telling[:few], key=priced.index)
    assert found == [*first, *telling[few:6]]


def test_of_an_events_standings_enough_are_sorted_at_once(world: World, monkeypatch) -> None:
    take_few(monkeypatch)
    monkeypatch.setattr(candidate_order, "LEAST_SORTED", 5)
    read, sizes = candidate_order._known, []

    def note(*given: Any) -> list[int] | None:
        sizes.append(given[-2])
        return read(*given)

    monkeypatch.setattr(candidate_order, "_known", note)
    listing = open_list(world.event, world.readers["public"], now=timezone.now())
    for most in (1, 4):
        find_first(listing, QueryDict("order=level&region=all"), most=most)

    assert sizes == [5, 8]


def test_the_first_are_asked_alone_whether_they_fit_and_more_where_too_few_do(
    world: World, monkeypatch
) -> None:
    take_few(monkeypatch)
    monkeypatch.setattr(candidate_order, "LEAST_SORTED", 8)
    asked, ask = [], candidate_order.one_of

    def note(keys: Collection[int]) -> RawSQL:
        asked.append(len(keys))
        return ask(keys)

    monkeypatch.setattr(candidate_order, "one_of", note)
    listing = open_list(world.event, world.readers["public"], now=timezone.now())

    assert find_first(listing, QueryDict("order=level&region=all"), most=1)
    assert asked == [2]
    asked.clear()
    first = find_first(listing, QueryDict("order=level&region=all&vetting=all"), most=8)
    EventCandidate.objects.filter(pk__in=first[:2]).update(vetting=Vetting.REJECTED)
    asked.clear()
    assert find_first(listing, QueryDict("order=level&region=all"), most=1) == [first[2]]
    assert asked == [2, 8]


WEIGHTS = ("log_weight", "log_weight_low", "log_weight_high")


@pytest.mark.parametrize(
    ("order", "lacking"),
    [
        *(("decide", names) for names in (WEIGHTS, ("rank",))),
        *(("-chance", names) for names in (WEIGHTS, ("rank",))),
        *(("level", names) for names in (("credible_level_2d",), ("rank",))),
    ],
)
def test_whose_own_standing_lacks_a_figure_stands_by_everybodys(
    world: World, monkeypatch, settings: Settings, order: str, lacking: tuple[str, ...]
) -> None:
    settings.PRACTICE_TELESCOPE = False  # what an observation costs stands in no index
    take_few(monkeypatch)
    listing = open_list(world.event, world.readers["of one"], now=timezone.now())
    CandidateStanding.objects.filter(rank=None).delete()
    if lacking != WEIGHTS:  # ranks decide among those that are alike
        told = {"credible_level_2d": 0.7, **dict.fromkeys(WEIGHTS, 0.5)}
        CandidateStanding.objects.update(**told)
        public = {"credible_level_2d": 0.9, **dict.fromkeys(WEIGHTS, 5.0)}
        EventCandidate.objects.update(**(public if lacking == ("rank",) else told))
    asked = QueryDict(f"order={order}&region=all&vetting=all")
    for standing in CandidateStanding.objects.filter(programs=listing.programs).order_by("rank"):
        CandidateStanding.objects.filter(pk=standing.pk).update(**dict.fromkeys(lacking))
        whole = [row.pk for row in find_candidates(listing, asked)]

        assert [find_first(listing, asked, most=n) for n in (1, 4, 9)] == [
            whole[:n] for n in (1, 4, 9)
        ]


SAID = ("by=Fink", "class=agn", "by=Fink&region=all&vetting=all")
BY_COLUMN = ("level", "magnitude", "name")


@pytest.mark.parametrize("few", [0, 5_000])
def test_a_page_of_a_filter_or_an_order_is_that_of_the_whole_list(
    world: World, monkeypatch, few: int
) -> None:
    take_few(monkeypatch)
    monkeypatch.setattr(said, "FEW", few)
    in_turn: Counter[str] = Counter()

    def count(*given: object, **named: object) -> object:
        in_turn["said"] += 1
        return candidate_order.some_in_turn(*given, **named)

    monkeypatch.setattr(candidate_search, "some_in_turn", count)
    public = factories.make_program()
    for number, row in enumerate(world.event.candidates.select_related("target")):
        name = row.target.name
        SurveyObject.objects.update_or_create(
            survey="ZTF", object_id=name, defaults={"target": row.target, "programs": [public.pk]}
        )
        if number % 3:
            say("Fink", "snn", "agn" if number % 2 else "supernova Ia", object_id=name)
    taken = Counter()
    for name, user in world.readers.items():
        listing = open_list(world.event, user, now=timezone.now())
        for asked in (*SAID, *(f"order={order}&region=all" for order in BY_COLUMN)):
            whole = [row.pk for row in find_candidates(listing, QueryDict(asked))]
            for least in (1, 3, 6):
                found, most = find_page(listing, QueryDict(asked), least=least, most=100)

                assert found == whole[: len(found)], (name, asked, least)
                assert len(found) >= min(least, len(whole))
                assert (most == 100) or (most == len(found) - 1 < len(whole))
                taken[most == 100] += 1
                in_turn[asked] += most < 100
    assert min(taken[True], taken[False]) > 5
    assert all(in_turn[f"order={order}&region=all"] for order in BY_COLUMN)
    # Of a few targets by their keys, of many in turn.
    assert bool(in_turn["said"]) == (few == 0)


def test_of_an_event_with_few_candidates_all_are_sorted(world: World, monkeypatch) -> None:
    monkeypatch.setattr(candidate_search, "first_in_turn", None)  # a call of it would raise

    listing = open_list(world.event, world.readers["of both"], now=timezone.now())

    assert find_first(listing, QueryDict("order=level"), most=5)
