"""A list in the order of a scorer's number: whom it has, and what is usual for a class."""

from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings
from tom_targets.base_models import BaseTarget

from tests.factories import MERGER, make_group, make_program, make_target
from tests.ranking.test_lists import add_private_point, make_strategy, names, rank, ranked
from tom.ranking import numbered
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.numbered import LEAST_OF_CLASS
from tom.ranking.services import NotReproducibleError, newest_ranking, unlike
from tom.ranking.yields import list_then
from tom.scoring.models import Score
from tom.scoring.services import scorers
from tom.strategies.models import Strategy

pytestmark = pytest.mark.django_db
BY = "anomaly"
CLASSED_BY = "fast_transient"


@pytest.fixture(autouse=True)
def _with_anomaly(settings: Settings) -> Iterator[None]:
    settings.SCORERS = [*settings.SCORERS, "ml_plugins.anomaly.Anomaly"]
    scorers.cache_clear()
    yield
    scorers.cache_clear()


def say(
    name: str, scorer: str, said: Mapping[str, float], *, programs: tuple[int, ...] = ()
) -> None:
    """Keep what a scorer says of a target, as of now."""
    spec = next(each.spec for each in scorers() if each.spec.name == scorer)
    Score.objects.create(
        target=BaseTarget.objects.get(name=name),
        programs=list(programs),
        scorer=scorer,
        version=spec.version,
        data_version=Score.objects.count() + 1,
        data_until=MERGER,
        probability=dict(said),
        sigma=0.3,
    )


def number(name: str, value: float, **more: Any) -> None:
    say(name, BY, {"unusual": value, "other": 1 - value}, **more)


def classed(name: str, chance: float, **more: Any) -> None:
    say(name, CLASSED_BY, {"kilonova": chance, "other": 1 - chance}, **more)


def make_class(prefix: str, chance: float, values: list[float]) -> None:
    for at, value in enumerate(values):
        make_target(f"{prefix}{at}")
        number(f"{prefix}{at}", value)
        classed(f"{prefix}{at}", chance)


def numbers(strategy: Strategy) -> dict[str, float | None]:
    places = RankedCandidate.objects.newest().of(Listing(None, strategy)).select_related("target")
    return {place.target.name: place.number for place in places.in_order() if place.target}


def usual_of(strategy: Strategy) -> Any:
    found = newest_ranking(strategy)
    assert found is not None
    return found.basis["usual"]


# --- The order ----------------------------------------------------------------------------------
def test_the_largest_number_comes_first_and_who_has_none_is_not_there() -> None:
    for name, value in (("usual", 0.5), ("odd", 0.9), ("rather odd", 0.7)):
        make_target(name)
        number(name, value)
    make_target("never judged")
    strategy = make_strategy(by=BY)

    assert ranked(strategy) == ["odd", "rather odd", "usual"]
    assert numbers(strategy) == {"odd": 0.9, "rather odd": 0.7, "usual": 0.5}
    place = RankedCandidate.objects.newest().get(target__name="odd")
    assert (place.posterior, place.posterior_low, place.posterior_high) == (None, None, None)
    assert place.read_terms()[0]["value"] == 0.9
    assert place.ranking.by == BY


def test_its_rankings_are_repeated_and_none_is_made_where_nothing_changed() -> None:
    make_target("a")
    make_target("b")
    number("a", 0.6)
    strategy = make_strategy(by=BY)
    first = rank(strategy)
    assert rank(strategy) is None

    number("b", 0.8)
    second = rank(strategy)

    assert first is not None
    assert second is not None
    assert names(strategy) == ["b", "a"]
    assert [unlike(each) for each in (first, second)] == [0, 0]


def test_who_was_judged_otherwise_moves_and_the_others_stay() -> None:
    for name, value in (("a", 0.6), ("b", 0.7)):
        make_target(name)
        number(name, value)
    strategy = make_strategy(by=BY)
    first = rank(strategy)
    number("a", 0.8)
    second = rank(strategy)

    assert names(strategy) == ["a", "b"]
    made_by = dict(RankedCandidate.objects.newest().values_list("target__name", "ranking"))
    assert first is not None
    assert second is not None
    assert made_by == {"a": second.pk, "b": first.pk}


def test_a_list_by_a_scorer_that_is_not_here_or_gives_chances_is_empty() -> None:
    make_target("a")
    classed("a", 0.9)

    assert ranked(make_strategy(name="gone", by="gone")) == []
    assert ranked(make_strategy(name="chances", by=CLASSED_BY)) == []


