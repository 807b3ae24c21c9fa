"""A list as it was at an earlier time, and the ranks that one of its members had."""

import csv
import re
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tests.ranking.test_lists import make_strategy, put_star_on, rank
from tests.web.worlds import World, make_world
from tom.candidates.models import EventCandidate, Verdict
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.services import rank_event
from tom.scoring.judging import score_due
from tom.strategies.models import Strategy
from tom.targets.audiences import readable_programs
from tom.targets.models import LightCurvePoint, TargetSummary
from tom.web.past_lists import open_past
from tom.web.rank_history import Jump, read_history

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/past/"


def make_past(event: NonLocalizedEvent, order: Sequence[EventCandidate]) -> Ranking:
    """Have two rankings alone: of two hours ago, in this order, and of now."""
    then = factories.make_past(event, order)
    event.rankings.filter(pk__lt=then.pk).delete()
    return then


def names_on(text: str) -> list[str]:
    return re.findall(r"<b>(ZTF26\w+)</b>", text)


def expected_then(world: World, user: User) -> list[str]:
    """Whom a reader saw then: of each candidate the figure of the largest audience they are in."""
    mine = set(readable_programs(user))
    found = []
    for row in EventCandidate.objects.visible_to(user).select_related("target"):
        known = {
            audience: chance
            for (pk, audience), chance in world.then.items()
            if pk == row.pk and set(audience) <= mine
        }
        if known:
            fullest = max(known, key=lambda audience: (len(audience), audience))
            found.append((-known[fullest], row.target.name))
    return [name for _, name in sorted(found)]


@pytest.mark.parametrize("seed", [1, 2])
def test_each_reader_is_shown_the_list_as_they_knew_it(client: Client, seed: int) -> None:
    world = make_world(np.random.default_rng(seed))
    then = sorted(world.event.rankings.values_list("created", flat=True))[1]

    for user in world.readers.values():
        client.force_login(user)
        page = client.get(PAGE, {"at": then.isoformat()}).text

        assert names_on(page) == expected_then(world, user)
        assert f"{len(names_on(page))} in this list" in page


def test_the_page_and_the_csv_say_what_was_stored(client: Client) -> None:
    client.force_login(factories.make_observer())
    event = factories.make_event("S261120ab")
    first, second = (factories.make_candidate(event, rank=number) for number in (1, 2))
    then = make_past(event, [second, first])
    Ranking.objects.filter(pk=then.pk).update(log_none=-1.0, log_sums=[[[], 2.0]])
    at = {"at": (timezone.now() - timedelta(hours=1)).isoformat()}

    page = client.get(PAGE, at).text
    lines = list(csv.reader(client.get("/events/S261120ab/past.csv", at).text.splitlines()))
    newest = client.get(PAGE).text

    assert names_on(page) == [second.target.name, first.target.name]
    assert names_on(newest) == [first.target.name, second.target.name]
    stored = RankedCandidate.objects.get(candidate=second, ranking=then)
    total = np.exp(-1.0) + np.exp(2.0)
    assert [line[1] for line in lines[1:]] == [*names_on(page), "none of these"]
    assert float(lines[1][4]) == pytest.approx(np.exp(stored.log_weight) / total)
    assert float(lines[3][4]) == pytest.approx(np.exp(-1.0) / total)


def test_earlier_and_later_lead_from_ranking_to_ranking(client: Client) -> None:
    client.force_login(factories.make_observer())
    event = factories.make_event("S261120ab")
    first, second = (factories.make_candidate(event, rank=number) for number in (1, 2))
    make_past(event, [second, first])

    newest = client.get(PAGE).text
    (back,) = re.findall(r'data-key="p"\s+href="([^"]+)"', newest)
    earlier = client.get(f"{PAGE}{back.replace('&amp;', '&')}").text

    assert 'data-key="n"' not in newest
    assert names_on(earlier) == [second.target.name, first.target.name]
    assert 'data-key="p"' not in earlier
    assert 'data-key="n"' in earlier


@pytest.mark.parametrize(
    ("at", "said", "status"),
    [("yesterday", "This is no time", 400), ("2001-01-01T00:00", "There was no ranking", 200)],
)
def test_a_time_without_a_list_is_told(client: Client, at: str, said: str, status: int) -> None:
    client.force_login(factories.make_observer())
    factories.make_candidate(factories.make_event("S261120ab"))

    assert said in client.get(PAGE, {"at": at}).text
    table = client.get("/events/S261120ab/past.csv", {"at": at})
    assert (table.status_code, table.text.count("\n")) == (status, 1)


