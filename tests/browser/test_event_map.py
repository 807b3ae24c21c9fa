"""The layers of an event's map: by the keyboard, without a script, and on paper."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import factories
from tests.browser.axe import look_for_faults
from tests.browser.conftest import DESKTOP, PHONE_IN_SOAK, Enter, Watched
from tests.browser.test_pages import WIDER, wait_for_changes
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tom.candidates.models import EventCandidate
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.preparing import prepare_map

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/events/MS261120ab/"
GALAXIES = "/events/MS261120ab/galaxies/"


@pytest.fixture
def prepared(candidates: list[EventCandidate]) -> list[EventCandidate]:
    """An event whose map is prepared, with galaxies."""
    catalogue = make_catalogue("GLADE+")
    for number in range(12):
        make_galaxy(catalogue, str(number), name=f"NGC {4990 + number}", dec=-24.0 + number / 5)
    prepare_map(candidates[0].event)
    return candidates


def test_a_layer_is_switched_by_the_keyboard_and_stays_so_after_a_swap(
    enter: Enter, prepared: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    wait_for_changes(page)
    plane = page.locator(".whole .layer-plane")
    dwarfs = page.locator(".whole .layer-dwarfs")
    expect(plane).to_be_visible()
    expect(dwarfs).to_be_hidden()

    page.get_by_label("Galactic plane").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")

    expect(plane).to_be_hidden()
    expect(dwarfs).to_be_visible()
    with page.expect_response(re.compile("part=about")):
        publish(Topic.EVENT, "MS261120ab")
    expect(page.locator("#about")).not_to_have_class(re.compile("htmx"))
    expect(plane).to_be_hidden()
    expect(dwarfs).to_be_visible()


def test_without_a_script_the_form_chooses_layers_and_time(
    browser: Browser, site: str, prepared: list[EventCandidate], enter: Enter
) -> None:
    page = enter(factories.make_observer())
    plain = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state(), base_url=site
    ).new_page()
    plain.goto(PAGE)
    expect(plain).to_have_url(re.compile(r"whole=1"))  # it goes on to the whole page by itself
    plain.get_by_label("Sun and Moon").uncheck()
    expect(plain.locator(".whole .layer-bodies")).to_be_hidden()

    plain.get_by_label("At (UTC)").fill("2026-03-20T12:00")
    plain.get_by_role("button", name="Show", exact=True).last.click()

    expect(plain).to_have_url(re.compile(r"at=2026-03-20T12%3A00"))
    expect(plain.locator(".whole .layer-bodies")).to_be_hidden()
    expect(plain.get_by_text("from 2026-03-20 12:00 UTC on")).to_be_visible()
    plain.context.close()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE_IN_SOAK], ids=lambda size: str(size["width"]))
def test_the_map_and_the_galaxies_are_without_faults(
    site: str,
    watch: Callable[..., Watched],
    prepared: list[EventCandidate],
    axe: str,
    viewport,
) -> None:
    user = factories.make_observer()
    visit = watch(site, viewport=viewport)
    visit.enter_as(user)
    page = visit.page
    faults = []
    for path, name in ((PAGE, "event-map"), (GALAXIES, "galaxies")):
        page.goto(path)
        visit.shoot(f"{name}-{viewport['width']}")
        assert page.evaluate(WIDER) == [], path
        faults += look_for_faults(page, axe)
    assert not faults, "\n".join(faults)
    assert visit.faults == []


def test_a_printed_page_is_white_and_has_no_form(
    enter: Enter, prepared: list[EventCandidate]
) -> None:
    page: Page = enter(factories.make_observer())
    page.goto(PAGE)
    page.emulate_media(media="print")

    expect(page.locator(".whole")).to_be_visible()
    expect(page.locator("#map-form")).to_be_hidden()
    expect(page.locator("header.top")).to_be_hidden()
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(255, 255, 255)"
