"""Members of a list that are drawn at random each night, and what their propensity is for."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tom_targets.base_models import BaseTarget

from tests.factories import make_group, make_observer, make_program, make_target
from tests.ranking.test_lists import make_strategy, rank
from tests.scoring.test_feedback import say, type_target
from tom.candidates.models import Vetting
from tom.candidates.verdicts import give_verdict_in_list
from tom.pipeline import rank_list
from tom.ranking.exploring import LOOKS, draw, draw_if_due, drawn_weights
from tom.ranking.models import Drawn, Exploration
from tom.scoring.feedback import said_before, typed_by_spectra
from tom.strategies.models import Strategy
from tom.web.feedback import FEWEST, Feedback, measure

NOW = timezone.now()
DB = pytest.mark.django_db


@given(st.text("0123456789abcdef", min_size=1, max_size=16), st.floats(0.01, 1))
def test_each_is_drawn_with_its_chance_and_the_same_again_by_the_same_seed(
    seed: str, propensity: float
) -> None:
    members = range(4_000)
    drawn = draw(members, seed=seed, propensity=propensity)

    assert drawn == draw(members, seed=seed, propensity=propensity)
    assert set(draw(members, seed=seed, propensity=propensity / 2)) <= set(drawn)
    sigma = (len(members) * propensity * (1 - propensity)) ** 0.5
    assert abs(len(drawn) - len(members) * propensity) <= 6 * sigma


@DB
def test_a_list_draws_once_a_night_and_never_who_is_private() -> None:
    make_target("public")
    make_target("owned", private=True)
    make_target("hidden", program=make_program(2, group=make_group()))
    strategy = make_strategy(explore=1.0)
    rank(strategy)

    first = draw_if_due(strategy, NOW)

    assert first is not None
    assert (first.members, first.propensity) == (1, 1.0)
    assert [row.target.name for row in first.drawn.all()] == ["public"]
    assert draw_if_due(strategy, NOW) is None
    assert draw_if_due(strategy, NOW + timedelta(days=1)) is not None


@DB
def test_the_share_of_a_night_is_that_of_its_looks_and_without_one_nobody_is_drawn() -> None:
    for number in range(2 * LOOKS):
        make_target(f"t{number}", points=1)
    strategy, other = make_strategy(explore=0.2), make_strategy(name="other")
    for each in (strategy, other):
        rank_list(each.pk)

    made = Exploration.objects.get()

    assert made.strategy == strategy
    assert made.propensity == pytest.approx(0.1)
    again = draw(
        BaseTarget.objects.values_list("pk", flat=True), seed=made.seed, propensity=made.propensity
    )
    assert sorted(made.drawn.values_list("target", flat=True)) == sorted(again)


@DB
def test_a_share_is_no_more_than_all() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_strategy(explore=1.1)


def drawn(strategy: Strategy, targets: list[BaseTarget], propensity: float, *, ago: int) -> None:
    row = Exploration.objects.create(
        strategy=strategy,
        night=(NOW - timedelta(days=ago)).date(),
        propensity=propensity,
        members=100,
        seed="0",
    )
    Drawn.objects.bulk_create(Drawn(exploration=row, target=target) for target in targets)


@DB
def test_a_target_counts_by_one_over_the_propensity_of_each_draw() -> None:
    one, two, none = (make_target(name) for name in ("one", "two", "none"))
    strategy = make_strategy()
    drawn(strategy, [one, two], 0.5, ago=1)
    drawn(strategy, [two], 0.25, ago=2)

    assert drawn_weights([one.pk, two.pk, none.pk]) == [2.0, 6.0, 0.0]


def measured() -> Feedback:
    (said,) = said_before(typed_by_spectra())
    found = measure(said)
    assert found is not None
    return found


@DB
def test_the_corrected_figures_rest_on_who_was_drawn_once_there_are_enough() -> None:
    """All are held for supernovae. Half of the drawn are; of those chosen by rank, all are."""
    chosen = [make_target(f"chosen{n}", points=1) for n in range(3)]
    sure = [make_target(f"sure{n}", points=1) for n in range(FEWEST // 2)]
    rare = [make_target(f"rare{n}", points=1) for n in range(FEWEST // 2)]
    for target in (*chosen, *sure, *rare):
        say(target, 0.9, ago=5)
        type_target(target, "agn" if target in rare else "supernova")
    strategy = make_strategy()
    drawn(strategy, sure, 0.5, ago=3)
    before = measured()
    drawn(strategy, rare, 0.1, ago=2)
    after = measured()

    assert (before.n_drawn, before.is_by_draw) == (5, False)
    assert (after.n_drawn, after.is_by_draw) == (10, True)
    purity = next(row for row in after.classes if row.name == "supernova")
    assert purity.purity == pytest.approx(8 / 13)
    assert purity.purity_corrected == pytest.approx(2 / (2 + 10))


@DB
def test_the_page_of_a_list_names_who_was_drawn_until_somebody_has_a_verdict(
    client: Client,
) -> None:
    observer = make_observer("sid")
    client.force_login(observer)
    strategy = make_strategy(explore=1.0)
    target = make_target("ZTF26a")
    rank(strategy)
    page = f"/lists/{strategy.pk}/?vetting=all"
    without = client.get(page).text
    draw_if_due(strategy, timezone.now())
    fresh = client.get(page).text
    give_verdict_in_list(strategy, target, Vetting.WATCHING, by=observer, is_public=True)
    told = client.get(page).text

    assert "Drawn at random tonight" not in without
    assert "Look at these, whatever their rank" in fresh
    assert "each of 1 with chance 100%" in fresh
    assert '<span class="badge-x">Drawn</span>' in fresh
    assert "All 1 have a verdict." in told
    BaseTarget.objects.filter(pk=target.pk).update(permissions="PRIVATE")
    assert "ZTF26a" not in client.get(page).text
