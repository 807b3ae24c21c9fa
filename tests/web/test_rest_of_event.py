"""What stands below an event's list: with the page, or in a second request that a script makes."""

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tom.events.models import Circular, NonLocalizedEvent

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/"
BELOW = ('class="maps', 'id="joins"', "GCN Circulars", "Observation requests")


@pytest.fixture
def reader(client: Client) -> Client:
    """Somebody whose browser runs scripts, before an event with candidates."""
    event = factories.make_event("S261120ab")
    for rank in range(1, 9):
        factories.make_candidate(event, rank=rank)
    client.force_login(factories.make_observer())
    client.get(PAGE)  # the first look is noted
    client.cookies["swaps"] = "1"
    return client


def test_a_script_asks_for_what_stands_below_the_list(reader: Client) -> None:
    first = reader.get(f"{PAGE}?order=name").text
    rest = reader.get(f"{PAGE}?order=name&part=rest").text

    assert "data-row" in first
    assert not any(mark in first for mark in BELOW)
    assert all(mark in rest for mark in BELOW)
    assert "data-row" not in rest
    assert re.search(
        r'id="about"\s+hx-get="/events/S261120ab/\?order=name"\s+hx-vals=.*"rest"', first
    )


@pytest.mark.parametrize("asked", ["whole=1", "map=1&layer=plane"])
def test_who_asks_for_the_map_gets_the_whole_page(reader: Client, asked: str) -> None:
    assert 'href="/events/S261120ab/?whole=1#about"' in reader.get(PAGE).text

    text = reader.get(f"{PAGE}?{asked}").text

    assert all(mark in text for mark in (*BELOW, "data-row"))
    assert "whole=1" not in text


def test_a_script_asks_for_the_list_whose_first_rows_it_has(reader: Client) -> None:
    event = NonLocalizedEvent.objects.get()
    for rank in range(9, 15):
        factories.make_candidate(event, rank=rank)

    page = reader.get(f"{PAGE}?order=name").text

    assert len(re.findall("<tr\\s+data-row", page)) == 10
    assert page.count('class="to-come"') == 4
    assert '<a href="/events/S261120ab/?order=name&amp;whole=1">4 more</a>' in page
    asked = re.search(r'hx-get="([^"]*auto=1)"\s+hx-vals=.*\s+hx-trigger="\s+load,', page)
    assert asked is not None
    for path in (f"{unescape(asked[1])}&part=candidates", f"{PAGE}?whole=1"):
        text = reader.get(path).text
        assert len(re.findall("<tr\\s+data-row", text)) == 14
        assert "to-come" not in text
        assert not re.search(r'id="candidate-list"[^>]*load', text)


def test_what_one_must_know_stands_above_the_list(reader: Client) -> None:
    event = NonLocalizedEvent.objects.get()
    Circular.objects.create(
        circular_id=40_000, version=1, subject="S261120ab: retraction", submitter="LVC",
        takes_back="is retracted", created_on=timezone.now(), event=event, body="",
        message=factories.make_message(),
    )  # fmt: skip

    text = reader.get(PAGE).text

    assert "A circular says that S261120ab is none" in text.split('id="candidates"')[0]


def test_a_browser_without_scripts_goes_on_to_the_whole_page_and_stays_there(
    reader: Client,
) -> None:
    del reader.cookies["swaps"]
    first = reader.get(f"{PAGE}?order=name").text
    assert not any(mark in first for mark in BELOW)
    found = re.search(r'<noscript>\s*<meta http-equiv="refresh" content="0; url=(.*?)">', first)
    assert found is not None

    for address in (unescape(found[1]), f"{PAGE}?order=level"):
        text = reader.get(address).text
        assert all(mark in text for mark in (*BELOW, "data-row"))
        assert 'http-equiv="refresh"' not in text


def test_a_script_goes_on_to_swap_after_the_whole_page_was_asked(reader: Client) -> None:
    reader.get(f"{PAGE}?whole=1")

    assert not any(mark in reader.get(PAGE).text for mark in BELOW)


def test_either_part_takes_few_queries(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(27):
        reader.get(PAGE)
    with django_assert_num_queries(22):
        reader.get(f"{PAGE}?part=rest")
