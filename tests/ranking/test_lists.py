"""A list without an event is ranked, kept, made again and read as an event's is."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tests.connections import WAIT_SECONDS, begin
from tests.factories import MERGER, make_group, make_program, make_score, make_target
from tests.ranking.test_replay import add_point, kept, made_again
from tom.ranking.basis import Basis
from tom.ranking.forgetting import forget_audiences, forget_scores
from tom.ranking.locks import claim_list
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.services import (
    newest_ranking,
    rank_list,
    rank_list_if_due,
    ranking_as_of,
    rankings_of,
    unlike,
)
from tom.scoring.services import scorers
from tom.strategies.models import RANKED_EVERY, Strategy
from tom.sweeping import sweep
from tom.targets.audiences import ensure_audiences
from tom.targets.models import LightCurvePoint, Program, TargetSummary
from tom.targets.summary import refresh_audiences, refresh_summaries

pytestmark = pytest.mark.django_db
TERMS = ["star", "minor planet"]


def make_strategy(**fields: object) -> Strategy:
    return Strategy.objects.create(**{"name": "a list", "terms": TERMS, **fields})


def rank(strategy: Strategy) -> Ranking | None:
    return rank_list(Listing(None, strategy), Basis.present(strategy, None))


def names(strategy: Strategy) -> list[str]:
    """Who stands in the list now, in its order."""
    places = RankedCandidate.objects.newest().of(Listing(None, strategy)).in_order()
    return list(places.values_list("target__name", flat=True))


def ranked(strategy: Strategy) -> list[str]:
    rank(strategy)
    return names(strategy)


def days_since(days_after_merger: float) -> float:
    return (timezone.now() - MERGER).total_seconds() / 86_400 - days_after_merger


def add_score(target: BaseTarget, chance: float) -> None:
    """What the scorer that is there said of a target."""
    score = make_score(target, p=chance)
    score.version = next(s.spec.version for s in scorers() if s.spec.name == score.scorer)
    score.save()


def add_private_point(name: str, program: Program) -> None:
    """A detection that the readers of a program alone know of."""
    add_point(name, 4.2, program=program)
    target = BaseTarget.objects.get(name=name)
    refresh_audiences(row.pk for row in ensure_audiences([target.pk]))
    refresh_summaries([target.pk])


def put_star_on(name: str) -> None:
    TargetSummary.objects.filter(target__name=name).update(
        surroundings_time=MERGER, star_separation_arcsec=0.1, star_score=0.99
    )


# --- Who is in it -----------------------------------------------------------------------------
def test_a_list_has_every_target_where_its_strategy_cuts_nothing() -> None:
    make_target("a")
    make_target("b")
    put_star_on("a")

    assert ranked(make_strategy()) == ["b", "a"]


def test_a_target_that_shone_too_long_ago_is_in_no_list() -> None:
    make_target("a", points=1)  # 14 h after the merger
    make_target("b", points=6)  # to 74 h after it

    assert ranked(make_strategy(name="to both", days_before=days_since(0.5))) == ["a", "b"]
    assert ranked(make_strategy(name="to one", days_before=days_since(2.0))) == ["b"]
    assert ranked(make_strategy(name="to none", days_before=days_since(4.0))) == []


def test_a_target_that_was_seen_before_is_no_infant() -> None:
    make_target("a")
    make_target("old")
    TargetSummary.objects.filter(target__name="old").update(first_seen=MERGER - timedelta(days=9))

    assert ranked(make_strategy(first_seen_days=days_since(0.0))) == ["a"]


@pytest.mark.parametrize(("limit", "found"), [(17.4, []), (17.6, ["a"]), (20.0, ["a"])])
def test_a_target_is_in_a_list_of_the_bright_from_its_magnitude_on(
    limit: float, found: list[str]
) -> None:
    make_target("a")  # at 17.5 first

    assert ranked(make_strategy(brighter_than=limit)) == found


def test_what_was_bright_before_the_window_is_not_bright_now() -> None:
    make_target("a")  # at 17.5 after 14 h, at 17.75 after 26 h

    strategy = make_strategy(brighter_than=17.6, days_before=days_since(1.0))

    assert ranked(strategy) == []


@pytest.mark.parametrize(
    ("ra", "dec", "radius", "found"),
    [
        (197.45, -23.38, 0.01, ["a"]),
        (198.45, -23.38, 0.9, []),
        (198.45, -23.38, 0.93, ["a"]),
        (17.45, 23.38, 179.9, []),
        (0.0, 90.0, 113.4, ["a"]),
        (0.0, -90.0, 66.0, []),
    ],
)
def test_a_cone_cuts_where_the_sky_does(
    ra: float, dec: float, radius: float, found: list[str]
) -> None:
    make_target("a", ra=197.45, dec=-23.38)

    assert ranked(make_strategy(ra=ra, dec=dec, radius_deg=radius)) == found


def test_limits_and_what_is_known_from_a_test_make_no_member() -> None:
    make_target("limits", points=0)
    make_target("a test")
    TargetSummary.objects.update(last_detection=timezone.now())
    TargetSummary.objects.filter(target__name="a test").update(is_test=True)

    assert ranked(make_strategy()) == []
    assert ranked(make_strategy(name="of tests", with_tests=True)) == ["a test"]


def test_private_points_make_a_member_for_their_readers_alone() -> None:
    program = make_program(2, group=make_group())
    make_target("a", points=1)
    add_private_point("a", program)

    strategy = make_strategy(days_before=days_since(2.0))
    rank(strategy)

    places = RankedCandidate.objects.newest().of(Listing(None, strategy))
    assert list(places.values_list("target__name", "programs")) == [("a", [program.pk])]


def test_a_target_that_is_bright_by_private_points_alone_is_in_a_list_for_their_readers() -> None:
    program = make_program(2, group=make_group())
    make_target("a")  # at 17.5 at the brightest
    add_private_point("a", program)
    bright = LightCurvePoint.objects.filter(program=program)
    bright.update(flux=10 ** ((31.4 - 16.0) / 2.5), flux_error=1.0)

    strategy = make_strategy(brighter_than=16.5)
    rank(strategy)

    places = RankedCandidate.objects.newest().of(Listing(None, strategy))
    assert list(places.values_list("target__name", "programs")) == [("a", [program.pk])]


# --- How it is ranked -------------------------------------------------------------------------
def test_a_list_weighs_the_terms_and_the_scorers_of_its_strategy() -> None:
    for name, chance in (("a", 0.1), ("b", 0.9)):
        add_score(make_target(name), chance)

    by_scorer = make_strategy(name="by scorer", sought=["kilonova"])
    without = make_strategy(name="without", sought=["kilonova"], weights={"fast_transient": 0})
    elsewhere = make_strategy(name="elsewhere", sought=["supernova"])

    assert ranked(by_scorer) == ["b", "a"]
    assert ranked(without) == ["a", "b"]
    assert ranked(elsewhere) == ["a", "b"]
    layouts = [
        {term["name"].split()[0] for term in newest_ranking(each).layout}
        for each in (by_scorer, without, elsewhere)
    ]
    assert ["fast_transient" in layout for layout in layouts] == [True, False, False]
    assert all("sky" not in layout and "star" in layout for layout in layouts)


def test_where_no_terms_are_named_none_of_an_event_widens_the_interval() -> None:
    make_target("a")

    rank(make_strategy(name="named", terms=["star", "minor planet"]))
    every = rank(make_strategy(name="all", terms=[]))

    named, unnamed = RankedCandidate.objects.order_by("ranking")
    assert [term["name"] for term in every.layout][:2] == ["star", "minor planet"]
    assert (unnamed.log_weight_low, unnamed.log_weight_high) == (
        named.log_weight_low,
        named.log_weight_high,
    )


def test_the_prior_is_the_strategys_own() -> None:
    make_target("a")

    low = rank(make_strategy(name="low", prior=0.01))
    high = rank(make_strategy(name="high", prior=0.5))

    chances = [place.posterior for place in RankedCandidate.objects.order_by("ranking")]
    assert (low.prior, high.prior) == (0.01, 0.5)
    assert chances[0] < 0.05 < 0.3 < chances[1]


# --- What is kept -----------------------------------------------------------------------------
def a_night(strategy: Strategy, group: Group) -> None:
    """Everything that moves a list, one after the other, each ranked."""
    private = make_program(2, group=group)
    changes = [
        lambda: make_target("a"),
        lambda: make_target("b"),
        lambda: put_star_on("a"),
        lambda: add_score(make_target("c"), 0.7),
        lambda: add_private_point("a", private),
        lambda: LightCurvePoint.objects.filter(target__name="b").update(flux=-1.0),
        lambda: Strategy.objects.filter(pk=strategy.pk).update(prior=0.2),
    ]
    for change in changes:
        change()
        strategy.refresh_from_db()
        rank(strategy)


def test_every_ranking_of_a_list_is_made_again_bit_for_bit() -> None:
    strategy = make_strategy()
    a_night(strategy, make_group())

    rankings = list(rankings_of(strategy))

    assert len(rankings) == 7
    for ranking in rankings:
        again = [(row[1], *row[1:]) for row in made_again(ranking)]
        stood = [(row[1], *row[1:]) for row in kept(ranking)]
        assert again == stood
        assert unlike(ranking) == 0
    sizes = [RankedCandidate.objects.as_of(ranking).count() for ranking in reversed(rankings)]
    assert sizes == [1, 2, 2, 3, 4, 3, 3]


def test_a_list_that_nothing_moved_is_not_stored_again() -> None:
    strategy = make_strategy()
    make_target("a")

    assert rank(strategy) is not None
    assert rank(strategy) is None
    put_star_on("a")
    assert rank(strategy) is not None


def test_who_left_a_list_stands_in_it_no_more_and_did_before() -> None:
    strategy = make_strategy(days_before=days_since(0.0))
    make_target("a")
    rank(strategy)
    Strategy.objects.update(days_before=0.001)
    strategy.refresh_from_db()

    rank(strategy)
    newest = newest_ranking(strategy)

    assert names(strategy) == []
    first = ranking_as_of(strategy, newest.created - timedelta(microseconds=1))
    assert RankedCandidate.objects.as_of(first).get().target.name == "a"
    assert rank(strategy) is None


def test_a_list_is_shown_as_it_stood_and_checked_by_its_name() -> None:
    strategy = make_strategy(name="Bright things")
    make_target("a")
    make_target("b")
    rank(strategy)
    between = timezone.now()
    put_star_on("a")
    rank(strategy)

    before, now, check = StringIO(), StringIO(), StringIO()
    call_command("rank", "Bright things", "--at", between.isoformat(), stdout=before)
    call_command("rank", "Bright things", stdout=now)
    call_command("rank", "Bright things", "--check", "2", stdout=check)

    assert [line.split()[1] for line in before.getvalue().splitlines()[1:]] == ["a", "b"]
    assert [line.split()[1] for line in now.getvalue().splitlines()[1:]] == ["b", "a"]
    assert check.getvalue().count("the same, bit for bit") == 2


# --- When it is ranked ------------------------------------------------------------------------
def test_a_list_is_due_once_a_minute_and_where_it_is_switched_on() -> None:
    Strategy.objects.all().delete()
    now = timezone.now()
    make_strategy(name="new")
    make_strategy(name="just ranked", ranked=now)
    make_strategy(name="old", ranked=now - RANKED_EVERY - timedelta(seconds=1))
    make_strategy(name="switched off", active=False)
    make_strategy(name="of events", kind="gw")

    due = Strategy.objects.due().order_by("name").values_list("name", flat=True)

    assert list(due) == ["new", "old"]


def test_the_sweep_ranks_the_lists_that_are_due(settings) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = True
    Strategy.objects.all().delete()
    strategy = make_strategy()
    make_target("a")

    sweep()

    strategy.refresh_from_db()
    assert names(strategy) == ["a"]
    assert strategy.ranked is not None
    assert not rank_list_if_due(strategy)


@pytest.mark.django_db(transaction=True)
def test_one_worker_alone_ranks_a_list() -> None:
    strategy = make_strategy()
    make_target("a")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        assert claim_list(strategy)

        assert begin(lambda: rank_list_if_due(strategy)).result(WAIT_SECONDS) is False

        cursor.execute("ROLLBACK")
    assert rank_list_if_due(strategy)


# --- What is forgotten ------------------------------------------------------------------------
def test_what_a_list_said_of_a_target_for_the_public_can_be_forgotten() -> None:
    strategy = make_strategy()
    target = make_target("a")
    rank(strategy)

    forget_scores([target.pk])

    assert names(strategy) == []


def test_what_a_list_said_to_an_audience_can_be_forgotten() -> None:
    strategy = make_strategy()
    program = make_program(2, group=make_group())
    target = make_target("a")
    add_private_point("a", program)
    rank(strategy)
    assert names(strategy) == ["a", "a"]

    forget_audiences([target.pk], program.pk)

    places = RankedCandidate.objects.newest().of(Listing(None, strategy))
    assert list(places.values_list("programs", flat=True)) == [[]]


# --- Terms against what is sought -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("sought", "terms"),
    [
        (["kilonova"], ["star", "minor planet"]),
        (["rr lyrae"], ["minor planet"]),
        (["kilonova", "stellar flare"], ["minor planet"]),
        (["nova"], ["minor planet"]),
        (["asteroid"], ["star"]),
        (["transient"], ["star", "minor planet"]),
        (["asteroid", "rr lyrae"], ["star", "minor planet"]),  # none is left: as they are
    ],
)
def test_no_term_speaks_against_what_a_list_looks_for(sought: list[str], terms: list[str]) -> None:
    strategy = make_strategy(terms=[], sought=sought)

    assert Basis.present(strategy, None).terms == terms


def test_a_star_on_the_spot_puts_no_variable_star_last() -> None:
    make_target("a")
    make_target("on a star")
    put_star_on("on a star")

    assert ranked(make_strategy(name="of kilonovae", terms=[])) == ["a", "on a star"]
    # It was looked up, and no minor planet is near.
    of_stars = make_strategy(name="of stars", terms=[], sought=["rr lyrae"])
    assert ranked(of_stars) == ["on a star", "a"]
    place = RankedCandidate.objects.newest().get(
        strategy__name="of stars", target__name="on a star"
    )
    assert "star" not in {term["name"] for term in place.read_terms()}
    named = make_strategy(name="by choice", terms=["star"], sought=["rr lyrae"])
    assert Basis.present(named, None).terms == ["star"]
