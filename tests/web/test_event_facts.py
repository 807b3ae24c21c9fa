"""What an event's page says of the event: whether it looks real, and its chirp mass."""

import re

import pytest
from django.test import Client

from tests.factories import make_event, make_observer
from tom.events.map_models import Realness
from tom.events.models import NonLocalizedEvent

pytestmark = pytest.mark.django_db
MASSES = {"bin_edges": [0.1, 0.87, 1.3, 2.1, 44.0], "probabilities": [0.004, 0.9, 0.096, 0.0]}


@pytest.fixture
def event() -> NonLocalizedEvent:
    return make_event("S261120ab")


@pytest.fixture
def page(client: Client, event: NonLocalizedEvent):
    client.force_login(make_observer())

    def read(query: str = "") -> str:
        return re.sub(r"\s+", " ", client.get(f"/events/{event.event_id}/?{query}").text)

    return read


def judge(event: NonLocalizedEvent, **answer: object) -> None:
    Realness.objects.create(
        localization_id=event.used.localization_id, model="GWSkyNet 2.6.0", **answer
    )


def test_the_score_is_shown_with_its_version_and_its_rates(event, page) -> None:
    assert "GWSkyNet" not in page()
    judge(event, score=0.811, false_alarms=0.049, misses=0.077)

    text = page()

    assert "<dt>GWSkyNet 2.6.0</dt> <dd> 0.811" in text
    assert "4.9% of noise scores more, 7.7% of mergers less" in text


def test_a_refusal_is_shown_with_its_reason(event, page) -> None:
    judge(event, refusal="it was trained on mergers, and this is a burst")

    text = page()

    assert "no answer" in text
    assert "this is a burst" in text


def test_the_newest_chirp_masses_are_shown_without_near_zeros(event, page) -> None:
    old, new, *_ = event.sequences.order_by("number")
    old.details = {"event": {"mchirp_source": MASSES | {"probabilities": [0, 0, 0, 1]}}}
    old.save()
    new.details = {"event": {"mchirp_source": MASSES}}
    new.save()

    text = page()

    shown = re.findall(
        r"<span>([\d.]+ to [\d.]+) M☉</span>.*?<span class=\"num\">(.*?)</span>", text
    )
    assert shown == [("0.87 to 1.30", "90%"), ("1.30 to 2.10", "9.6%")]


def test_an_event_without_chirp_masses_names_none(page) -> None:
    assert "Chirp mass" not in page()


def test_the_facts_alone_are_read_without_the_map(page, django_assert_max_num_queries) -> None:
    page("part=facts")  # what a session reads once

    with django_assert_max_num_queries(7):
        text = page("part=facts")

    assert 'id="facts"' in text
    assert "sky-map" not in text