def test_a_target_that_left_a_list_without_an_event_stands_in_its_past(client: Client) -> None:
    client.force_login(factories.make_observer())
    strategy = make_strategy(name="Bright things", brighter_than=18.5, with_tests=False)
    for name in ("ZTF26a", "ZTF26b", "ZTF26secret"):
        factories.make_target(name, private=name == "ZTF26secret")
    rank(strategy)
    then = timezone.now()
    TargetSummary.objects.filter(target__name="ZTF26b").update(is_test=True)
    rank(strategy)
    page, at = reverse("list_past", args=[strategy.pk]), {"at": then.isoformat()}

    assert names_on(client.get(page, at).text) == ["ZTF26a", "ZTF26b"]
    assert names_on(client.get(page).text) == ["ZTF26a"]
    assert "ZTF26secret" not in client.get(f"/lists/{strategy.pk}/past.csv").text


def test_the_light_curve_has_the_points_that_were_stored_then(client: Client) -> None:
    client.force_login(factories.make_observer())
    event = factories.make_event("S261120ab")
    make_past(event, [factories.make_candidate(event, factories.make_target(points=3))])
    at = {"at": (timezone.now() - timedelta(hours=1)).isoformat()}

    LightCurvePoint.objects.update(stored=timezone.now() - timedelta(hours=3))
    before = client.get(PAGE, at).text
    LightCurvePoint.objects.update(stored=timezone.now())
    since = client.get(PAGE, at).text

    assert 'class="spark"' in before
    assert 'class="spark"' not in since


def test_a_past_list_asks_as_often_for_many_as_for_two(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(factories.make_observer())
    event = factories.make_event("S261120ab")
    for number in range(25):
        factories.make_candidate(event, rank=number + 1)

    with django_assert_max_num_queries(20):
        page = client.get(PAGE)

    assert len(names_on(page.text)) == 25


# --- The ranks that one member had -------------------------------------------------------------
def orders(event: NonLocalizedEvent, user: User) -> dict[int, list[int]]:
    """The candidates in each ranking, as a reader sees them, by the ranking's key."""
    found = {}
    for ranking in event.rankings.all():
        past = open_past(Listing(event, None), user, when=ranking.created)
        assert past is not None
        found[ranking.pk] = list(past.places().values_list("candidate", flat=True))
    return found


def place_in(order: list[int], pk: int) -> int | None:
    return order.index(pk) + 1 if pk in order else None


@pytest.mark.parametrize("seed", [3, 4])
def test_the_ranks_are_those_of_the_lists_of_each_time(seed: int) -> None:
    world = make_world(np.random.default_rng(seed), targets=12)
    rankings = list(world.event.rankings.order_by("created"))
    for user in world.readers.values():
        stood = orders(world.event, user)
        for row in EventCandidate.objects.visible_to(user).select_related("target"):
            history = read_history(Listing(world.event, None), row.target, row.pk, user)
            told: dict[int, Jump] = {jump.ranking.pk: jump for jump in history.jumps}
            before: int | None = None
            for ranking in rankings:
                after = place_in(stood[ranking.pk], row.pk)
                jump = told.get(ranking.pk)
                assert (jump.before, jump.after) == (before, after) if jump else before == after
                before = after


def test_a_jump_says_which_evidence_moved_and_who_passed(client: Client) -> None:
    client.force_login(factories.make_observer())
    event = factories.make_event("S261120ab")
    first, second = (
        factories.make_candidate(event, factories.make_target(name), rank=number)
        for number, name in enumerate(("ZTF26one", "ZTF26two"), 1)
    )
    make_past(event, [second, first])
    place = RankedCandidate.objects.newest().get(candidate=first)
    place.terms[0][0] = 5.5
    place.save()

    page = client.get(f"/events/S261120ab/candidates/{first.pk}/history/").text
    of_other = client.get(f"/events/S261120ab/candidates/{second.pk}/history/").text

    assert re.search(r"2 → <b>1</b>", page)
    assert "ZTF26two" in page.split("no longer above it")[0].rsplit("<div>", 1)[1]
    assert "4.20 → 5.50" in page
    assert re.search(r"1 → <b>2</b>", of_other)
    assert "ZTF26one" in of_other.split("now above it")[0].rsplit("<div>", 1)[1]


@pytest.fixture
def ranked_event() -> NonLocalizedEvent:
    """An event with two candidates, ranked by the terms that there are."""
    event = factories.make_event("S261120ab")
    for name in ("ZTF26a", "ZTF26b"):
        factories.make_target(name)
    match_event(event)
    score_due(most=100)
    rank_event(event)
    return event


def history_of(client: Client, event: NonLocalizedEvent, name: str) -> str:
    candidate = event.candidates.get(target__name=name)
    text = client.get(f"/events/{event.event_id}/candidates/{candidate.pk}/history/").text
    return re.sub(r"<[^>]*>|\s+", " ", text).replace("  ", " ")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"retracted": True}, "it is real 98% → 0.0% it was retracted"),
        ({"classification": {"BNS": 0.2, "Terrestrial": 0.8}}, "it is real 98% → 20% its messages"),
        ({"properties": {"HasRemnant": 0.0}}, "it shines 95% → 2.0% matter is left outside with"),
    ],
)
def test_a_fall_of_the_chance_that_the_event_causes_is_told_with_its_reason(
    client: Client, ranked_event: NonLocalizedEvent, fields: dict[str, object], told: str
) -> None:
    client.force_login(factories.make_observer())
    for name, value in fields.items():
        setattr(ranked_event, name, value)
    ranked_event.save()
    rank_event(ranked_event)

    text = " ".join(history_of(client, ranked_event, "ZTF26a").split())

    assert told in text
    assert re.search(r"UTC\).* 1 (\d.*?%) → (\d.*?%) the event: ", text)


