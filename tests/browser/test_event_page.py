"""The event page at three widths: the list first, all within reach, its state in the address."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Locator, Page, ViewportSize, expect
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.browser.axe import look_for_faults
from tests.browser.conftest import DESKTOP, NARROW, Enter, Watched, keep_rankings
from tests.browser.test_accessible import FAINT, let_all_come, other_light
from tests.browser.test_pages import wait_for_changes
from tests.factories import LAYOUT
from tom.candidates.models import EventCandidate, Look, Vetting
from tom.candidates.verdicts import give_verdict
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.demo.cutouts import to_fits
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate, Ranking
from tom.targets.models import Cutout, CutoutKind
from tom.web.context import THEMES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
PAGE = "/events/MS261120ab/"
# Of phones, tablets and screens, and on both sides of where the style sheets change.
USUAL_WIDTHS = (320, 390, 520, 760, 761, 999, 1000, 1199, 1200, 1440)
EVERY_WIDTH = range(320, 1441, 20)
ALL_TERMS = (
    *("sky_map", "distance", "brightness", "later_light", "star", "earlier_activity"),
    *("minor_planet", "fast_transient 1.1.0", "real_bogus 1.1.0"),
)
MIDDLE: ViewportSize = {"width": 1024, "height": 768}
WIDTHS = [DESKTOP, pytest.param(MIDDLE, marks=pytest.mark.soak), NARROW]


@pytest.fixture
def night(candidates: list[EventCandidate]) -> list[EventCandidate]:
    """The list as somebody finds it who comes back: one candidate is new, one has climbed."""
    now, first = timezone.now(), candidates[0]
    EventCandidate.objects.exclude(pk=candidates[5].pk).update(created=now - timedelta(hours=2))
    Cutout.objects.create(
        target=first.target,
        kind=CutoutKind.DIFFERENCE,
        time=now,
        program=factories.make_program(),
        fits=to_fits(np.arange(63.0 * 63).reshape(63, 63), step=1.0),
    )
    with transaction.atomic():
        factories.make_past(first.event, [candidates[place] for place in (1, 0, 2, 3, 4)])
        keep_rankings()
    return candidates


def box(found: Locator) -> dict[str, float]:
    measured = found.bounding_box()
    assert measured is not None
    return dict(measured)


def assert_within(page: Page, found: Locator, name: str) -> None:
    """Nothing of it is beyond an edge of the window."""
    size, measured = page.viewport_size, box(found)
    assert size is not None
    assert measured["x"] >= 0, name
    assert measured["y"] >= 0, name
    assert measured["x"] + measured["width"] <= size["width"], name
    assert measured["y"] + measured["height"] <= size["height"], name


def assert_navigation_is_whole(page: Page) -> None:
    size = page.viewport_size
    assert size is not None
    for place in page.locator(".places a, .top .tools > *, .top .search input").all():
        place.scroll_into_view_if_needed()  # the menu is one row, which scrolls on the narrowest
        measured = box(place)
        name = f"{place.text_content()} at {size['width']}"
        assert measured["x"] >= 0, name
        assert measured["x"] + measured["width"] <= size["width"], name
    cut = page.evaluate(
        "[...document.querySelectorAll('.top, .places a')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert cut == [], size
    wide = page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth"
        " ? [] : [...document.querySelectorAll('*')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == [], size


@pytest.mark.parametrize("viewport", WIDTHS, ids=["1440", "1024", "390"])
def test_the_list_begins_in_the_first_screen_and_all_of_a_row_is_within_reach(
    site: str,
    watch: Callable[..., Watched],
    night: list[EventCandidate],
    axe: str,
    viewport: ViewportSize,
) -> None:
    user = factories.make_observer()
    Look.objects.create(user=user, event=night[0].event, seen=timezone.now() - timedelta(hours=1))
    visit = watch(site, viewport=viewport)
    visit.log_in(user=user.get_username(), password=factories.PASSWORD)
    page = visit.page
    page.emulate_media(reduced_motion="reduce")
    page.goto(PAGE)
    row = page.locator("#candidates [data-row]").first

    assert "ZTF26row1" in row.inner_text()
    for name in ("Promising", "Watch", "Reject"):
        assert_within(page, row.get_by_role("button", name=name), name)
    assert_within(page, row.get_by_role("link", name="Observe"), "Observe")
    assert_within(page, row.locator(".name a"), "the name")
    picture = row.locator(".thumbnail img")
    expect(picture).to_be_visible()
    assert picture.evaluate("each => each.decode().then(() => each.naturalWidth)") > 0
    assert_navigation_is_whole(page)
    expect(page.locator("[data-row] .moved")).to_have_text(["▲1", "▼1", "new"])
    let_all_come(page)  # else its colours are looked at amid a change
    faults = []
    for theme in THEMES:
        if page.locator("html").get_attribute("data-theme") != theme:
            page.locator("#theme").click()
        visit.shoot(f"event-{viewport['width']}-{theme}")
        faults += [f"{theme}: {fault}" for fault in look_for_faults(page, axe)]
        if theme == "red":
            light, drawn = other_light(page)
            faults += [f"red: {light} of {drawn}"] if light > FAINT else []
    assert not faults, "\n".join(faults)
    assert visit.faults == []


def assert_name_is_beside_its_picture(page: Page) -> None:
    row = page.locator("#candidates [data-row]").first
    picture, name = box(row.locator(".thumbnail")), box(row.locator(".name b"))
    assert name["x"] >= picture["x"] + picture["width"], page.viewport_size
    assert name["height"] <= picture["height"], page.viewport_size


@pytest.mark.parametrize(
    "widths",
    [USUAL_WIDTHS, pytest.param(EVERY_WIDTH, marks=pytest.mark.soak)],
    ids=["usual", "every"],
)
def test_navigation_is_whole_at_every_width(
    enter: Enter, night: list[EventCandidate], widths: Sequence[int]
) -> None:
    """With as many parts of the score as the plugins that come with it give."""
    place = RankedCandidate.objects.newest()[0]
    Ranking.objects.update(layout=[{"name": name, "inputs": [name]} for name in ALL_TERMS])
    RankedCandidate.objects.update(terms=place.terms[:1] * len(ALL_TERMS))
    BaseTarget.objects.filter(pk=night[0].target_id).update(name="ZTF26mmgutoi")
    EventCandidate.objects.filter(pk=night[0].pk).update(credible_level_2d=0.9018)
    admin = factories.make_admin("somebody.with.a.long.name@observatory")
    give_verdict(night[0], Vetting.WATCHING, by=admin)
    page = enter(admin)
    page.goto(PAGE)

    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        assert_navigation_is_whole(page)
        assert_name_is_beside_its_picture(page)
        table, panel = box(page.locator("#candidates table.rows")), box(page.locator("#candidates"))
        assert table["width"] <= panel["width"], width


def test_the_long_name_of_a_pooled_term_widens_no_page(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    pooled = "distance + bright_transient 1.0.0 + fast_transient 1.1.0 + kilonova 1.0.0"
    Ranking.objects.update(layout=[{"name": pooled, "inputs": ["lightcurve"]}] * len(LAYOUT))
    page = enter(factories.make_observer())

    for path in (f"{PAGE}scan/", f"/targets/{candidates[0].target_id}/"):
        page.goto(path)
        for viewport in (DESKTOP, NARROW):
            page.set_viewport_size(viewport)
            expect(page.locator(".reasons").first).to_contain_text("kilonova 1.0.0")
            # The plots take their new width a moment after the page.
            expect(page.locator("html")).to_have_js_property("scrollWidth", viewport["width"])


def test_a_column_is_sorted_by_its_head_and_a_filter_by_its_choice(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    names = page.locator("[data-row] .name b")

    page.get_by_role("columnheader", name="Candidate").get_by_role("link").click()
    expect(page).to_have_url(re.compile("order=name"))  # else the second click is of the old list
    page.get_by_role("columnheader", name="Candidate").get_by_role("link").click()
    expect(names.first).to_have_text("ZTF26row6")
    expect(page).to_have_url(re.compile("order=-name"))
    page.get_by_label("Status").select_option("promising")
    expect(page.get_by_text("No candidate fits these filters")).to_be_visible()
    expect(page).to_have_url(re.compile("vetting=promising"))
    page.get_by_label("Status").select_option("")
    expect(names.first).to_have_text("ZTF26row6")


def test_search_and_filters_stand_in_the_address_and_survive_a_swap(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    wait_for_changes(page)
    rows = page.locator("#candidates [data-row]")

    page.get_by_label("Search in the list").press_sequentially("row3")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("q=row3"))
    with page.expect_response(re.compile("auto=1")):
        publish(Topic.RANKING, "MS261120ab")

    expect(page.get_by_label("Search in the list")).to_be_focused()
    expect(rows).to_have_count(1)
    page.reload()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Search in the list")).to_have_value("row3")


def test_a_retraction_takes_observe_away_at_once(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    wait_for_changes(page)
    expect(page.get_by_role("link", name="Observe")).to_have_count(6)
    others = [page.context.new_page() for _ in range(2)]
    target = f"/targets/{candidates[0].target_id}"
    paths = (f"{target}/?event=MS261120ab", f"{target}/request/?event=MS261120ab")
    for other, path in zip(others, paths, strict=True):
        other.goto(path)
        wait_for_changes(other)

    NonLocalizedEvent.objects.update(retracted=True)
    publish(Topic.EVENT, "MS261120ab")

    for other in others:
        expect(other.get_by_text("MS261120ab is retracted.")).to_be_visible()

    expect(page.get_by_role("link", name="Observe")).to_have_count(0)
    expect(page.get_by_text("Nothing new is sent to a telescope")).to_be_visible()
