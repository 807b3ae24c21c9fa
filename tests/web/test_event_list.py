"""The list of events: its filters, its orders, and the small map of each event."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tom.events.models import Localization, NonLocalizedEvent
from tom.web import thumbnails

pytestmark = pytest.mark.django_db


@pytest.fixture
def events() -> dict[str, NonLocalizedEvent]:
    """Three with maps of 50, 500 and 5,000 deg2, the widest the newest; and one without a map."""
    made = {}
    for number, (name, area) in enumerate([("small", 50), ("middle", 500), ("wide", 5000)]):
        time = factories.MERGER + timedelta(hours=number)
        made[name] = factories.make_event(f"S26112{number}aa", time=time, far=10.0**-number)
        used = made[name].used
        assert used is not None
        Localization.objects.filter(pk=used.localization_id).update(area_90=area)
    made["none"] = factories.make_event(
        "S261129aa", localized=False, time=factories.MERGER - timedelta(days=1), significant=None
    )
    return made


@pytest.fixture
def listed(client: Client, events: dict[str, NonLocalizedEvent]):
    client.force_login(factories.make_observer("vera"))
    names = {event.event_id: name for name, event in events.items()}

    def show(query: str = "") -> list[str]:
        text = client.get(f"/events/{query}").text
        found = re.findall(r'data-row id="event-\d+">\s*<td><a href="/events/(\w+)/', text)
        return [names[event_id] for event_id in found]

    return show


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", ["wide", "middle", "small", "none"]),
        ("time", ["wide", "middle", "small", "none"]),
        ("-time", ["none", "small", "middle", "wide"]),
        ("area", ["small", "middle", "wide", "none"]),
        ("-area", ["wide", "middle", "small", "none"]),
        ("far", ["none", "wide", "middle", "small"]),
        ("nonsense", ["wide", "middle", "small", "none"]),
    ],
)
def test_the_list_is_sorted_by_time_area_or_rate(listed, order, expected):
    assert listed(f"?order={order}") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?area=100", ["small"]),
        ("?area=1000", ["middle", "small"]),
        ("?area=wide", ["wide"]),
        ("?area=none", ["none"]),
        ("?area=odd", ["wide", "middle", "small", "none"]),
        ("?significant=unknown", ["none"]),
        ("?significant=yes&area=1000", ["middle", "small"]),
        ("?significant=no", []),
        ("?status=live&kind=gw", ["wide", "middle", "small", "none"]),
        ("?kind=grb", []),
    ],
)
def test_the_list_is_filtered_by_kind_status_significance_and_area(listed, query, expected):
    assert listed(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?days=1", [0.9]),
        ("?days=7", [0.9, 6]),
        ("?days=30&area=wide", []),
        ("?days=30", [0.9, 6, 29]),
        ("?days=365", [0.9, 6, 29, 364]),
        ("?days=2", [0.9, 6, 29, 364, 366]),
    ],
)
def test_the_list_is_filtered_by_the_time_of_the_event(client, query, expected):
    client.force_login(factories.make_observer("vera"))
    ages = [366, 364, 29, 6, 0.9]
    for number, age in enumerate(ages):
        factories.make_event(f"S26110{number}aa", time=timezone.now() - timedelta(days=age))

    text = client.get(f"/events/{query}").text

    numbers = re.findall(r'data-row id="event-\d+">\s*<td><a href="/events/S26110(\d)aa/', text)
    assert [ages[int(number)] for number in numbers] == expected


def test_a_filter_without_an_event_leads_back_to_all(client, listed):
    text = client.get("/events/?significant=no").text

    assert "No event fits these filters" in text
    assert "Show all events" in text


def test_each_event_with_a_map_has_a_small_one(client, listed):
    text = client.get("/events/").text

    assert text.count("sky-map thumbnail") == 3


def test_a_small_map_is_drawn_once(client, listed, monkeypatch):
    thumbnails._kept.clear()
    drawn: list[object] = []
    draw = thumbnails.draw_thumbnail
    monkeypatch.setattr(thumbnails, "draw_thumbnail", lambda each: drawn.append(each) or draw(each))

    for _ in range(2):
        client.get("/events/")

    assert len(drawn) == 3


def test_a_heads_link_turns_the_order_round(client, listed):
    text = client.get("/events/?order=area&kind=gw").text

    assert 'aria-sort="ascending"' in text
    assert re.search(r'href="\?kind=gw&amp;order=-area"', text)


@pytest.mark.parametrize("number", [1, 12])
def test_the_list_asks_as_often_whatever_its_length(
    client, number, django_assert_max_num_queries: DjangoAssertNumQueries
):
    for _ in range(number):
        factories.make_event()
    client.force_login(factories.make_observer("vera"))
    client.get("/events/")

    with django_assert_max_num_queries(13):
        client.get("/events/")
