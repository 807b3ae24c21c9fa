"""The pages of the lists without an event."""

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tests.factories import (
    make_admin,
    make_group,
    make_observer,
    make_program,
    make_target,
)
from tests.ranking.test_lists import add_private_point, make_strategy, put_star_on, rank
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.services import rank_list_if_due
from tom.strategies.models import Strategy
from tom.targets.models import TargetSummary
from tom.web.lists import first_places, places_in
from tom.web.past_lists import open_past

pytestmark = pytest.mark.django_db


@pytest.fixture
def observer() -> User:
    return make_observer("sid")


def page(client: Client, user: User, strategy: Strategy) -> str:
    client.force_login(user)
    answer = client.get(reverse("ranked_list", args=[strategy.pk]))
    return answer.text if answer.status_code == 200 else ""


def names_on(text: str) -> list[str]:
    """The targets of the page, in its order."""
    return [part.split("</b>")[0] for part in text.split("<b>") if part.startswith("ZTF26")]


def test_a_list_shows_its_targets_the_most_probable_first_with_the_reasons(
    client: Client, observer: User
) -> None:
    strategy = make_strategy(name="Bright things", brighter_than=18.5, sought=["supernova"])
    for name in ("ZTF26a", "ZTF26b"):
        make_target(name)
    put_star_on("ZTF26a")
    rank(strategy)

    text = page(client, observer, strategy)

    assert names_on(text) == ["ZTF26b", "ZTF26a"]
    assert "brighter than 18.5 mag" in text
    assert "a star" in text


def test_the_index_counts_what_its_reader_may_see(client: Client, observer: User) -> None:
    Strategy.objects.all().delete()
    make_strategy(name="Hunt for mergers", kind="gw")
    strategy = make_strategy(name="Bright things")
    make_target("ZTF26a")
    make_target("ZTF26secret", private=True)
    rank(strategy)

    client.force_login(observer)
    few = client.get(reverse("list_index")).text
    client.force_login(make_admin())
    many = client.get(reverse("list_index")).text

    assert '<td class="num" data-label="Targets">1</td>' in few
    assert '<td class="num" data-label="Targets">2</td>' in many
    assert "Hunt for mergers" in few


def test_the_index_says_that_a_list_was_not_ranked_yet(client: Client, observer: User) -> None:
    Strategy.objects.all().delete()
    make_strategy(name="Bright things")

    client.force_login(observer)

    assert "not yet" in client.get(reverse("list_index")).text


def test_an_empty_list_says_whether_it_was_ranked(client: Client, observer: User) -> None:
    strategy = make_strategy(name="Bright things", brighter_than=-20.0)

    before = page(client, observer, strategy)
    rank_list_if_due(strategy)
    after = page(client, observer, strategy)

    assert "Nothing was ranked yet" in before
    assert "No target is in this list now" in after


def test_nobody_sees_a_private_target_in_a_list_or_a_list_of_another_group(
    client: Client, observer: User
) -> None:
    group = make_group("ours")
    open_list, ours = make_strategy(name="open"), make_strategy(name="ours", group=group)
    member = make_observer("member", groups=[group])
    make_target("ZTF26a")
    make_target("ZTF26secret", private=True, owners=[group])
    for strategy in (open_list, ours):
        rank(strategy)

    assert names_on(page(client, observer, open_list)) == ["ZTF26a"]
    assert names_on(page(client, member, open_list)) == ["ZTF26a", "ZTF26secret"]
    assert page(client, observer, ours) == ""
    assert names_on(page(client, member, ours)) == ["ZTF26a", "ZTF26secret"]
    client.force_login(observer)
    assert "<b>ours</b>" not in client.get(reverse("list_index")).text


def test_a_target_of_two_audiences_stands_once_where_its_reader_knows_most(
    client: Client, observer: User
) -> None:
    group = make_group("ours")
    strategy = make_strategy()
    make_target("ZTF26a")
    add_private_point("ZTF26a", make_program(2, group=group))
    rank(strategy)
    member = make_observer("member", groups=[group])

    for user in (observer, member):
        assert names_on(page(client, user, strategy)) == ["ZTF26a"]


def test_a_target_known_from_a_test_alone_says_so_in_a_list(client: Client, observer: User) -> None:
    strategy = make_strategy(with_tests=True)
    make_target("ZTF26a")
    rank(strategy)
    real = page(client, observer, strategy)
    TargetSummary.objects.update(is_test=True)
    rank(strategy)

    assert '<span class="badge-x">Test</span>' not in real
    assert '<span class="badge-x">Test</span>' in page(client, observer, strategy)


def test_a_list_switched_off_is_shown_to_nobody(client: Client, observer: User) -> None:
    strategy = make_strategy(active=False)

    assert page(client, observer, strategy) == ""


def test_a_list_asks_as_often_for_many_targets_as_for_few(
    client: Client, observer: User, django_assert_max_num_queries
) -> None:
    strategy = make_strategy()
    make_target("ZTF26a")
    rank(strategy)
    page(client, observer, strategy)
    for number in range(20):
        make_target(f"ZTF26x{number}")
    rank(strategy)

    with django_assert_max_num_queries(28):  # two say whom to ask for what one may not
        text = page(client, observer, strategy)

    assert len(names_on(text)) == 21


