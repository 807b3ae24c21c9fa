"""What an event's page says of the event: how real it looks, its chirp mass, its figures."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.factories import make_event, make_observer
from tom.events.map_models import Realness
from tom.events.models import NonLocalizedEvent
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import identify
from tom.forms.registry import forms, missions
from tom.records import Notice

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


def test_every_figure_that_a_mission_declares_stands_in_a_real_notice(real_data: Path) -> None:
    stated: dict[str, set[str]] = {}
    for path in [
        *(real_data / "gw/gcn").glob("*.example.json"),
        *(real_data / "gw").rglob("*.xml"),
    ]:
        form = forms().get(identify(FILE_TOPIC, path.read_bytes()))
        if form is None or form.parse is None:
            continue
        with suppress(MalformedAlertError, UnhandledAlertError):
            notice = form.parse(path.read_bytes())
            if isinstance(notice, Notice):
                stated.setdefault(notice.sender, set()).update(places_in(notice.facts))

    for mission in missions():
        if mission.name != "LVK":  # whose event has figures of its own
            for figure in mission.figures:
                assert stated[mission.name].intersection(figure.places), (mission.name, figure.name)


def places_in(value: Any, place: str = "") -> Iterator[str]:
    """Where a value stands in what a notice states, as a `Figure` names the place."""
    inner = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inner = enumerate(value)
    yield place
    for key, each in inner:
        yield from places_in(each, f"{place}__{key}" if place else str(key))


def test_a_missions_figures_are_shown_from_the_newest_message_that_counts(event, page) -> None:
    first, second, third, *_ = event.sequences.order_by("number")
    told = {"luminosity_distance": 0.0025, "luminosity_distance_error": 0.0004, "n_events": 64_176}
    for row, details in ((first, told), (second, {"n_events": 70_000}), (third, {"n_events": 5})):
        row.sender, row.details = "Super-Kamiokande", details
        row.save()
    third.set_aside = third.time_created
    third.save()

    text = page()

    assert "<dt>Distance of the supernova</dt> <dd> 2.5 ± 0.4 kpc" in text
    assert "<dt>Neutrinos</dt> <dd> 70,000 <small>" in text
    assert "<dt>Most probable place</dt>" in text


def test_the_place_is_that_of_the_message_whose_map_is_used(event, page) -> None:
    assert event.used is not None
    event.sequences.update(details={"ra": 10.0, "dec": 20.0})
    event.sequences.filter(localization=event.used).update(details={"ra": -14.18, "dec": 9.01})

    assert "<dt>Stated place</dt> <dd> 345.8200 9.0100 <small>RA and dec, degrees</small>" in page()


def test_each_message_names_its_mission(event, page) -> None:
    event.sequences.update(sender="Fermi GBM", localization=None)

    assert page().count("· Fermi GBM </span>") == event.sequences.count()


def test_a_place_without_an_error_is_shown_where_there_is_no_map(client: Client) -> None:
    event = make_event(
        "MAXI-0858800020", kind="grb", localized=False, far=None, alert_types=("INITIAL",)
    )
    event.sequences.update(sender="MAXI", details={"ra": 285.6, "dec": -9.2, "flux": 2e-10})
    client.force_login(make_observer())

    text = re.sub(r"\s+", " ", client.get(f"/events/{event.event_id}/").text)

    assert "285.6000 -9.2000 <small>RA and dec, degrees; without an error" in text
    assert "<dt>X-ray flux</dt> <dd> 2e-10 erg/cm²/s" in text
    assert "<dt>False alarm rate</dt>" not in text
