"""The list of candidates: searched and sorted, as its address says."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tests import factories
from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate
from tom.targets import search
from tom.targets.models import TargetSummary
from tom.web import candidate_search
from tom.web.views import events

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/"


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("vera"))
    event = factories.make_event("S261120ab")
    for rank, (level, magnitude) in enumerate([(0.3, 19.0), (0.1, None), (0.2, 17.0)], 1):
        target = factories.make_target(f"ZTF26row{rank}")
        TargetSummary.objects.filter(target=target).update(last_magnitude=magnitude)
        factories.make_candidate(
            event, target, rank=rank, posterior=1 - rank / 10, credible_level_2d=level
        )
    return client


def make_targets_everywhere(event: NonLocalizedEvent) -> None:
    places = [(ra, dec) for ra in range(0, 360, 60) for dec in (-70, -30, 20, 60)]
    for rank, (ra, dec) in enumerate(places, 1):
        target = factories.make_target(f"ZTF26row{rank}", ra=float(ra), dec=float(dec), points=0)
        factories.make_candidate(event, target, rank=rank)


def row_of(text: str, number: int) -> str:
    rows = re.findall(r"<tr\s+data-row(.*?)</tr>", text, re.DOTALL)
    return next(row for row in rows if f"ZTF26row{number}<" in row)


def names(text: str) -> list[str]:
    found: list[str] = re.findall(r"<b>ZTF26row(\d)</b>", text)
    return found


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("rank", "123"),
        ("-rank", "321"),
        ("level", "231"),
        ("-level", "132"),
        ("magnitude", "312"),
        ("-magnitude", "132"),  # what is not known is last either way
        ("name", "123"),
        ("-name", "321"),
        ("chance", "123"),
        ("-chance", "321"),
        ("decide", "312"),  # by what a minute of telescope tells: the third is the brightest
        ("odd", "123"),
        ("-odd", "123"),
        ("--rank", "123"),
    ],
)
def test_the_list_is_sorted_as_the_address_says(
    observer: Client, order: str, expected: str
) -> None:
    assert "".join(names(observer.get(PAGE, {"order": order}).text)) == expected


def test_a_column_says_how_it_is_sorted_and_turns_round(observer: Client) -> None:
    plain = observer.get(f"{PAGE}?order=level&region=all").text
    turned = observer.get(f"{PAGE}?order=-level&region=all").text

    assert 'aria-sort="ascending"><a href="?region=all&amp;order=-level">Level' in plain
    assert 'aria-sort="descending"><a href="?region=all&amp;order=level">Level' in turned


def test_the_best_few_are_shown_wherever_they_lie(observer: Client) -> None:
    rows = EventCandidate.objects.order_by("rank")
    best = rows[0]
    EventCandidate.objects.filter(pk=best.pk).update(credible_level_2d=0.9018)

    shown, everything = observer.get(PAGE).text, observer.get(PAGE, {"region": "all"}).text
    csv = observer.get(f"{PAGE}candidates.csv").text

    for text in (shown, everything):
        assert names(text) == ["1", "2", "3"]
        assert text.count("outside of the 90% region") == 1
        assert "90.2%" in row_of(text, 1)
    assert "ZTF26row1" in csv


def test_the_address_names_no_filter_that_is_not_set(observer: Client) -> None:
    asked = {"part": "candidates", "q": "", "order": "", "vetting": "all", "up": ""}

    answer = observer.get(PAGE, asked)

    assert answer.headers["HX-Replace-Url"] == f"{PAGE}?vetting=all"


def test_no_page_rounds_a_level_into_the_region(observer: Client) -> None:
    best = EventCandidate.objects.order_by("rank")[0]
    EventCandidate.objects.filter(pk=best.pk).update(credible_level_2d=0.9018)

    pages = [observer.get(path).text for path in ("/", f"/targets/{best.target_id}/", PAGE)]

    assert [text.count("90.2%") for text in pages] == [1, 1, 1]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("", "1\u20132 of more than 4"),
        ("2", "3\u20134 of more than 6"),
        ("4", "7\u20138 of more than 8"),
        ("9", "7\u20138 of more than 8"),
        ("x", "1\u20132 of more than 4"),
    ],
)
def test_of_the_pages_behind_the_one_shown_a_few_are_counted(
    client: Client, monkeypatch, page: str, said: str
) -> None:
    for name, number in (("ROWS_SHOWN", 2), ("PAGES_AHEAD", 1), ("MOST_LISTED", 8)):
        monkeypatch.setattr(events, name, number)
    client.force_login(factories.make_observer("vera"))
    event = factories.make_event("S261120ab")
    for rank in range(1, 11):
        factories.make_candidate(event, rank=rank)

    text = client.get(PAGE, {"page": page, "region": "all"}).text

    assert said in text
    assert f"{said.partition(' of ')[2]} shown" in text


def test_a_list_joins_what_its_reader_knows_once(client: Client) -> None:
    group = factories.make_group()
    factories.make_program(2, group=group)
    client.force_login(factories.make_observer("vera", groups=[group]))
    factories.make_candidate(factories.make_event("S261120ab"), rank=1)

    with CaptureQueriesContext(connection) as queries:
        client.get(PAGE, {"since": "new", "order": "level"})

    asked = [part for query in queries for part in query["sql"].split(" UNION ALL ")]
    assert max(part.count('JOIN "candidates_candidatestanding"') for part in asked) == 1


def test_a_page_counts_the_ranks_of_its_map_and_of_its_list_once(observer: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = observer.get(PAGE)

    assert sum("width_bucket" in query["sql"] for query in queries) == 1
    assert [row.candidate.rank for row in page.context["rows"]] == [1, 2, 3]


@pytest.mark.parametrize("few", [0, 2_000])
def test_a_search_finds_the_same_by_the_index_and_without(
    observer: Client, monkeypatch, few: int
) -> None:
    monkeypatch.setattr(search, "FEW", few)
    TargetSummary.objects.filter(target__name="ZTF26row2").update(host_name="NGC 4993")
    TargetName.objects.create(target=BaseTarget.objects.get(name="ZTF26row3"), name="AT2026ngc")

    assert names(observer.get(PAGE, {"q": "ngc", "region": "all"}).text) == ["2", "3"]
    assert names(observer.get(PAGE, {"q": "6ROW1", "region": "all"}).text) == ["1"]


@pytest.mark.parametrize("read", [18, 6])
def test_beyond_the_best_few_only_the_region_is_shown(
    observer: Client, monkeypatch, read: int
) -> None:
    # Where few are read at once, the first in the region do not fill the page.
    monkeypatch.setattr(events, "PAGES_AHEAD", 0)
    monkeypatch.setattr(events, "ROWS_SHOWN", 5)
    monkeypatch.setattr(candidate_search, "NEAR", read // 6)
    event = NonLocalizedEvent.objects.get()
    for rank in range(4, 9):
        factories.make_candidate(
            event,
            factories.make_target(f"ZTF26row{rank}"),
            rank=rank,
            credible_level_2d=0.91 if rank in (5, 6) else 0.5,
        )
    EventCandidate.objects.filter(rank=2).update(vetting="rejected")

    # Of the best five that nobody rejected the last is the sixth.
    assert _on_two_pages(observer) == "1345678"
    EventCandidate.objects.filter(rank=2).update(vetting="new")
    assert _on_two_pages(observer) == "1234578"
    assert _on_two_pages(observer, region="all") == "12345678"


def _on_two_pages(observer: Client, **asked: str) -> str:
    pages = [observer.get(PAGE, {**asked, "page": number}).text for number in (1, 2)]
    assert "more than 5 shown" in pages[0]
    return "".join(name for text in pages for name in names(text))


def test_the_best_few_are_those_that_a_reader_knows(client: Client) -> None:
    group = factories.make_group()
    program = factories.make_program(2, group=group)
    event = factories.make_event("S261120ab")
    candidates = [
        factories.make_candidate(
            event,
            factories.make_target(f"ZTF26row{rank}"),
            rank=rank,
            credible_level_2d=0.95,
        )
        for rank in range(1, 8)
    ]
    CandidateStanding.objects.create(
        candidate=candidates[6],
        event_id=candidates[6].event_id,
        programs=[program.pk],
        rank=0,
        credible_level_2d=0.96,
    )
    stranger, member = factories.make_observer(), factories.make_observer(groups=[group])

    client.force_login(stranger)
    assert "".join(names(client.get(PAGE).text)) == "12345"
    client.force_login(member)
    assert "".join(names(client.get(PAGE).text)) == "71234"


def test_only_what_can_be_observed_now_is_shown_where_asked(client: Client) -> None:
    client.force_login(factories.make_observer())
    event = factories.make_event("S261120ab")
    make_targets_everywhere(event)

    pages = {
        asked: client.get(PAGE, {"region": "all", "up": asked}).text
        for asked in ("", "odd", "any", "Teide")
    }

    rows = {
        asked: re.findall(r"<tr\s+data-row(.*?)</tr>", text, re.DOTALL)
        for asked, text in pages.items()
    }
    assert len(rows[""]) == len(rows["odd"]) == 24
    said = [row for row in rows[""] if "Can be observed now at" in row]
    assert len(rows["any"]) == len(said)
    assert all("Can be observed now at" in row for row in rows["any"])
    assert len(rows["Teide"]) == len([row for row in said if "Teide" in row])
    assert '<option value="Teide" selected>' in pages["Teide"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("row2", "2"), ("ROW", "123"), ("AT2026xyz", "3"), ("NGC 4993", "1"), ("%", ""), (" ", "123")],
)
def test_the_list_is_searched_by_name_alias_and_host(
    observer: Client, text: str, expected: str
) -> None:
    third = TargetSummary.objects.get(target__name="ZTF26row3").target
    TargetName.objects.create(target=third, name="AT2026xyz")
    TargetSummary.objects.filter(target__name="ZTF26row1").update(host_name="NGC 4993")

    assert "".join(names(observer.get(PAGE, {"q": text}).text)) == expected


def test_a_part_tells_the_address_that_shows_it_again(observer: Client) -> None:
    asked = observer.get(f"{PAGE}?part=candidates&q=row2&order=level")
    automatic = observer.get(f"{PAGE}?part=candidates&q=row2&order=level&auto=1")

    assert asked.headers["HX-Replace-Url"] == f"{PAGE}?q=row2&order=level"
    assert "HX-Replace-Url" not in automatic.headers


def test_in_the_order_to_decide_a_row_says_what_it_tells_to_settle_it_and_what_is_missing(
    observer: Client,
) -> None:
    ranking = factories.make_ranking(NonLocalizedEvent.objects.get())
    ranking.layout = [{"name": "distance", "inputs": ["host"]}]
    ranking.save()
    for candidate in EventCandidate.objects.all():
        factories.make_place(ranking, candidate)
    RankedCandidate.objects.update(terms=[[0.0, -2.0, 2.3, None, True, "no host"]])

    usual = row_of(observer.get(PAGE).text, 3)
    to_decide = " ".join(row_of(observer.get(PAGE, {"order": "decide"}).text, 3).split())

    assert "to settle it" not in usual
    assert re.search(r"to settle it tells 0\.\d{3} bits", to_decide)
    assert "a redshift could make it 24% to 96%" in to_decide
