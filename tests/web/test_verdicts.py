"""Verdicts on the pages: rows that stay, who said what, and the way through a list."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tom.candidates.models import EventCandidate, Verdict, Vetting
from tom.candidates.verdicts import give_verdict
from tom.events.models import NonLocalizedEvent
from tom.web.views import verdicts as views

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/"
HX = {"HX-Request": "true"}


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("vera"))
    return client


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab", time=timezone.now() - timedelta(hours=3))


@pytest.fixture
def candidates(event: NonLocalizedEvent) -> list[EventCandidate]:
    return [
        factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
        for rank in range(1, 5)
    ]


def give(client: Client, candidate: EventCandidate, vetting: str, **values: object) -> str:
    answer = client.post(
        f"{PAGE}candidates/{candidate.pk}/vet/", {"vetting": vetting, **values}, headers=HX
    )
    assert answer.status_code == 200
    return answer.text


def names(text: str) -> list[str]:
    found: list[str] = re.findall(r"<b>(ZTF26row\d)</b>", text)
    return found


def test_a_rejected_row_stays_in_place_until_the_filter_changes(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    observer.get(PAGE)
    give(observer, candidates[1], "rejected")
    shown = [
        names(observer.get(f"{PAGE}{query}").text) for query in ("", "?part=candidates&auto=1")
    ]
    filtered = names(observer.get(f"{PAGE}?vetting=new").text)
    again = names(observer.get(PAGE).text)

    everything = ["ZTF26row1", "ZTF26row2", "ZTF26row3", "ZTF26row4"]
    assert shown == [everything, everything]
    assert filtered == again == ["ZTF26row1", "ZTF26row3", "ZTF26row4"]


def test_a_row_stays_in_a_list_that_is_asked_for_before_the_verdict_is_answered(
    observer: Client, candidates: list[EventCandidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, shown = Client(), list[list[str]]()
    beside.cookies = observer.cookies
    answer = views._answer

    def look_first(*args: object) -> object:
        shown.append(names(beside.get(f"{PAGE}?part=candidates&auto=1").text))
        return answer(*args)  # type: ignore[arg-type]

    observer.get(PAGE)
    monkeypatch.setattr(views, "_answer", look_first)
    give(observer, candidates[1], "rejected")

    assert shown == [["ZTF26row1", "ZTF26row2", "ZTF26row3", "ZTF26row4"]]


def test_a_row_stays_where_the_list_has_a_filter_too(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    observer.get(f"{PAGE}?vetting=new")

    give(observer, candidates[0], "promising", list="vetting=new")

    assert names(observer.get(f"{PAGE}?vetting=new").text)[0] == "ZTF26row1"


def test_a_list_without_any_filter_still_shows_all_when_a_row_stays(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    query = "vetting=all&region=all"
    observer.get(f"{PAGE}?{query}")

    give(observer, candidates[0], "rejected", list=query)

    assert len(names(observer.get(f"{PAGE}?{query}").text)) == 4


def test_who_decided_when_and_why_is_shown_for_each_person(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    give_verdict(candidates[0], Vetting.PROMISING, by=factories.make_observer("ed"))

    row = give(observer, candidates[0], "rejected", reason="moving", note="2004 AB")
    target = observer.get(f"/targets/{candidates[0].target_id}/?event=S261120ab").text

    for text in (row, target):
        plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
        assert re.search(r"Rejected by vera, \d+ s ago : Minor planet: 2004 AB", plain)
        assert re.search(r"Promising by ed, \d+ s ago", plain)


@pytest.mark.parametrize(
    "values", [{"vetting": "odd"}, {"reason": "odd"}, {"note": "n" * 301}, {"vetting": ""}]
)
def test_a_verdict_that_is_none_is_refused_with_its_reason(
    observer: Client, candidates: list[EventCandidate], values: dict[str, str]
) -> None:
    answer = observer.post(
        f"{PAGE}candidates/{candidates[0].pk}/vet/", {"vetting": "rejected"} | values
    )

    assert (answer.status_code, Verdict.objects.count()) == (400, 0)


def test_undo_from_another_page_says_what_was_taken_back(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    give(observer, candidates[2], "rejected")

    told = observer.post("/verdicts/undo/", headers=HX).text
    nothing = observer.post("/verdicts/undo/", headers=HX).text

    candidates[2].refresh_from_db()
    assert "ZTF26row3" in told
    assert "no verdict to take back" in nothing
    assert candidates[2].vetting == "new"


def links(text: str) -> dict[str, str]:
    found = re.findall(r'data-key="([npb])"\s+href="([^"]+)"', text)
    return {key: href.replace("&amp;", "&") for key, href in found}


def test_next_and_previous_follow_the_list_one_came_from(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    page = observer.get(f"{PAGE}?order=rank&region=all").text
    row = re.search(r'href="(/targets/[^"]+)"><b>ZTF26row2', page)
    assert row is not None

    here = links(observer.get(row[1].replace("&amp;", "&")).text)
    after = observer.get(here["n"]).text
    last = links(observer.get(links(after)["n"]).text)

    assert here["b"] == f"{PAGE}?order=rank&region=all#candidate-{candidates[1].pk}"
    assert "ZTF26row3" in after
    assert f"/targets/{candidates[0].target_id}/" in here["p"]
    assert set(last) == {"p", "b"}


def test_a_candidate_that_left_the_list_keeps_its_place_between_its_neighbours(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    page = observer.get(PAGE).text
    row = re.search(r'href="(/targets/[^"]+)"><b>ZTF26row2', page)
    assert row is not None
    give_verdict(candidates[1], Vetting.REJECTED, by=factories.make_observer("ed"))

    here = links(observer.get(row[1].replace("&amp;", "&")).text)

    assert f"/targets/{candidates[0].target_id}/" in here["p"]
    assert f"/targets/{candidates[2].target_id}/" in here["n"]


def test_verdicts_cost_a_bounded_number_of_queries(
    observer: Client,
    event: NonLocalizedEvent,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    people = [factories.make_observer(f"person{i}") for i in range(4)]
    for rank in range(1, 26):
        candidate = factories.make_candidate(event, rank=rank)
        for person in people:
            give_verdict(candidate, Vetting.WATCHING, by=person)

    with django_assert_max_num_queries(41):
        page = observer.get(PAGE)

    assert page.text.count("Watching</span>\n    by person") == 100


def test_a_target_s_page_reads_its_candidacies_once(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    target = candidates[0].target_id

    with CaptureQueriesContext(connection) as asked:
        page = observer.get(f"/targets/{target}/")

    of_target = f'"candidates_eventcandidate"."target_id" = ({target})'
    assert page.context["bar"].candidate.pk == candidates[0].pk
    assert sum(of_target in query["sql"] for query in asked.captured_queries) == 1


def test_odd_places_in_a_list_are_no_error(
    observer: Client, candidates: list[EventCandidate]
) -> None:
    target = candidates[0].target_id
    for query in ("at=99999999999", "at=-1", "list=page%3Dx%26order%3Dodd", "event=none", "at=٣"):
        assert observer.get(f"/targets/{target}/?{query}").status_code == 200
