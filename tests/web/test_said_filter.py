"""Lists of an event and without one, filtered by a class and by who says it."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tom_targets.base_models import BaseTarget

from tests.factories import (
    make_candidate,
    make_event,
    make_group,
    make_observer,
    make_program,
    make_target,
)
from tests.ranking.test_lists import make_strategy, put_star_on, rank
from tests.targets.test_words import say
from tom.candidates.models import EventCandidate, Verdict
from tom.events.models import NonLocalizedEvent
from tom.strategies.models import Strategy
from tom.targets.models import SurveyObject
from tom.web.views import lists

pytestmark = pytest.mark.django_db

SUPERNOVA, AGN, SILENT = "ZTF26aaaaaaa", "ZTF26bbbbbbb", "ZTF26ccccccc"


@pytest.fixture
def vera(client: Client) -> User:
    vera = make_observer("vera")
    client.force_login(vera)
    return vera


@pytest.fixture
def event() -> NonLocalizedEvent:
    """Three candidates: of one is said a supernova, of one an active nucleus, of one nothing."""
    event = make_event("S261120ab")
    program = make_program()
    for number, name in enumerate((SUPERNOVA, AGN, SILENT), start=1):
        target = make_target(name)
        make_candidate(event, target, rank=number, credible_level_2d=0.5)
        know(name, [program.pk])
    say("Fink", "snn", "agn", days=3)  # an earlier word
    say("Fink", "snn", "supernova Ia")
    say("ALeRCE", "lc", "agn", object_id=AGN)
    return event


def know(name: str, programs: list[int]) -> None:
    target = EventCandidate.objects.get(target__name=name).target
    defaults = {"target": target, "programs": programs}
    SurveyObject.objects.update_or_create(survey="ZTF", object_id=name, defaults=defaults)


def names_at(client: Client, path: str) -> list[str]:
    """The targets that the page of an address lists, in its order."""
    return re.findall(r"<b>(ZTF26\w+)</b>", client.get(path).text)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", [SUPERNOVA, AGN, SILENT]),
        ("class=supernova", [SUPERNOVA]),
        ("class=agn", [AGN]),
        ("class=agn&by=Fink", []),
        ("by=Fink", [SUPERNOVA]),
        ("class=kilonova", []),
        ("class=no+such+class&by=nobody", [SUPERNOVA, AGN, SILENT]),
        ("class=supernova&q=bbb", []),
    ],
)
def test_an_event_s_list_shows_those_of_which_the_newest_word_is_the_class(
    client: Client, vera: User, event: NonLocalizedEvent, asked: str, names: list[str]
) -> None:
    part = f"/events/{event.event_id}/?part=candidates&{asked}"
    table = f"/events/{event.event_id}/candidates.csv?{asked}"

    assert names_at(client, part) == names
    assert [row.split(",")[1] for row in client.get(table).text.split()[1:]] == names


def test_the_filter_keeps_the_others_in_the_address_and_is_labelled(
    client: Client, vera: User, event: NonLocalizedEvent
) -> None:
    page = f"/events/{event.event_id}/"

    answer = client.get(f"{page}?part=candidates&class=supernova&by=Fink&order=name&region=all")

    assert answer["HX-Replace-Url"] == f"{page}?class=supernova&by=Fink&order=name&region=all"
    text = " ".join(answer.text.split())
    assert '<label> Class <select name="class"' in text
    assert '<label> Said by <select name="by"' in text
    assert '<option value="supernova" selected>' in text
    by_level = next(link for link in re.findall(r'href="([^"]*)"', text) if "order=level" in link)
    assert "class=supernova" in by_level
    assert "by=Fink" in by_level


def test_what_is_said_of_a_private_object_finds_it_for_its_readers_alone(
    client: Client, vera: User, event: NonLocalizedEvent
) -> None:
    group = make_group("ours")
    know(SUPERNOVA, [make_program(2, group=group).pk])
    list_page = f"/events/{event.event_id}/?part=candidates&class=supernova"
    api = f"/api/events/{event.event_id}/candidates/?class=supernova"

    assert names_at(client, list_page) == []
    assert client.get(api).json()["results"] == []
    vera.groups.add(group)
    assert names_at(client, list_page) == [SUPERNOVA]
    assert len(client.get(api).json()["results"]) == 1


def test_the_api_filters_candidates_and_refuses_what_is_no_class(
    client: Client, vera: User, event: NonLocalizedEvent
) -> None:
    api = f"/api/events/{event.event_id}/candidates/"

    def found(asked: str) -> list[int]:
        return [each["target"] for each in client.get(f"{api}?{asked}").json()["results"]]

    ids = dict(EventCandidate.objects.values_list("target__name", "target"))
    assert found("class=supernova") == [ids[SUPERNOVA]]
    assert found("by=ALeRCE") == [ids[AGN]]
    assert client.get(f"{api}?class=no").status_code == 400
    assert client.get(f"{api}?by=no").status_code == 400


@pytest.fixture
def strategy(event: NonLocalizedEvent) -> Strategy:
    strategy = make_strategy()
    put_star_on(SUPERNOVA)
    rank(strategy)
    return strategy


def test_a_list_without_an_event_is_filtered_and_keeps_its_ranks(
    client: Client, vera: User, strategy: Strategy
) -> None:
    page, api = f"/lists/{strategy.pk}/", f"/api/lists/{strategy.pk}/targets/"

    assert names_at(client, page) == [AGN, SILENT, SUPERNOVA]
    assert names_at(client, f"{page}?class=supernova") == [SUPERNOVA]
    answer = client.get(f"{page}?class=supernova&by=Fink").text
    assert '<td class="num quiet rank">3</td>' in answer
    assert [each["name"] for each in client.get(f"{api}?class=agn").json()["results"]] == [AGN]
    assert client.get(f"{api}?class=no").status_code == 400
    assert "No target of this list fits" in client.get(f"{page}?class=kilonova").text


def test_each_page_of_a_filtered_list_is_found_in_each_way(
    client: Client, vera: User, event: NonLocalizedEvent, strategy: Strategy, monkeypatch
) -> None:
    for number in range(20):
        name = f"ZTF26ddddd{number:02}"
        make_candidate(event, make_target(name), rank=10 + number)
        know(name, [make_program().pk])
        if number % 3:
            say("Fink", "snn", "agn", object_id=name)
        else:
            put_star_on(name)
    rank(strategy)
    rejected = BaseTarget.objects.get(name="ZTF26ddddd04")
    Verdict.objects.create(strategy=strategy, target=rejected, by=vera, verdict="rejected")
    monkeypatch.setattr(lists, "ROWS_SHOWN", 3)

    def pages(window: int) -> tuple[list[str], list[bool]]:
        monkeypatch.setattr("tom.web.lists.WINDOW", window)
        answers = [
            client.get(f"/lists/{strategy.pk}/?by=Fink&page={number}") for number in range(1, 6)
        ]
        ranked = r'quiet rank">(\d+)</td>|<b>(ZTF26\w+)</b>'
        shown = [each for answer in answers for each in re.findall(ranked, answer.text)]
        return shown, [answer.context["page"].paginator.is_more for answer in answers]

    found = {window: pages(window) for window in (1, 2, 100)}

    assert found[1][0] == found[2][0] == found[100][0]
    assert len(found[1][0]) == 2 * 13
    assert "ZTF26ddddd04" not in found[1][0]
    assert found[1][1] == found[100][1] == [False] * 5  # all were counted
    assert found[2][1][0]  # no more than the first were asked


def test_a_filtered_list_asks_as_often_for_many_as_for_few(
    client: Client,
    vera: User,
    event: NonLocalizedEvent,
    strategy: Strategy,
    django_assert_max_num_queries,
) -> None:
    pages = [f"/events/{event.event_id}/?part=candidates&by=Fink", f"/lists/{strategy.pk}/?by=Fink"]
    few = []
    for page in pages:
        names_at(client, page)
        with django_assert_max_num_queries(30) as asked:
            assert names_at(client, page) == [SUPERNOVA]
        few.append(len(asked))
    for number in range(20):
        name = f"ZTF26ddddd{number:02}"
        make_candidate(event, make_target(name), rank=10 + number, credible_level_2d=0.5)
        know(name, [make_program().pk])
        say("Fink", "snn", "agn", object_id=name)
    rank(strategy)

    for page, most in zip(pages, few, strict=True):
        with django_assert_max_num_queries(most):
            assert len(names_at(client, page)) == 21
