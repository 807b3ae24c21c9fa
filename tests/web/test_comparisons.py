"""Comparing strategies on past nights: the rows, the task that fills them, and the pages."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_admin, make_group, make_observer, make_target, make_user
from tests.ranking.test_lists import make_strategy, put_star_on
from tests.ranking.test_yields import known_since
from tests.scoring.test_feedback import type_target
from tom.ranking.compared import Compared, Comparison
from tom.ranking.comparisons import (
    BROKEN_AFTER,
    KEPT,
    MOST_ATTEMPTS,
    due_comparisons,
    forget_comparisons,
    work_comparison,
)
from tom.strategies.models import Strategy
from tom.targets.classified import Classification
from tom.targets.facts import SummaryFact

pytestmark = pytest.mark.django_db
PAGE = "/lists/compare/"


@pytest.fixture
def observer(client: Client) -> User:
    user = make_observer("sid")
    client.force_login(user)
    return user


@pytest.fixture
def strategies() -> list[Strategy]:
    """One puts a star last, the other, switched off, cannot tell; a supernova and a star."""
    for name, label in (("ZTF26a", "variable"), ("ZTF26b", "supernova Ia")):
        target = make_target(name)
        type_target(target, label)
        known_since(target, ago=9.0)
    put_star_on("ZTF26a")
    SummaryFact.objects.update(stored=timezone.now() - timedelta(days=9), xact=None)
    stars = make_strategy(name="Knows stars", sought=["supernova"])
    blind = make_strategy(
        name="Knows none", sought=["supernova"], terms=["minor planet"], active=False
    )
    return [stars, blind]


def ask(client: Client, strategies: list[Strategy], **fields: object) -> Comparison | None:
    keys = [strategy.pk for strategy in strategies]
    form = {"strategies": keys, "nights": 2, "k": 1, "truth": "spectra", **fields}
    client.post(PAGE, form)
    return Comparison.objects.first()


def work(comparison: Comparison) -> int:
    """Work until nothing is left; return how many lists were asked for."""
    steps = 1
    while work_comparison(comparison.pk):
        steps += 1
    comparison.refresh_from_db()
    return steps


def page(client: Client, comparison: Comparison, query: str = "") -> str:
    return client.get(reverse("comparison", args=[comparison.pk]) + query).text


def row_of(text: str, name: str) -> list[str]:
    """The cells of a strategy's row, without what stands between brackets."""
    row = next(part for part in text.split("<tr data-row>") if f"<b>{name}</b>" in part)
    return [" ".join(cell.split("</td>")[0].split()) for cell in row.split("<td")[1:]]


