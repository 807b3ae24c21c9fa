"""The zoomable map in a real browser: by pointer and keyboard, on a phone, without WebGL."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import factories
from tests.browser.axe import look_for_faults
from tests.browser.chromium import FLAGS, find_chromium
from tests.browser.conftest import DESKTOP, PHONE_IN_SOAK, Enter, Watched
from tests.browser.hips import COLOUR, serve_hips
from tests.browser.test_pages import WIDER
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tests.peers.site import running_site
from tests.pointings.made import told
from tom.candidates.models import EventCandidate
from tom.embedded.frontend import ROOT
from tom.events.preparing import prepare_map
from tom.pointings.keeping import keep_pointings
from tom.pointings.models import Source

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/events/MS261120ab/zoom/"
READY = "Choose a mark to read what it is."
# How many colours the middle of the picture has: a map that was not drawn has one.
PIXELS = """async (name) => {
  const canvas = document.querySelector(`#zoom canvas.${name}`);
  await new Promise(requestAnimationFrame);
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const paper = copy.getContext("2d");
  paper.drawImage(canvas, 0, 0);
  const { data } = paper.getImageData(0, 0, copy.width, copy.height);
  const colours = new Set();
  for (let at = 0; at < data.length; at += 4) colours.add(data.slice(at, at + 4).join());
  return colours.size;
}"""


@pytest.fixture
def mapped(candidates: list[EventCandidate]) -> list[EventCandidate]:
    """An event with a prepared map, galaxies and pointings."""
    event, catalogue = candidates[0].event, make_catalogue("GLADE+")
    for number in range(12):
        make_galaxy(catalogue, str(number), name=f"NGC {4990 + number}", dec=-24.0 + number / 5)
    fields = [told(str(at), ra=196.0 + at, depth=18.0 + at) for at in range(6)]
    keep_pointings(fields, source=Source.TABLE, event=event, group=None)
    prepare_map(event)
    return candidates


def opened(page: Page) -> Page:
    page.goto(PAGE)
    expect(page.locator("#zoom-told")).to_have_text(READY)
    return page


def width_of(page: Page) -> float:
    """How wide the view is, in degrees, as the map itself says."""
    text = page.locator("#zoom .aladin-fov").inner_text()
    number, unit = re.fullmatch(r"([\d.]+)(\D).*", text.strip(), re.DOTALL).groups()
    return float(number) / {"°": 1, "'": 60, '"': 3600}[unit]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE_IN_SOAK], ids=lambda size: str(size["width"]))
def test_the_map_is_drawn_without_faults_and_without_asking_anybody(
    site: str,
    watch: Callable[..., Watched],
    mapped: list[EventCandidate],
    axe: str,
    viewport,
) -> None:
    visit = watch(site, viewport=viewport)
    visit.enter_as(factories.make_observer())
    page = opened(visit.page)

    visit.shoot(f"zoom-{viewport['width']}")
    assert page.evaluate(PIXELS, "aladin-imageCanvas") > 20
    assert page.evaluate(WIDER) == []
    assert look_for_faults(page, axe) == []
    assert visit.faults == []


def test_keys_move_and_zoom_and_tab_leaves_the_map(
    enter: Enter, mapped: list[EventCandidate]
) -> None:
    page = opened(enter(factories.make_observer()))
    at_first = width_of(page)
    page.locator("#zoom").focus()

    page.keyboard.press("+")
    page.wait_for_function(
        "before => !document.querySelector('#zoom .aladin-fov').innerText.startsWith(before)",
        arg=f"{at_first:.1f}",
    )
    assert width_of(page) == pytest.approx(at_first / 2, rel=0.05)
    page.keyboard.press("0")
    page.keyboard.press("ArrowLeft")

    page.keyboard.press("Tab")  # the link of the library's makers
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.zoom") == "in"


def test_a_layer_is_switched_and_a_candidate_is_shown(
    enter: Enter, mapped: list[EventCandidate]
) -> None:
    page = opened(enter(factories.make_observer()))
    drawn = page.evaluate(PIXELS, "aladin-imageCanvas")

    page.get_by_label("Regions").uncheck()
    page.wait_for_timeout(500)
    assert page.evaluate(PIXELS, "aladin-imageCanvas") < drawn
    page.get_by_role("button", name="Show", exact=False).first.click()

    expect(page.locator("#zoom")).to_be_focused()
    page.locator("#zoom").click()  # the candidate stands in its middle
    expect(page.locator("#zoom-told a")).to_contain_text("ZTF26row")


# How much of the picture has a colour, but for a little: 0 to 1.
SHARE = """async ([name, colour]) => {
  const canvas = document.querySelector(`#zoom canvas.${name}`);
  await new Promise(requestAnimationFrame);
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const paper = copy.getContext("2d");
  paper.drawImage(canvas, 0, 0);
  const { data } = paper.getImageData(0, 0, copy.width, copy.height);
  let alike = 0;
  for (let at = 0; at < data.length; at += 4) {
    alike += colour.every((value, part) => Math.abs(value - data[at + part]) < 12);
  }
  return alike / (data.length / 4);
}"""

PLACE = ["aladin-imageCanvas", list(COLOUR)]


@pytest.mark.soak  # it starts a site of its own, whose setting names the images
def test_images_of_a_survey_are_shown_where_the_site_names_one_and_switched_off(
    watch: Callable[..., Watched],
    mapped: list[EventCandidate],
    static_files: Path,
    tmp_path: Path,
) -> None:
    with (
        serve_hips() as (address, asked),
        running_site(tmp_path, static=static_files, HIPS_URL=address) as site,
    ):
        visit = watch(site)
        visit.enter_as(factories.make_observer())
        page = opened(visit.page)
        page.get_by_label("Regions").uncheck()
        assert comes_true(page, lambda: page.evaluate(SHARE, PLACE) > 0.5)
        visit.shoot("zoom-images")

        page.get_by_label("Images").uncheck()
        assert comes_true(page, lambda: page.evaluate(SHARE, PLACE) < 0.01)

        assert any("/Norder3/Dir0/" in path for path in asked)
    known = (f"asked {address}", "Failed to load resource")  # it has no file of its coverage
    assert [fault for fault in visit.faults if not fault.startswith(known)] == []


def comes_true(page: Page, question: Callable[[], bool]) -> bool:
    """Ask again and again for some seconds."""
    for _ in range(100):
        if question():
            return True
        page.wait_for_timeout(200)
    return False


@pytest.mark.soak  # it starts a browser of its own
def test_without_webgl_the_page_says_so(
    browser: Browser, site: str, mapped: list[EventCandidate], enter: Enter
) -> None:
    state = enter(factories.make_observer()).context.storage_state()
    found = find_chromium(ROOT / "node_modules" / ".chromium")
    assert found is not None
    plain = browser.browser_type.launch(
        executable_path=found.path,
        args=[*FLAGS, "--disable-3d-apis"],
        env={**os.environ, **found.environment},
    )
    try:
        page = plain.new_context(storage_state=state, base_url=site).new_page()
        page.goto(PAGE)
        expect(page.locator("#zoom-told")).to_contain_text("draws no WebGL 2")
        expect(page.locator("#zoom")).to_be_hidden()
    finally:
        plain.close()


def test_the_event_s_page_fetches_nothing_of_the_map(
    enter: Enter, mapped: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto("/events/MS261120ab/")
    page.wait_for_load_state("load")

    assert not [url for url in asked if "aladin" in url or "zoom" in url]
    page.get_by_role("link", name="Zoom").click()
    expect(page.locator("#zoom-told")).to_have_text(READY)
    assert any("aladin" in url for url in asked)