def test_what_the_list_alone_changed_is_no_reason_of_the_member(
    client: Client, ranked_event: NonLocalizedEvent
) -> None:
    client.force_login(factories.make_observer())
    for number in range(30):
        factories.make_target(f"ZTF26more{number}")
    put_star_on("ZTF26b")
    match_event(ranked_event)
    rank_event(ranked_event)

    of_a = " ".join(history_of(client, ranked_event, "ZTF26a").split())
    of_b = " ".join(history_of(client, ranked_event, "ZTF26b").split())

    assert re.search(
        r"earlier activity [-\d.]+ → [-\d.]+ says the same; the list, or its other", of_a
    )
    assert "a star" in of_b


def test_who_fits_a_list_no_longer_is_told_so(client: Client) -> None:
    client.force_login(factories.make_observer())
    strategy = make_strategy(name="Bright things", with_tests=False)
    target = factories.make_target("ZTF26a")
    rank(strategy)
    TargetSummary.objects.filter(target=target).update(is_test=True)
    rank(strategy)

    text = client.get(reverse("listed_history", args=[strategy.pk, target.pk])).text

    assert "1 → left the list" in text
    assert "it fits the list no longer" in text


def test_a_changed_strategy_is_told_in_a_history_and_on_the_list_as_it_was(client: Client) -> None:
    client.force_login(factories.make_observer())
    strategy = make_strategy(name="Bright things", sought=["kilonova"])
    target = factories.make_target("ZTF26a")
    then = rank(strategy)
    Strategy.objects.filter(pk=strategy.pk).update(sought=["supernova"], weights={"fast": 0.5})
    strategy.refresh_from_db()
    rank(strategy)
    past = reverse("list_past", args=[strategy.pk])

    history = client.get(reverse("listed_history", args=[strategy.pk, target.pk])).text
    pages = [
        " ".join(client.get(past, at).text.split())
        for at in ({"at": then.created.isoformat()} if then else {}, {})
    ]

    assert (
        "the list's settings changed: looks for kilonova → supernova;"
        " weight of fast as the site weighs it → 0.5" in " ".join(history.split())
    )
    assert ["It looked for kilonova" in page for page in pages] == [True, False]
    assert "It looked for supernova" in pages[1]


def test_the_events_page_says_what_its_list_looks_for(client: Client) -> None:
    client.force_login(factories.make_observer())
    factories.make_event("S261120ab")
    (pk,) = Strategy.objects.filter(kind="gw").values_list("pk", flat=True)

    page = " ".join(client.get("/events/S261120ab/").text.split())
    Strategy.objects.filter(pk=pk).delete()
    of_none = " ".join(client.get("/events/S261120ab/").text.split())

    assert f'<a href="/lists/{pk}/versions/">Looks for kilonova</a>' in page
    assert '<span class="quiet">Looks for kilonova</span>' in of_none