def test_a_comparison_counts_what_each_found_and_shows_its_first_beside_the_others(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    comparison = ask(client, strategies)
    assert comparison is not None
    waiting = page(client, comparison)
    steps = work(comparison)
    text = page(client, comparison)

    assert steps == 2 * (1 + comparison.nights)
    assert "0 of 6 lists are made." in waiting
    assert "every 2s" in waiting
    assert "every 2s" not in text
    knows, blind = row_of(text, "Knows stars"), row_of(text, "Knows none")
    assert "1.00 to 1.00" in knows[3]
    assert "0.00 to 0.00" in blind[3]
    assert "0.50 to 0.50" in knows[5]
    assert "+1.00" in knows[8]
    assert "to" not in blind[8]
    assert "0 targets in all of them" in text
    assert "1 only in Knows stars" in text
    assert text.count("only here") == 2
    assert "1 of 1" in knows[10]
    assert "says nothing yet" not in knows[10]


def test_where_nobody_typed_a_target_the_figures_say_nothing_yet(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    Classification.objects.all().delete()
    comparison = ask(client, strategies)
    assert comparison is not None
    work(comparison)

    knows = row_of(page(client, comparison), "Knows stars")

    assert knows[10].endswith("says nothing yet</div>")


def test_where_nothing_was_stored_no_figure_stands(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    SummaryFact.objects.update(stored=timezone.now())
    comparison = ask(client, strategies)
    assert comparison is not None
    work(comparison)

    text = page(client, comparison)

    assert "No list had a target in any of these nights" in text
    assert not any(" to " in cell for cell in row_of(text, "Knows stars")[3:9])


def test_a_page_of_many_nights_asks_as_often_as_one_of_few(
    client: Client, observer: User, strategies: list[Strategy], django_assert_max_num_queries
) -> None:
    comparison = ask(client, strategies)
    assert comparison is not None
    work(comparison)
    page(client, comparison)

    with django_assert_max_num_queries(17):
        page(client, comparison)
    with django_assert_max_num_queries(17):
        client.get(PAGE)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"strategies": []}, "This field is required"),
        ({"strategies": ["9" * 30, "x"]}, "Enter a list of values"),
        ({"nights": 61}, "less than or equal to 60"),
        ({"k": 51}, "less than or equal to 50"),
        ({"truth": "tea leaves"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(
    client: Client, observer: User, strategies: list[Strategy], fields: dict[str, object], said: str
) -> None:
    form = {"strategies": [row.pk for row in strategies], "nights": 2, "k": 1, "truth": "spectra"}
    answer = client.post(PAGE, form | fields)

    assert answer.status_code == 422
    assert said in answer.text
    assert not Comparison.objects.exists()


def test_nobody_compares_or_reads_of_a_list_of_another_group(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    group = make_group("ours")
    theirs = make_strategy(name="Theirs", sought=["supernova"], group=group)
    member = make_observer("member", groups=[group])

    assert ask(client, [*strategies, theirs]) is None
    assert "Theirs" not in client.get(PAGE).text
    client.force_login(member)
    comparison = ask(client, [*strategies, theirs])
    assert comparison is not None
    work(comparison)
    assert "Theirs" in page(client, comparison)

    client.force_login(observer)
    assert client.get(reverse("comparison", args=[comparison.pk])).status_code == 404
    assert "Theirs" not in client.get(PAGE).text


def test_a_target_made_private_since_is_no_longer_named(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    comparison = ask(client, strategies)
    assert comparison is not None
    work(comparison)
    before = page(client, comparison)
    type(make_target("ZTF26c")).objects.filter(name="ZTF26b").update(permissions="PRIVATE")
    after = page(client, comparison)

    assert "ZTF26b" in before
    assert "ZTF26b" not in after
    assert "a target that you may not see now" in after


def test_who_has_no_right_reads_and_asks_for_nothing(
    client: Client, strategies: list[Strategy]
) -> None:
    client.force_login(make_user("plain"))
    form = {"strategies": [row.pk for row in strategies], "nights": 2, "k": 1, "truth": "spectra"}

    assert client.post(PAGE, form).status_code == 403
    assert client.get(PAGE).status_code == 200


def test_one_comparison_of_a_person_is_under_way_at_a_time(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    first = ask(client, strategies)
    ask(client, strategies)

    assert Comparison.objects.get() == first


def test_a_strategy_that_changes_meanwhile_ends_the_comparison_with_the_reason(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    comparison = ask(client, strategies)
    assert comparison is not None
    work_comparison(comparison.pk)
    Strategy.objects.filter(name="Knows none").update(brighter_than=15.0)
    work(comparison)

    assert "The settings of Knows none, or a scorer, changed meanwhile." in page(client, comparison)
    assert "its settings or a scorer changed since" in page(client, comparison)


def test_a_worker_that_dies_costs_one_list_and_one_that_always_dies_ends_it(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    comparison = ask(client, strategies)
    assert comparison is not None
    now = timezone.now()
    rows = Comparison.objects.filter(pk=comparison.pk)
    rows.update(begun=now, attempts=1)

    assert due_comparisons(now) == []
    assert not work_comparison(comparison.pk)
    assert not Compared.objects.exclude(nights=[]).exists()
    assert due_comparisons(now + BROKEN_AFTER * 1.1) == [comparison.pk]
    rows.update(attempts=MOST_ATTEMPTS)
    assert due_comparisons(now + BROKEN_AFTER * 1.1) == []
    assert "The work was broken off each time." in page(client, comparison)


def test_old_comparisons_are_forgotten(
    client: Client, observer: User, strategies: list[Strategy]
) -> None:
    comparison = ask(client, strategies)
    assert comparison is not None

    forget_comparisons(comparison.created + KEPT)
    assert Comparison.objects.exists()
    forget_comparisons(comparison.created + KEPT * 1.1)
    assert not Comparison.objects.exists()


def test_the_form_of_a_strategy_leads_to_its_comparison(client: Client) -> None:
    client.force_login(make_admin())
    strategy = make_strategy(name="Draft", active=False)
    make_strategy(name="Other")  # alone it can be compared with none

    for page in ("list_change", "list_versions"):
        shown = client.get(reverse(page, args=[strategy.pk])).text
        assert f'href="{PAGE}?strategies={strategy.pk}"' in shown
    assert "checked" in client.get(f"{PAGE}?strategies={strategy.pk}").text