def test_private_points_give_a_number_of_their_own() -> None:
    program = make_program(2, group=make_group())
    make_target("a")
    make_target("b")
    add_private_point("a", program)
    number("a", 0.5)
    number("a", 0.95, programs=(program.pk,))
    number("b", 0.7)
    strategy = make_strategy(by=BY)
    rank(strategy)

    places = RankedCandidate.objects.newest().of(Listing(None, strategy)).in_order()
    told = list(places.values_list("target__name", "programs", "log_weight"))
    assert told == [("a", [program.pk], 0.95), ("b", [], 0.7), ("a", [], 0.5)]


# --- Within a class -----------------------------------------------------------------------------
USUAL = [0.50, 0.51, 0.52, 0.53, 0.54, 0.55, 0.56, 0.57, 0.58, 0.60]
HIGHER = [value + 0.2 for value in USUAL]


def test_a_number_is_compared_with_those_of_its_class() -> None:
    make_class("kn", 0.9, USUAL)
    make_class("other", 0.1, HIGHER)
    make_target("odd kn")
    number("odd kn", 0.72)
    classed("odd kn", 0.8)
    strategy = make_strategy(by=BY, within=CLASSED_BY)

    found = ranked(strategy)

    assert found[0] == "odd kn"
    assert len(found) == 21
    n, median, spread = usual_of(strategy)["kilonova"]
    assert (n, median) == (11, 0.55)
    assert numbers(strategy)["odd kn"] == pytest.approx((0.72 - median) / spread)
    place = RankedCandidate.objects.newest().get(target__name="odd kn")
    assert "0.72; 0.55 is usual for kilonova" in place.read_terms()[0]["reason"]


def test_whose_class_is_not_known_or_is_rare_is_not_compared() -> None:
    make_class("kn", 0.9, USUAL)
    make_class("other", 0.1, USUAL[: LEAST_OF_CLASS - 1])
    make_target("no class")
    number("no class", 0.99)

    assert set(ranked(make_strategy(by=BY, within=CLASSED_BY))) == {f"kn{at}" for at in range(10)}


def test_what_is_usual_stays_while_about_as_many_are_there() -> None:
    make_class("kn", 0.9, USUAL * 2)
    strategy = make_strategy(by=BY, within=CLASSED_BY)
    first = rank(strategy)
    before = usual_of(strategy)
    make_class("one", 0.9, [0.99])
    rank(strategy)
    assert usual_of(strategy) == before
    assert RankedCandidate.objects.newest().filter(ranking=first).count() == 20

    make_class("more", 0.9, [0.99] * 5)
    rank(strategy)
    assert usual_of(strategy) != before
    assert [unlike(each) for each in Ranking.objects.all()] == [0, 0, 0]


def test_what_is_usual_is_of_what_everybody_sees() -> None:
    make_class("kn", 0.9, USUAL)
    make_class("own", 0.9, [0.99] * 5)
    own = BaseTarget.objects.filter(name__startswith="own")
    own.update(permissions=BaseTarget.Permissions.PRIVATE)
    strategy = make_strategy(by=BY, within=CLASSED_BY)
    rank(strategy)

    assert usual_of(strategy)["kilonova"][0] == len(USUAL)
    assert made_again_is_the_same(strategy)


def made_again_is_the_same(strategy: Strategy) -> bool:
    newest = newest_ranking(strategy)
    return newest is not None and unlike(newest) == 0


# --- What else reads such a list ------------------------------------------------------------------
def test_past_nights_are_listed_by_the_number() -> None:
    for name, value in (("a", 0.6), ("b", 0.7)):
        make_target(name)
        number(name, value)
    make_target("c")
    strategy = make_strategy(by=BY)
    rank(strategy)
    newest = newest_ranking(strategy)
    assert newest is not None

    night = list_then(strategy, newest.created, k=1)

    odd = BaseTarget.objects.get(name="b")
    assert (list(night.best), len(night.members)) == ([odd.pk], 2)


def test_the_command_shows_numbers() -> None:
    make_target("a")
    number("a", 0.625)
    rank(make_strategy(by=BY))
    out = StringIO()

    call_command("rank", "a list", stdout=out)

    assert "ranked by the number of anomaly" in out.getvalue()
    assert out.getvalue().splitlines()[1].split() == ["1", "a", "0.625"]


def test_the_constants_of_a_number_stand_with_the_rankings_that_use_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_target("a")
    number("a", 0.6)
    by_number, by_chance = rank(make_strategy(by=BY)), rank(make_strategy(name="chances"))
    assert by_number is not None
    assert by_chance is not None

    monkeypatch.setattr(numbered, "LIKELIER_THAN_NOT", 0.7)

    assert unlike(by_chance) == 0
    with pytest.raises(NotReproducibleError):
        unlike(by_number)
