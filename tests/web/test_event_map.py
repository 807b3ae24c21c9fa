"""The map of an event's page: its layers, its moment, and what each site sees tonight."""

import re
import time
from datetime import UTC, datetime

import pytest
from django.http import QueryDict
from django.test import Client

from tests.factories import make_candidate, make_event, make_observer, make_target
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tom.events.localizations import keep_map
from tom.events.map_models import Sketch
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.events.preparing import prepare_map
from tom.followup.sites import sites
from tom.web.event_map import LAYERS, read_layers, read_moment

pytestmark = pytest.mark.django_db
MOST_BYTES = 400_000


@pytest.fixture
def event() -> NonLocalizedEvent:
    return make_event("S261120ab")


@pytest.fixture
def page(client: Client, event: NonLocalizedEvent):
    client.force_login(make_observer())
    return lambda query="": client.get(f"/events/{event.event_id}/?{query}").text


def test_before_the_map_is_prepared_its_two_regions_are_drawn(page) -> None:
    text = page()

    assert "nested" not in text
    assert len(re.findall('class="region region-', text)) == 4
    assert 'id="map-tonight"' not in text


def test_a_prepared_map_has_nine_regions_one_in_the_other(event, page) -> None:
    prepare_map(event)

    whole = page().split("</svg>")
    (sky,) = [part for part in whole if "sky-map whole" in part]

    levels = re.findall(r'class="region region-(\d+)"', sky)
    assert levels == ["90", "80", "70", "60", "50", "40", "30", "20", "10"]


def test_each_layer_can_be_switched_and_the_address_keeps_it(event, page) -> None:
    prepare_map(event)

    text = page("map=1&layer=plane&layer=dwarfs&q=row")

    for name in LAYERS:
        assert f'class="layer-{name}"' in text
        box = re.search(rf'value="{name}"\s+(checked)?', text)
        assert box is not None
        assert bool(box[1]) == (name in ("plane", "dwarfs"))
    assert '<input type="hidden" name="q" value="row">' in text


def test_usual_layers_are_on_where_nobody_chose() -> None:
    on = {layer.name for layer in read_layers(QueryDict("layer=dwarfs")) if layer.is_on}

    assert on == {"candidates", "galaxies", "bodies", "plane"}


def test_the_sun_and_the_moon_stand_where_they_are_at_the_moment_asked_for(event, page) -> None:
    first, second = (page(f"at={day}T12:00") for day in ("2026-03-20", "2026-09-20"))

    sun = r'class="body sun"><circle cx="([\d.]+)"'
    assert re.search(sun, first)[1] != re.search(sun, second)[1]
    assert "Sun and Moon at 2026-03-20 12:00 UTC" in first
    assert "% lit" in first
    assert 'value="2026-03-20T12:00"' in first


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-20T12:00", datetime(2026, 3, 20, 12, tzinfo=UTC)),
        ("2026-03-20T12:00+02:00", datetime(2026, 3, 20, 10, tzinfo=UTC)),
        ("", None),
        ("yesterday", None),
        ("0001-01-01T00:00", None),
        ("9999-12-31T23:59", None),
        ("2026-13-45T99:00", None),
    ],
)
def test_a_moment_that_is_none_is_not_taken(text, expected) -> None:
    assert read_moment(text) == expected


def test_candidates_have_the_colour_of_their_rank(event, page) -> None:
    for rank in range(1, 53):
        make_candidate(event, make_target(f"ZTF26r{rank}"), rank=rank)

    text = page()

    for step in ("top r1", "rest r2", "rest r3", "rest r4"):
        assert f'class="candidate {step}"' in text


def test_the_likeliest_galaxies_are_a_layer_with_their_names(event, page) -> None:
    make_galaxy(make_catalogue(), "7", name="NGC 4993")
    prepare_map(event)

    text = page()

    assert re.search(r'class="galaxy".*?<title>1\. NGC 4993, ', text)
    assert "galaxies</a> (1)" in text


def test_every_site_is_told_with_what_it_sees_tonight(event, page) -> None:
    prepare_map(event)

    panel = page("at=2026-03-20T12:00").split('id="map-tonight"')[1].split("</section>")[0]

    assert all(name in panel for name in sites())
    told = re.findall(r'<td class="num">(> )?([\d.]+)%</td>', panel)
    assert max(float(number) for _, number in told) > 90


def test_the_moon_s_phase_and_a_hostile_galaxy_s_name_break_nothing(event, page) -> None:
    make_galaxy(make_catalogue(), "7", name="<script>alert(1)</script>")
    prepare_map(event)

    assert "<script>alert(1)" not in page()


@pytest.mark.parametrize(
    "name",
    [
        "S190425z_G330561_bayestar_nside256_nested.fits.gz",
        "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
    ],
)
def test_the_page_of_a_real_map_stays_small_and_reads_no_rows_of_it(
    real_data, event, page, name
) -> None:
    localization = keep_map((real_data / "gw/maps" / name).read_bytes())
    EventLocalization.objects.filter(event=event).update(localization=localization)
    event.refresh_from_db()
    prepare_map(event)
    for rank in range(1, 101):
        make_candidate(event, make_target(f"ZTF26s{rank}", ra=10.0 + rank), rank=rank)
    page()

    began = time.process_time()
    text = page()
    took = time.process_time() - began

    assert Sketch.objects.filter(pk=localization.pk).exists()
    assert len(text.encode()) < MOST_BYTES
    assert took < 1.0  # of a busy machine; a map of its rows takes longer
