"""The page that compares two maps of an event: figures, classes, and who rose or fell and why."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tom.candidates.models import CandidateStanding
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.weighing import KEPT
from tom.web.templatetags.sky import DASH, square_degrees

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab")


@pytest.fixture
def maps(event: NonLocalizedEvent) -> list[EventLocalization]:
    told = {"classification": {"BNS": 0.97}, "properties": {"HasNS": 1.0, "HasMassGap": None}}
    event.sequences.update(details={"event": told})
    return list(event.localizations.order_by("time"))


@pytest.fixture
def shown(client: Client):
    client.force_login(factories.make_observer("vera"))

    def show(query: str = "", *, status: int = 200) -> str:
        answer = client.get(f"/events/S261120ab/difference/{query}")
        assert answer.status_code == status
        return " ".join(answer.text.split())

    return show


def rank_by(use: EventLocalization, chances: dict, **terms: float) -> Ranking:
    """A ranking by a map in which the candidates have these chances, and the map's term says so."""
    ranking = factories.make_ranking(use.event)
    Ranking.objects.filter(pk=ranking.pk).update(localization=use, created=timezone.now())
    for candidate, chance in chances.items():
        made = factories.make_place(ranking, candidate, posterior=chance)
        kept = [dict(zip(KEPT, values, strict=True)) for values in made.terms]
        for named, values in zip(ranking.layout, kept, strict=True):
            values["log_lr"] = terms.get(named["name"], values["log_lr"]) * chance
        RankedCandidate.objects.filter(pk=made.pk).update(
            terms=[[values[name] for name in KEPT] for values in kept]
        )
    return ranking


def row_of(text: str, name: str) -> str:
    return next(row for row in re.findall(r"<tr data-row>.*?</tr>", text) if name in row)


def test_by_itself_the_map_that_is_used_is_compared_with_the_one_before(shown, maps):
    text = shown()

    assert re.findall(r'value="(\d+)" selected', text) == [str(maps[1].pk), str(maps[2].pk)]
    for use in maps[1:]:
        assert square_degrees(use.localization.area_90) in text
    assert "2. Initial" in text
    assert "3. Update" in text
    assert "97%" in text  # a binary neutron star
    assert text.count("earlier-region") == 4  # two levels, on the whole sky and closer


def test_any_two_maps_are_compared_in_either_order(shown, maps):
    text = shown(f"?before={maps[2].pk}&after={maps[0].pk}")

    assert re.findall(r'value="(\d+)" selected', text) == [str(maps[2].pk), str(maps[0].pk)]


def test_who_rose_and_who_fell_is_told_with_the_term_that_moved_most(shown, event, maps):
    up, down = (
        factories.make_candidate(event, factories.make_target(name=name), rank=None)
        for name in ("ZTF26up", "ZTF26down")
    )
    rank_by(maps[1], {down: 0.8, up: 0.1}, sky_map=5.0)
    rank_by(maps[2], {up: 0.7, down: 0.2}, sky_map=9.0)

    text = shown()

    assert "Rose" in row_of(text, "ZTF26up")
    assert "2 → 1" in row_of(text, "ZTF26up")
    assert "Fell" in row_of(text, "ZTF26down")
    assert "1 → 2" in row_of(text, "ZTF26down")
    assert "10% → 70%" in row_of(text, "ZTF26up")
    assert "sky map 0.50 → 6.30" in re.sub(r"<[^>]*>\s*", "", row_of(text, "ZTF26up"))


def test_a_map_that_no_ranking_used_has_levels_alone(shown, event, maps):
    candidate = factories.make_candidate(event, factories.make_target(name="ZTF26only"), rank=1)
    event.rankings.all().update(localization=maps[2])

    text = shown(f"?before={maps[0].pk}&after={maps[2].pk}")

    assert "no ranking used the map before" in text
    assert "Rose" not in text
    assert f"{DASH} → 1" in row_of(text, candidate.target.name)
    assert len(re.findall(r"[\d.]+% → [\d.]+%", row_of(text, candidate.target.name))) == 1


def test_a_private_candidate_is_compared_for_its_readers_alone(client, shown, event, maps):
    program = factories.make_program(2, group=factories.make_group("owners"))
    hidden = factories.make_candidate(
        event, factories.make_target(name="ZTF26hidden"), rank=1, is_public=False
    )
    CandidateStanding.objects.create(
        candidate=hidden,
        event=event,
        programs=[program.pk],
        rank=1,
        log_weight=1.4,
    )
    factories.make_candidate(event, factories.make_target(name="ZTF26open"), rank=2)
    event.rankings.all().update(localization=maps[2])

    outside = shown()
    client.force_login(factories.make_observer("member", groups=[program.group]))
    inside = shown()

    assert "ZTF26hidden" not in outside
    assert f"{DASH} → 1" in row_of(outside, "ZTF26open")
    assert "ZTF26hidden" in inside
    assert f"{DASH} → 2" in row_of(inside, "ZTF26open")


@pytest.mark.parametrize("query", ["?before=0", "?after=99999999", "?before=x"])
def test_a_map_that_the_event_has_not_is_not_found(shown, event, query):
    shown(query, status=404)


def test_another_events_map_is_not_found(shown, event):
    other = factories.make_event().localizations.first()

    shown(f"?before={other.pk}", status=404)


@pytest.mark.parametrize(
    ("alert_types", "says"), [((), "No sky map has come"), (("INITIAL",), "one map so far")]
)
def test_where_nothing_can_be_compared_the_page_says_so(shown, alert_types, says):
    factories.make_event("S261120ab", alert_types=alert_types)

    text = shown()

    assert "There is nothing to compare" in text
    assert says in text


def test_two_messages_with_one_map_are_told_to_carry_the_same(shown, event, maps):
    EventLocalization.objects.filter(pk=maps[1].pk).update(localization=maps[2].localization)

    text = shown(f"?before={maps[1].pk}&after={maps[2].pk}")

    assert "Both messages carry the same map" in text


def test_by_itself_a_map_that_was_sent_again_is_not_compared_with_itself(shown, maps):
    EventLocalization.objects.filter(pk=maps[1].pk).update(localization=maps[2].localization)

    assert re.findall(r'value="(\d+)" selected', shown()) == [str(maps[0].pk), str(maps[2].pk)]


def test_an_event_links_to_the_comparison_of_its_maps(client, event):
    client.force_login(factories.make_observer("vera"))

    assert "/events/S261120ab/difference/" in client.get("/events/S261120ab/").text


@pytest.mark.parametrize("number", [2, 20])
def test_the_page_asks_as_often_whatever_the_number_of_candidates(
    shown, event, maps, number, django_assert_max_num_queries: DjangoAssertNumQueries
):
    for rank in range(1, number + 1):
        target = factories.make_target(ra=190.0 + rank / 10)
        factories.make_candidate(event, target, rank=rank)

    with django_assert_max_num_queries(28):
        text = shown()

    assert text.count("data-row") == number
