"""Strategies on past nights: the lists of then, what they found, and what brightness would have."""

from datetime import datetime, timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tests.factories import make_group, make_program, make_target
from tests.ranking.test_lists import make_strategy, put_star_on, rank
from tests.ranking.test_replay import add_point
from tests.scoring.test_feedback import type_target
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.yields import list_then, try_strategy
from tom.targets.facts import SummaryFact
from tom.targets.models import LightCurvePoint

pytestmark = pytest.mark.django_db


def known_since(target: BaseTarget, *, ago: float) -> None:
    """Have the database know all of a target since so many days ago."""
    then = timezone.now() - timedelta(days=ago)
    LightCurvePoint.objects.filter(target=target).update(stored=then, xact=None)
    SummaryFact.objects.filter(target=target).update(stored=then, xact=None)


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def keys(*names: str) -> list[int]:
    return [BaseTarget.objects.get(name=name).pk for name in names]


def test_the_list_of_a_past_night_is_the_one_that_was_stored() -> None:
    strategy = make_strategy()
    for name in ("a", "b", "c"):
        make_target(name)
    put_star_on("a")
    ranking = rank(strategy)
    assert ranking is not None
    stored = RankedCandidate.objects.as_of(ranking).in_order().values_list("target", flat=True)

    night = list_then(strategy, timezone.now(), k=2)

    assert list(night.members) == list(stored) == keys("b", "c", "a")
    assert list(night.best) == keys("b", "c")


def test_nothing_that_came_later_or_is_private_is_in_a_past_list() -> None:
    for name, days in (("old", 5.0), ("new", 1.0), ("hidden", 5.0)):
        program = make_program(2, group=make_group()) if name == "hidden" else None
        known_since(make_target(name, program=program), ago=days)
    known_since(make_target("owned", private=True), ago=5.0)
    strategy = make_strategy()

    night = list_then(strategy, ago(3), k=10)

    assert list(night.members) == keys("old")
    assert not Ranking.objects.exists()


def test_the_brightest_are_those_that_were_bright_then() -> None:
    for name in ("a", "b"):
        known_since(make_target(name), ago=5.0)
    add_point("a", 1.0, flux=1e6)
    add_point("b", 1.1, flux=2e6)
    LightCurvePoint.objects.filter(key="b 1.1").update(stored=ago(1))
    LightCurvePoint.objects.filter(key="a 1.0").update(stored=ago(5))

    then, now = (list_then(make_strategy(name=f"{days}"), ago(days), k=1) for days in (3, 0))

    assert list(then.brightest) == keys("a")
    assert list(now.brightest) == keys("b")


def test_the_yield_counts_what_is_sought_beside_brightness_and_chance() -> None:
    """A star is put last by the strategy: the two supernovae come first, though they are faint."""
    for name, flux in (("a", 3e6), ("b", 1e5), ("c", 2e5), ("d", 4e6)):
        target = make_target(name)
        add_point(name, 1.0, flux=flux)
        known_since(target, ago=9.0)
    for name in ("a", "d"):
        put_star_on(name)
    SummaryFact.objects.update(stored=ago(9), xact=None)
    labels = dict(zip(keys("a", "b", "c"), ("variable", "supernova Ia", "supernova"), strict=True))
    strategy = make_strategy(sought=["supernova"])

    _, trial = try_strategy(strategy, [ago(3), ago(2)], labels, k=2, rng=np.random.default_rng(1))

    assert (trial.best.per_night.value, trial.brightest.per_night.value) == (2.0, 0.0)
    assert (trial.best.found, trial.best.typed, trial.best.shown) == (2, 2, 2)
    assert (trial.brightest.typed, trial.brightest.shown) == (1, 2)
    assert trial.random == (1.0, 1.0, 1.0)
    assert trial.gain == (2.0, 2.0, 2.0)
    assert trial.gain_over_random == (1.0, 1.0, 1.0)


def test_a_night_without_a_target_counts_as_nothing_found() -> None:
    _, trial = try_strategy(make_strategy(), [ago(1)], {}, k=5, rng=np.random.default_rng(1))

    assert trial.best.per_night.value == 0.0
    assert trial.random.value == 0.0


def test_the_command_compares_strategies_one_of_them_switched_off() -> None:
    target = make_target("a")
    known_since(target, ago=9.0)
    type_target(target, "supernova Ia")
    make_strategy(name="Supernovae", sought=["supernova"], active=False)
    make_strategy(name="Flares", sought=["stellar flare"])
    said = StringIO()

    call_command("compare", "Supernovae", "Flares", "--nights", "3", "-k", "5", stdout=said)

    first, second = said.getvalue().split("Flares:")
    assert "Supernovae: 3 nights, 1 targets in the median list, 1 targets of known class" in first
    assert "yield@5 1.00 [1.00, 1.00] a night; 1 found, 1 of 1 typed" in first
    assert "yield@5 0.00 [0.00, 0.00] a night; 0 found, 1 of 1 typed" in second


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nobody"], "no list without an event"), (["x", "--nights", "0"], "1 to 60")],
)
def test_the_command_refuses_what_it_cannot_try(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("compare", *arguments)