def test_a_hidden_candidate_is_in_no_history_of_another(client: Client) -> None:
    client.force_login(factories.make_observer())
    event = factories.make_event("S261120ab")
    row = factories.make_candidate(event, rank=1)
    secret = factories.make_target("ZTF26secret", private=True)
    hidden = factories.make_candidate(event, secret, rank=2)
    make_past(event, [hidden, row])

    own = client.get(f"/events/S261120ab/candidates/{row.pk}/history/").text

    assert "ZTF26secret" not in own
    assert "new: <b>1</b>" in own
    assert "2 →" not in own
    assert client.get(f"/events/S261120ab/candidates/{hidden.pk}/history/").status_code == 404


def test_a_target_of_a_list_without_an_event_has_ranks_too(client: Client) -> None:
    client.force_login(factories.make_observer())
    strategy = make_strategy(name="Bright things")
    # Of equal chances who was made first comes first, whatever the names.
    targets = {name: factories.make_target(name) for name in ("ZTF26b", "ZTF26a")}
    rank(strategy)
    put_star_on("ZTF26b")
    rank(strategy)

    page = client.get(reverse("listed_history", args=[strategy.pk, targets["ZTF26b"].pk])).text
    never = factories.make_target("ZTF26never")
    empty = client.get(reverse("listed_history", args=[strategy.pk, never.pk])).text

    assert re.search(r"1 → <b>2</b>", page)
    assert "a star" in page
    assert "ZTF26a" in page
    assert "was in no ranking of this list" in empty


def test_the_csv_of_the_whole_list_has_each_verdict_and_that_of_the_past_none(
    client: Client,
) -> None:
    ada, bob = (factories.make_observer(name) for name in ("ada", "bob"))
    listed, other = (factories.make_target(name) for name in ("ZTF26a", "ZTF26b"))
    strategy = make_strategy()
    rank(strategy)
    candidate = factories.make_candidate(factories.make_event("S261120ab"), target=other)
    make_past(candidate.event, [candidate])
    for user, verdict, reason in ((ada, "promising", ""), (bob, "rejected", "star")):
        told = {"by": user, "verdict": verdict, "reason": reason}
        Verdict.objects.create(strategy=strategy, target=listed, **told)
        Verdict.objects.create(candidate=candidate, **told)
    client.force_login(ada)

    for name, table in ("ZTF26a", f"/lists/{strategy.pk}/"), ("ZTF26b", "/events/S261120ab/"):
        rows = list(csv.DictReader(client.get(f"{table}past.csv").text.splitlines()))
        row = next(row for row in rows if row["name"] == name)
        assert (row["vetting"], row["vetted"][:2]) == ("rejected", "20")
        assert row["verdicts"] == "Rejected by bob: Star or variable star; Promising by ada"
        assert all(row["vetting"] in {"new", ""} for row in rows if row["name"] != name)
        past = {"at": timezone.now().isoformat()}
        then = list(csv.DictReader(client.get(f"{table}past.csv", past).text.splitlines()))
        assert {(row["vetting"], row["vetted"], row["verdicts"]) for row in then} == {("", "", "")}


def test_the_past_of_a_list_that_is_switched_off_is_kept(client: Client) -> None:
    target = factories.make_target("ZTF26a")
    strategy = make_strategy()
    rank(strategy)
    strategy.active = False
    strategy.save()
    client.force_login(factories.make_observer())
    pages = (
        reverse("list_past", args=[strategy.pk]),
        reverse("list_past_csv", args=[strategy.pk]),
        reverse("listed_history", args=[strategy.pk, target.pk]),
    )

    assert ["ZTF26a" in client.get(page).text for page in pages] == [True] * 3
    assert client.get(f"/lists/{strategy.pk}/").url == reverse("list_versions", args=[strategy.pk])
    strategy.group = factories.make_group("others")
    strategy.save()
    assert [client.get(page).status_code for page in (*pages, f"/lists/{strategy.pk}/")] == [
        404
    ] * 4


def test_the_ranks_of_a_target_are_drawn_above_its_detections(client: Client) -> None:
    target = factories.make_target("ZTF26a", points=3)
    strategy = make_strategy()
    rank(strategy)
    put_star_on("ZTF26a")
    rank(strategy)
    first = Ranking.objects.filter(strategy=strategy).earliest("pk")
    Ranking.objects.filter(pk=first.pk).update(created=timezone.now() - timedelta(hours=8))
    client.force_login(factories.make_observer())

    text = client.get(reverse("listed_history", args=[strategy.pk, target.pk])).text

    assert "in 2 rankings" in text
    assert text.count(' dots" d="M') == 3
