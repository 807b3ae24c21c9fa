"""Whose spectrum would teach the scorers most, and the share that is left to chance."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from tom_targets.base_models import BaseTarget

from tests.factories import make_group, make_observer, make_program, make_target
from tests.ranking.test_lists import make_strategy
from tests.scoring.test_feedback import say, type_target
from tom.ranking.models import Drawn, Exploration
from tom.ranking.suggesting import suggest
from tom.ranking.teaching import choose, doubt_of, standardise
from tom.streams.rules import night_of
from tom.targets.models import TargetSummary

NOW = timezone.now()
DB = pytest.mark.django_db


def test_doubt_is_entropy_and_contradiction() -> None:
    sure = doubt_of([{"supernova": 1.0, "agn": 0.0}])
    torn = doubt_of([{"supernova": 0.5, "agn": 0.5}])
    against = doubt_of([{"supernova": 1.0, "agn": 0.0}, {"agn": 1.0, "tde": 0.0}])
    narrower = doubt_of([{"supernova": 1.0, "agn": 0.0}, {"supernova Ia": 1.0, "other": 0.0}])
    other = doubt_of([{"supernova": 1.0, "agn": 0.0}, {"other": 1.0, "kilonova": 0.0}])

    assert (sure.entropy, sure.dispute, sure.total) == (0, None, 0)
    assert (torn.entropy, torn.total) == (pytest.approx(1), pytest.approx(1))
    assert (against.dispute, against.total) == (1, 1)
    assert (narrower.dispute, other.dispute) == (0, None)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(0, 20))
def test_no_row_is_chosen_twice_and_none_that_the_scorers_are_sure_of(
    seed: int, n: int, m: int
) -> None:
    rng = np.random.default_rng(seed)
    doubt = np.where(rng.random(n) < 0.5, 0.0, rng.random(n))
    figures = standardise(rng.normal(size=(n + m, 3)))

    rows = [each.row for each in choose(doubt, figures[:n], figures[n:], most=8)]

    assert len(set(rows)) == len(rows) == min(8, int((doubt > 0).sum()))
    assert all(doubt[row] > 0 for row in rows)


def test_the_crowd_without_classes_comes_before_the_outlier_and_the_crowd_that_is_known() -> None:
    crowd, known = np.zeros((10, 2)), np.full((10, 2), 8.0)
    unlabelled = np.vstack([crowd, known, [[-9.0, 9.0]]])

    chosen = choose(np.full(21, 0.5), unlabelled, np.full((40, 2), 8.0), most=3)

    assert chosen[0].row < 10
    assert chosen[0].density == pytest.approx(10)
    # Once one of the crowd is known, the next one stands for half as many.
    assert [round(each.density, 3) for each in chosen[1:]] == [5.0, pytest.approx(10 / 3, abs=1e-3)]


def test_figures_are_counted_in_their_own_spread_and_what_is_not_known_is_usual() -> None:
    found = standardise(np.array([[1.0, 5.0, np.nan], [2.0, 5.0, np.nan], [3.0, np.nan, np.nan]]))

    assert found[:, 0] == pytest.approx([-1 / 1.4826, 0, 1 / 1.4826])
    assert (found[:, 1:] == 0).all()


def young(name: str, p: float, *, magnitude: float = 18.0, **fields: object) -> BaseTarget:
    target = make_target(name, points=1, **fields)
    TargetSummary.objects.filter(target=target).update(
        last_magnitude=magnitude, last_detection=NOW - timedelta(days=1)
    )
    say(target, p, ago=1)
    return target


def draw(strategy, targets: list[BaseTarget]) -> None:
    row = Exploration.objects.create(
        strategy=strategy, night=night_of(NOW), propensity=0.5, members=9, seed="7"
    )
    Drawn.objects.bulk_create(Drawn(exploration=row, target=target) for target in targets)


@DB
def test_those_in_doubt_are_suggested_and_no_one_typed_faint_old_or_private() -> None:
    torn, sure = young("torn", 0.5), young("sure", 0.99)
    typed, faint, old = young("typed", 0.5), young("faint", 0.5, magnitude=21.0), young("old", 0.5)
    young("private", 0.5, private=True)
    hidden = young("hidden", 0.5, program=make_program(2, group=make_group()))
    type_target(typed, "supernova")
    TargetSummary.objects.filter(target=old).update(last_detection=NOW - timedelta(days=30))
    TargetSummary.objects.filter(target=hidden).update(last_magnitude=None)

    found = suggest([], faintest=19.0, most=10, now=NOW)

    assert [each.target for each in found] == [torn.pk, sure.pk]
    assert found[0].said == [("types", "supernova", 0.5)]
    assert found[0].doubt.total == pytest.approx(1)  # type: ignore[union-attr]  # it was judged
    assert faint.pk not in {each.target for each in found}


@DB
def test_a_share_of_the_places_goes_to_who_was_drawn_tonight_whatever_the_scorers_say() -> None:
    drawn = [young(f"drawn{n}", 1.0) for n in range(3)]
    torn = [young(f"torn{n}", 0.5) for n in range(5)]
    strategy = make_strategy(explore=0.5)
    draw(strategy, drawn)

    found = suggest([strategy], faintest=19.0, most=4, now=NOW)
    without = suggest([], faintest=19.0, most=4, now=NOW)

    assert [each.is_drawn for each in found] == [True, True, False, False]
    assert {each.target for each in found[:2]} < {target.pk for target in drawn}
    assert {each.target for each in without} < {target.pk for target in torn}


@DB
def test_the_page_suggests_in_as_many_queries_for_ten_as_for_one(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:

    cache.clear()
    client.force_login(make_observer("vera"))
    assert "Nobody to suggest" in client.get("/scorers/feedback/").text
    young("torn0", 0.5)
    with CaptureQueriesContext(connection) as one:
        text = client.get("/scorers/feedback/").text
    assert ">torn0</a>" in text
    assert "No list keeps a share for exploration" in text
    for number in range(1, 10):
        young(f"torn{number}", 0.5)
    draw(make_strategy(explore=0.2), [BaseTarget.objects.get(name="torn3")])

    with django_assert_max_num_queries(len(one) + 2):  # the draws, and who was drawn
        page = client.get("/scorers/feedback/?spectra=5&faintest=20").text
    assert page.count("teaches most") == 4
    assert page.count(">drawn at random<") == 1
    assert ">torn3</a>" in page
    assert "Nobody to suggest" in client.get("/scorers/feedback/?faintest=15").text
    assert 'value="10"' in client.get("/scorers/feedback/?spectra=nan").text
