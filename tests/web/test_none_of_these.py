"""“None of these” stands in an event's list wherever the list is told."""

import csv
import io
import math
import re

import pytest
from django.test import Client

from tests import factories
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking.services import rank_event
from tom.scoring.judging import score_due
from tom.web.candidate_search import ORDERS

pytestmark = pytest.mark.django_db
NAME = "S261120ab"


@pytest.fixture
def client_of_list(client: Client) -> Client:
    client.force_login(factories.make_observer("vera"))
    event = factories.make_event(NAME)
    for name in ("ZTF26a", "ZTF26b"):
        factories.make_target(name)
    match_event(event)
    score_due(most=100)
    rank_event(event)
    return client


def table_of(client: Client) -> dict[str, float]:
    text = client.get(f"/events/{NAME}/candidates.csv").text
    return {row["name"]: float(row["posterior"]) for row in csv.DictReader(io.StringIO(text))}


def test_the_csv_and_the_api_add_up_to_one_with_none_of_these(client_of_list: Client) -> None:
    chances = table_of(client_of_list)
    told = client_of_list.get(f"/api/events/{NAME}/candidates/").json()

    assert chances.keys() == {"ZTF26a", "ZTF26b", "none of these"}
    assert math.fsum(chances.values()) == pytest.approx(1)
    assert told["none_of_these"] == pytest.approx(chances["none of these"])
    for row in told["results"]:
        assert row["posterior"] == pytest.approx(chances[row["name"]])
        assert row["posterior_low"] <= row["posterior"] <= row["posterior_high"]


def test_the_page_has_its_row_and_says_why(client_of_list: Client) -> None:
    text = client_of_list.get(f"/events/{NAME}/").text

    assert len(re.findall("None of these</b>", text)) == 1
    for told in ("it is real", "it shines", "matter is left outside", "unrelated ones in each"):
        assert told in text


@pytest.fixture
def client_of_retracted(client_of_list: Client) -> Client:
    event = NonLocalizedEvent.objects.get(event_id=NAME)
    event.retracted = True
    event.save(update_fields=["retracted"])
    rank_event(event)
    return client_of_list


def said(client: Client, address: str) -> str:
    return " ".join(client.get(address).text.split())


def test_the_page_of_a_retracted_event_says_zero_and_the_reason(
    client_of_retracted: Client,
) -> None:
    text = said(client_of_retracted, f"/events/{NAME}/?whole=1")

    assert table_of(client_of_retracted) == {"ZTF26a": 0, "ZTF26b": 0, "none of these": 1}
    assert "it was retracted: nothing can be its counterpart" in text
    assert "Nothing can be the counterpart: each chance is 0" in text
    assert "the event is retracted" in text
    for untrue in ("At most one is the counterpart", "nothing that shines", "use “Observe”"):
        assert untrue not in text


def test_a_retracted_events_list_stands_in_every_order(client_of_retracted: Client) -> None:
    for order in ORDERS:
        for asked in (order, f"-{order}"):
            text = client_of_retracted.get(f"/events/{NAME}/?order={asked}&region=all").text
            table = client_of_retracted.get(
                f"/events/{NAME}/candidates.csv?order={asked}&region=all"
            ).text
            assert set(re.findall("<b>(ZTF26[ab])</b>", text)) == {"ZTF26a", "ZTF26b"}
            assert table.count("ZTF26") == 2


@pytest.mark.parametrize("asked", ["decide", "-decide"])
def test_where_there_is_nothing_to_decide_the_best_come_first(
    client_of_retracted: Client, asked: str
) -> None:
    text = said(client_of_retracted, f"/events/{NAME}/?order={asked}&region=all")

    assert re.findall("<b>(ZTF26[ab])</b>", text) == ["ZTF26a", "ZTF26b"]
    assert 'aria-sort="ascending"' in text
    for untrue in ("Sorted by bits", "sorted by bits", "to settle it tells", "observe to decide"):
        assert untrue not in text
    assert "observe to decide" not in said(client_of_retracted, f"/events/{NAME}/scan/")


def test_what_belongs_to_no_merger_is_observed_for_itself(client_of_list: Client) -> None:
    target = EventCandidate.objects.get(target__name="ZTF26a").target_id
    form = f'href="/targets/{target}/request/'
    page = f"/targets/{target}/?event={NAME}"
    before = said(client_of_list, page)
    NonLocalizedEvent.objects.update(retracted=True)

    assert f'{form}?event={NAME}"' in before
    assert f'{form}"' in said(client_of_list, page)
