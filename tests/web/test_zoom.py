"""The zoomable map: what its script is told, to whom, and what its page alone may do."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from tests.factories import make_candidate, make_event, make_observer, make_target
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tests.pointings.made import told
from tests.woken import woken
from tom.events.map_models import Sketch
from tom.events.models import NonLocalizedEvent
from tom.events.preparing import is_prepared, prepare_map
from tom.pointings.keeping import Told, keep_pointings
from tom.pointings.models import Source

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> NonLocalizedEvent:
    return make_event("S261120ab")


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(make_observer("vera"))
    return client


def keep(event: NonLocalizedEvent, *pointings: Told, group: Group | None = None) -> None:
    keep_pointings(pointings, source=Source.TABLE, event=event, group=group)


def policy_of(page) -> dict[str, list[str]]:
    parts = page.headers["Content-Security-Policy"].split("; ")
    return {name: values.split() for name, _, values in (part.partition(" ") for part in parts)}


def test_the_page_alone_may_run_webassembly_and_asks_no_other_host(observer, event) -> None:
    policy = policy_of(observer.get("/events/S261120ab/zoom/"))

    assert policy["script-src"] == ["'self'", "'wasm-unsafe-eval'"]
    assert policy["connect-src"] == ["'self'", "data:"]
    assert policy["img-src"] == ["'self'", "data:", "blob:"]
    assert policy["worker-src"] == ["blob:"]
    assert policy["default-src"] == ["'self'"]
    assert "wasm" not in observer.get("/events/S261120ab/").headers["Content-Security-Policy"]


def test_the_images_host_is_allowed_on_the_page_alone_where_the_team_set_one(
    observer, event, settings: Settings
) -> None:
    settings.HIPS_URL = "https://images.example.org:8443/DSS/color"

    page = observer.get("/events/S261120ab/zoom/")

    host = "https://images.example.org:8443"
    assert policy_of(page)["connect-src"] == ["'self'", "data:", host]
    assert policy_of(page)["img-src"][-1] == host
    assert 'data-images="https://images.example.org:8443/DSS/color"' in page.text
    assert 'data-layer="images"' in page.text
    assert "images.example" not in observer.get("/events/").headers["Content-Security-Policy"]


def test_without_images_the_page_names_none(observer, event) -> None:
    text = observer.get("/events/S261120ab/zoom/").text

    assert 'data-images=""' in text
    assert 'data-layer="images"' not in text


def test_the_script_is_told_regions_candidates_and_galaxies(observer, event) -> None:
    make_galaxy(make_catalogue(), "7", name="NGC 4993")
    prepare_map(event)
    target = make_target("ZTF26abc", ra=197.4, dec=-23.4)
    make_candidate(event, target, rank=7, posterior=0.25)

    told = observer.get("/events/S261120ab/zoom.json").json()

    assert list(told["regions"]) == ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]
    assert all(cells for moc in told["regions"].values() for cells in moc.values())
    (candidate,) = told["candidates"]
    assert candidate["url"] == f"/targets/{target.pk}/"
    assert (candidate["ra"], candidate["dec"], candidate["step"]) == (197.4, -23.4, 1)
    assert candidate["title"] == "1. ZTF26abc, 25%"  # among those that the reader may see
    assert "NGC 4993" in told["galaxies"][0]["title"]


def test_the_view_opens_on_the_region(observer, event) -> None:
    localization = event.used.localization

    told = observer.get("/events/S261120ab/zoom.json").json()

    assert told["centre"] == [localization.max_ra, localization.max_dec]
    assert told["width"] > 2 * (localization.area_90 / 3.15) ** 0.5


@pytest.mark.usefixtures("servers")
def test_before_the_map_is_prepared_its_regions_are_asked_for(observer, event) -> None:
    cache.clear()
    woken()

    told = observer.get("/events/S261120ab/zoom.json").json()

    assert told["regions"] == {}
    assert ("prepare", event.pk) in woken()


def test_fields_are_told_by_camera_and_depth_each_once(observer, event) -> None:
    keep(
        event,
        told("a", ra=10.0, depth=20.5),
        told("b", ra=10.0, depth=21.5),
        told("c", ra=20.0, depth=None),
        told("d", ra=30.0, time=event.time - timedelta(hours=1)),
    )

    fields = observer.get("/events/S261120ab/zoom.json").json()["fields"]

    assert [(group["step"], len(group["rings"])) for group in fields] == [(0, 1), (3, 1)]
    assert [group["title"] for group in fields] == [
        "Eye (La Silla): 1 field, depth unknown",
        "Eye (La Silla): 1 field, to 21.5 mag",
    ]


def test_a_group_s_fields_are_told_to_its_members_alone(observer, event) -> None:
    group = Group.objects.create(name="Ours")
    keep(event, told("a"), group=group)

    assert observer.get("/events/S261120ab/zoom.json").json()["fields"] == []

    member = make_observer("member")
    member.groups.add(group)
    observer.force_login(member)
    assert len(observer.get("/events/S261120ab/zoom.json").json()["fields"]) == 1


def test_an_event_without_a_map_has_nothing_to_zoom_into(observer) -> None:
    make_event("S261120un", localized=False)

    assert "nothing to zoom into" in observer.get("/events/S261120un/zoom/").text
    assert observer.get("/events/S261120un/zoom.json").status_code == 404


def test_a_map_prepared_by_an_earlier_version_is_prepared_again(event) -> None:
    assert not is_prepared(event)
    prepare_map(event)

    assert is_prepared(event)
    assert Sketch.objects.get().mocs["0.9"]
