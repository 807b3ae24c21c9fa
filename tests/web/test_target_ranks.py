"""Targets by the list that a person chose: on the page Targets and on the first page."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import make_group, make_observer, make_program, make_target
from tests.ranking.test_lists import add_private_point, make_strategy, put_star_on, rank
from tom.candidates.models import Vetting
from tom.candidates.verdicts import give_verdict_in_list
from tom.strategies.models import Strategy, StrategyChoice
from tom.targets.models import TargetSummary
from tom.web import target_ranks

pytestmark = pytest.mark.django_db
CHOOSE = "/lists/choose/"


@pytest.fixture
def observer(client: Client) -> User:
    user = make_observer("sid")
    client.force_login(user)
    return user


@pytest.fixture
def strategy() -> Strategy:
    """A list of two, whose star is last; two others, one seen after the other, are in none."""
    Strategy.objects.all().delete()
    for name in ("ZTF26a", "ZTF26b"):
        make_target(name)
    put_star_on("ZTF26a")
    make_strategy(name="Empty", brighter_than=-20.0)
    strategy = make_strategy(name="Bright things", sought=["supernova"])
    rank(strategy)
    for name, shift in (("ZTF26x", 1), ("ZTF26y", 0)):
        target = make_target(name)
        rows = TargetSummary.objects.filter(target=target)
        last = rows.values_list("last_detection", flat=True).get()
        assert last is not None
        rows.update(last_detection=last.replace(year=last.year - 1 - shift))
    return strategy


def names(text: str) -> list[str]:
    return re.findall(r"<b>(ZTF26\w+)</b>", text)


def targets(client: Client, query: str = "") -> list[str]:
    return names(client.get(f"/targets/{query}").text)


def test_targets_stand_in_the_order_of_a_list_with_the_reasons_and_the_others_after(
    client: Client, observer: User, strategy: Strategy
) -> None:
    text = client.get(f"/targets/?order=list-{strategy.pk}").text

    assert names(text) == ["ZTF26b", "ZTF26a", "ZTF26y", "ZTF26x"]
    assert targets(client, f"?order=list-{strategy.pk}&rest=hide") == ["ZTF26b", "ZTF26a"]
    ranks = re.findall(r'<td class="num quiet rank">(\d*)</td>', text)
    assert ranks == ["1", "2", "", ""]
    assert "a star" in text[text.index("<details") :]
    assert f"/lists/{strategy.pk}/targets/" in text


def test_a_name_is_sought_among_the_ranked_first(
    client: Client, observer: User, strategy: Strategy
) -> None:
    order = f"order=list-{strategy.pk}"

    assert targets(client, f"?{order}&q=ZTF26") == ["ZTF26b", "ZTF26a", "ZTF26y", "ZTF26x"]
    assert targets(client, f"?{order}&q=ZTF26x") == ["ZTF26x"]
    assert targets(client, f"?{order}&q=ZTF26x&rest=hide") == []


def test_of_a_filter_that_many_fit_no_more_of_the_list_is_asked_than_a_page_needs(
    client: Client, observer: User, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_ranks, "PER_PAGE", 1)
    monkeypatch.setattr(target_ranks, "WINDOW", 1)
    rank(strategy)
    query = f"?order=list-{strategy.pk}&q=ZTF26"
    first = client.get(f"/targets/{query}")
    shown = [names(client.get(f"/targets/{query}&page={n}").text) for n in range(1, 5)]

    assert first.context["page"].paginator.said == "more than 2"
    assert sorted(name for page in shown for name in page) == [f"ZTF26{c}" for c in "abxy"]


def test_pages_go_on_from_the_ranked_to_the_others(
    client: Client, observer: User, strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_ranks, "PER_PAGE", 3)
    query = f"?order=list-{strategy.pk}"

    assert targets(client, query) == ["ZTF26b", "ZTF26a", "ZTF26y"]
    assert targets(client, f"{query}&page=2") == ["ZTF26x"]


def test_a_choice_is_kept_for_each_person_and_none_is_a_choice(
    client: Client, observer: User, strategy: Strategy
) -> None:
    by_sight = targets(client)
    other = make_strategy(name="Another list")
    client.post(CHOOSE, {"strategy": strategy.pk, "back": "targets"})

    assert targets(client) == ["ZTF26b", "ZTF26a", "ZTF26y", "ZTF26x"] != by_sight
    client.post(CHOOSE, {"strategy": other.pk})
    assert StrategyChoice.objects.get().strategy == other
    client.post(CHOOSE, {"strategy": ""})
    assert targets(client) == by_sight
    assert "No list is chosen" in client.get("/").text


def test_the_first_page_shows_the_first_of_the_chosen_list_without_what_is_rejected(
    client: Client, observer: User, strategy: Strategy
) -> None:
    usual = client.get("/?part=ranked").text
    target = TargetSummary.objects.get(target__name="ZTF26b").target
    give_verdict_in_list(strategy, target, Vetting.REJECTED, by=observer, is_public=True)
    after = client.get("/?part=ranked").text

    assert names(usual) == ["ZTF26b", "ZTF26a"]
    assert names(after) == ["ZTF26a"]
    assert '<td class="num quiet rank">2</td>' in after


def test_nobody_chooses_or_reads_a_list_of_another_group(
    client: Client, observer: User, strategy: Strategy
) -> None:
    theirs = make_strategy(name="Theirs", group=make_group("ours"))
    rank(theirs)

    assert client.post(CHOOSE, {"strategy": theirs.pk}).status_code == 404
    assert client.post(CHOOSE, {"strategy": "x"}).status_code == 404
    for page in ("/targets/", "/", f"/targets/?order=list-{theirs.pk}"):
        assert "Theirs" not in client.get(page).text
    StrategyChoice.objects.create(user=observer, strategy=theirs)
    assert "Theirs" not in client.get("/").text
    assert "Chance" not in client.get("/targets/").text


def test_private_targets_and_points_count_for_their_readers_alone(
    client: Client, observer: User, strategy: Strategy
) -> None:
    group = make_group("ours")
    make_target("ZTF26secret", private=True, owners=[group])
    add_private_point("ZTF26a", make_program(2, group=group))
    rank(strategy)
    order = f"?order=list-{strategy.pk}&rest=hide"

    assert "ZTF26secret" not in targets(client, order)
    client.force_login(make_observer("member", groups=[group]))
    shown = targets(client, order)
    assert len(shown) == len(set(shown)) == 5
    assert "ZTF26secret" in shown
    assert targets(client, f"?order=list-{strategy.pk}").count("ZTF26a") == 1


def test_the_pages_ask_as_often_for_many_targets_as_for_few(
    client: Client, observer: User, strategy: Strategy
) -> None:
    pages = (f"/targets/?order=list-{strategy.pk}", "/?part=ranked")

    def asked() -> list[int]:
        counts = []
        for page in pages:
            with CaptureQueriesContext(connection) as queries:
                client.get(page)
            counts.append(len(queries))
        return counts

    asked()
    few = asked()
    for number in range(12):
        make_target(f"ZTF26m{number}")
    rank(strategy)

    assert asked() == few