def test_the_api_tells_the_lists_and_their_targets_that_its_user_may_see(
    client: Client, observer: User
) -> None:
    Strategy.objects.filter(kind="").delete()
    group = make_group("ours")
    strategy = make_strategy(name="open", brighter_than=18.5, prior=0.5)
    make_strategy(name="ours", group=group)
    make_target("ZTF26a")
    make_target("ZTF26secret", private=True)
    put_star_on("ZTF26a")
    rank(strategy)
    client.force_login(observer)

    lists = client.get("/api/lists/").json()["results"]
    places = client.get(f"/api/lists/{strategy.pk}/targets/").json()["results"]

    assert [(each["name"], each["brighter_than"]) for each in lists] == [("open", 18.5)]
    assert [place["name"] for place in places] == ["ZTF26a"]
    assert places[0]["posterior"] < 0.5
    assert {term["name"] for term in places[0]["terms"]} >= {"star", "minor planet"}
    assert client.get("/api/lists/123456/targets/").status_code == 404


IN_TURN = '"log_weight" DESC, "ranking_rankedcandidate"."target_id" ASC'


@pytest.fixture
def many_places() -> Strategy:
    """A list of 60 targets: many have one weight and many are private, some have two places."""
    strategy = make_strategy(name="Bright things")
    ranking = Ranking.objects.create(strategy=strategy, prior=0.001, layout=[])
    own = make_program(77, group=make_group("ours"))
    names = [f"ZTF26{(i * 37) % 60:02d}" for i in range(60)]
    targets = [make_target(name, points=0, private=name[-1] not in "036") for name in names]
    private = BaseTarget.Permissions.PRIVATE
    places = [(each, [], i % 7 + (each.permissions == private)) for i, each in enumerate(targets)]
    places += [(target, [own.pk], i % 5) for i, target in enumerate(targets) if i % 4 == 0]
    RankedCandidate.objects.bulk_create(
        RankedCandidate(
            strategy=strategy, ranking=ranking, target=target, programs=programs, terms={},
            log_weight=weight, log_weight_low=weight, log_weight_high=weight,
        )
        for target, programs, weight in places
    )  # fmt: skip
    return strategy


def test_the_first_places_of_a_list_are_its_first_for_each_reader(
    many_places: Strategy, observer: User
) -> None:
    member = make_observer("member", groups=[Group.objects.get(name="ours")])
    for reader in (observer, member, make_admin()):
        expected = list(places_in(many_places, reader).values_list("pk", "target"))
        for most in (1, 8, 20, 53, 60, 200):
            assert first_places(many_places, reader, most=most) == expected[:most]


def test_the_pages_of_the_api_have_each_reader_s_places_in_order(
    many_places: Strategy, observer: User, client: Client
) -> None:
    member = make_observer("member", groups=[Group.objects.get(name="ours")])
    for reader in (observer, member, make_admin()):
        expected = list(places_in(many_places, reader).values_list("target", flat=True))
        client.force_login(reader)
        url = f"/api/lists/{many_places.pk}/targets/?limit=7"
        found: list[int] = []
        while url:
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(url).json()
            assert any("LIMIT" in each["sql"] and IN_TURN in each["sql"] for each in asked)
            assert answer["count"] == len(expected)
            found += [row["target"] for row in answer["results"]]
            url = answer["next"]
        assert found == expected


def test_the_first_places_are_found_by_an_index_that_has_all_they_need(
    many_places: Strategy,
) -> None:
    member = make_observer("member", groups=[Group.objects.get(name="ours")])
    with CaptureQueriesContext(connection) as asked:
        first_places(many_places, member, most=8)

    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):  # the ways of a small table
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Only Scan using ranking_place_in_turn" in plan
    assert "Sort  (" not in plan


def test_of_equal_chances_who_was_made_first_comes_first_now_and_in_the_past(
    many_places: Strategy,
) -> None:
    reader = make_admin()

    now = places_in(many_places, reader).values_list("log_weight", "target_id")
    past = open_past(Listing(None, many_places), reader, when=timezone.now())
    assert past is not None
    then = past.places().values_list("log_weight", "target_id")

    assert list(now) == sorted(now, key=lambda row: (-row[0], row[1])) == list(then)


def test_a_lists_bounds_are_shown_as_they_were_given(observer: User) -> None:
    strategy = make_strategy(
        brighter_than=18.25,
        first_seen_days=0.5,
        days_before=0.25,
        ra=10.0,
        dec=-5.0,
        radius_deg=0.02,
    )

    text = " ".join(page(Client(), observer, strategy).split())

    for told in ("than 18.25 mag", "last 0.5 d", "last 0.25 d", "within 0.02° of 00:40:00.00"):
        assert told in text


def test_a_list_says_what_it_is_ranked_by_with_the_sites_defaults(observer: User) -> None:
    make_target("ZTF26a")
    given = make_strategy(
        name="given", prior=0.25, weights={"real_bogus": 0.5}, sought=["supernova"], explore=0.2
    )
    usual = make_strategy(name="usual", terms=[], sought=["supernova"])
    for strategy in (given, usual):
        rank(strategy)

    texts = [" ".join(page(Client(), observer, each).split()) for each in (given, usual)]

    assert "a chance of 0.25 <" in texts[0]
    assert "star, minor planet<" in texts[0]
    assert "real, with weight 0.5 of 1" in texts[0]
    assert "20% of a night" in texts[0]
    assert f"a chance of {settings.CANDIDATE_PRIOR:g} <" in texts[1]
    assert "real, with weight 1 of 1" in texts[1]
    assert "star, minor planet<" in texts[1]  # all that it can know
