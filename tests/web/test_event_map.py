"""The map of an event's page: its layers, its moment, and what each site sees tonight."""

import re
import time
from datetime import UTC, datetime, timedelta
from html import escape
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group, User
from django.http import QueryDict
from django.test import Client

from tests.factories import make_candidate, make_event, make_observer, make_target
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tests.pointings import made as pointings
from tom.events.localizations import keep_map
from tom.events.map_models import Sketch
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.events.preparing import prepare_map
from tom.followup.sites import sites
from tom.pointings.instruments import find_instrument
from tom.pointings.keeping import keep_pointings
from tom.pointings.models import Source
from tom.web.event_map import LAYERS, read_layers, read_moment

pytestmark = pytest.mark.django_db
MOST_BYTES = 400_000


@pytest.fixture
def event() -> NonLocalizedEvent:
    return make_event("S261120ab")


@pytest.fixture
def page(client: Client, event: NonLocalizedEvent):
    client.force_login(make_observer("vera"))
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

    assert on == {"candidates", "fields", "galaxies", "bodies", "plane"}


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


def test_observed_fields_are_a_layer_by_camera_and_depth(event, page) -> None:
    told = [
        pointings.told("a", depth=18.0),
        pointings.told("b", ra=200.0, depth=22.0),
        pointings.told("c", instrument="Other", facility="", depth=None),
        pointings.told("d", time=event.time - timedelta(hours=1), instrument="Before"),
    ]
    keep_pointings(told, source=Source.TABLE, event=event, group=None)

    text = page()

    drawn = re.findall(r'<path class="telescope-(\d) depth-(\d)" d="M[^"]+Z"><title>([^<]+)', text)
    assert drawn[:3] == [
        ("1", "0", "Other: 1 field, depth unknown"),
        ("0", "1", "Eye (La Silla): 1 field, to 18.0 mag"),
        ("0", "3", "Eye (La Silla): 1 field, to 22.0 mag"),
    ]
    assert "Before" not in text
    assert "the deeper the stronger" in text


def test_a_group_s_fields_are_drawn_for_its_members_alone(event, page) -> None:
    group = Group.objects.create(name="Ours")
    keep_pointings([pointings.told("a")], source=Source.TABLE, event=event, group=group)
    assert "the deeper the stronger" not in page()

    User.objects.get(username="vera").groups.add(group)
    assert "Eye (La Silla): 1 field" in page()


def test_a_page_with_thousands_of_pointings_stays_small_and_asks_no_more(
    event, page, django_assert_max_num_queries
) -> None:
    prepare_map(event)
    camera = find_instrument("ZTF")
    assert camera is not None
    fields = list(camera.grid.values())[:1000]
    told = [
        pointings.told(f"{n}-{at}", ra=ra, dec=dec, shape=camera.shape, instrument="ZTF")
        for at, (ra, dec) in enumerate(fields)
        for n in range(3)
    ]
    keep_pointings(told, source=Source.TABLE, event=event, group=None)
    page()

    began = time.process_time()
    with django_assert_max_num_queries(40):
        text = page()
    took = time.process_time() - began

    assert "(the first 400 of 1000)" in re.sub(r"\s+", " ", text)
    assert len(text.encode()) < MOST_BYTES
    assert took < 0.5  # of a busy machine


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
        pytest.param("GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits", marks=pytest.mark.soak),
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


@pytest.mark.parametrize(
    "at", ["2026-13-01", "abc", "0001-01-01T00:00", "9999-01-01T00:00", "<b>now</b>"]
)
def test_what_is_no_time_is_said_beside_its_field(page, at: str) -> None:
    text = page(urlencode({"at": at}))

    assert f"“{escape(at)}” is no time from 1950 to 2099: the map shows now." in text
    assert 'aria-describedby="map-no-time"' in text


@pytest.mark.parametrize("at", ["", "at=", "at=2026-03-20T12:00"])
def test_of_a_time_or_none_nothing_is_said(page, at: str) -> None:
    assert "is no time" not in page(at)
