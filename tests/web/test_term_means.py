"""The page of the scorers says what each term said in the mean of unrelated sources."""

import math

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_event, make_observer, make_target
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking.services import rank_event
from tom.scoring.judging import score_due
from tom.targets.models import TargetSummary
from tom.web.term_means import read_means

pytestmark = pytest.mark.django_db


def a_list(event_id: str, count: int) -> NonLocalizedEvent:
    event = make_event(event_id)
    for at in range(count):
        make_target(f"{event_id} {at}")
    match_event(event)
    return event


def page(client: Client) -> str:
    client.force_login(make_observer())
    return " ".join(client.get("/scorers/").content.decode().split())


def test_before_any_ranking_nothing_was_measured(client: Client) -> None:
    assert page(client).count("not measured in the newest lists") == 2


def test_each_term_has_its_mean_and_the_sources_of_each_event(client: Client) -> None:
    event = a_list("S261120xa", 12)
    TargetSummary.objects.update(surroundings_time=event.time)
    score_due(most=100)
    ranking = rank_event(event)
    means = ranking.basis["means"]

    text = page(client)

    (star,) = read_means()["star"]
    assert star == ("S261120xa", pytest.approx(math.exp(means["star"][0])), 12, True)
    assert star.mean > 1.2
    assert f"{star.mean:.2f} over 12 sources of S261120xa, divided out" in text
    assert "left as it is" in text
    assert "brightness" in text
    assert {name for name in means if means[name][1]} == read_means().keys()
    assert text.count("not measured in the newest lists") == sum(
        not means[name][1] for name in means if name.startswith(("fast_", "real_"))
    )


def test_more_events_cost_no_more_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for name in ("S261120xa", "S261120xb", "S261120xc"):
        rank_event(a_list(name, 1))

    with django_assert_num_queries(2):
        assert len(read_means()["earlier activity"]) == 3
