"""Every kind of page, full, in every theme: axe finds nothing, and red is red."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests import factories
from tests.browser.axe import find_axe, look_for_faults
from tests.browser.conftest import DESKTOP, NARROW, Enter
from tests.browser.full_house import fill
from tests.conftest import PEER_MISSING
from tom.embedded.frontend import ROOT, FrontendError
from tom.web.context import THEMES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
]
# Of 255: what a page in red may send of green and of blue light.
FAINT = 60


@pytest.fixture(scope="session")
def axe() -> str:
    try:
        return find_axe(ROOT / "node_modules" / ".axe")
    except FrontendError as error:
        pytest.skip(f"{PEER_MISSING}axe-core ({error})")


@pytest.mark.parametrize("viewport", [DESKTOP, NARROW], ids=["desk", "phone"])
def test_axe_finds_nothing_on_any_page_in_any_theme(enter: Enter, axe: str, viewport) -> None:
    person = factories.make_admin("ada")
    addresses = fill(person)
    page = enter(person, viewport=viewport)
    page.emulate_media(reduced_motion="reduce")

    faults = [
        f"{address} in {theme}: {fault}"
        for address in addresses
        for theme in open_in_themes(page, address)
        for fault in look_for_faults(page, axe)
    ]

    assert not faults, "\n".join(faults)


def test_a_page_in_red_sends_no_green_and_no_blue_light(enter: Enter) -> None:
    person = factories.make_admin("ada")
    addresses = fill(person)
    page = enter(person)
    page.emulate_media(reduced_motion="reduce")
    wear(page, "red")

    seen = {}
    for address in addresses:
        page.goto(address)
        unfold(page)
        seen[address] = other_light(page)

    faults = [f"{address}: {light}" for address, light in seen.items() if light[0] > FAINT]
    assert not faults, "\n".join(faults)


def open_in_themes(page: Page, address: str):  # type: ignore[no-untyped-def]
    """Open a page and give it one theme after the other, by the button that people press."""
    wear(page, THEMES[0])
    page.goto(address)
    unfold(page)
    for theme in THEMES:
        if page.locator("html").get_attribute("data-theme") != theme:
            if not page.locator("#theme").count():
                return  # a page of an error has no button
            page.locator("#theme").click()
        yield theme


def wear(page: Page, theme: str) -> None:
    page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])


def unfold(page: Page) -> None:
    """Wait for what comes by itself, and open what a reader can open."""
    page.wait_for_timeout(700)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.wait_for_timeout(300)


def other_light(page: Page) -> tuple[int, str]:
    """The most green or blue of any pixel of the whole page, of 255, and what is drawn there."""
    picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    light = np.asarray(picture)[..., 1:].max(axis=2)
    y, x = np.unravel_index(light.argmax(), light.shape)
    drawn = page.evaluate(
        "([x, y]) => { scrollTo(0, y - 100);"
        " return document.elementFromPoint(x, y - scrollY)?.outerHTML.slice(0, 200) }",
        [int(x), int(y)],
    )
    return int(light.max()), f"{drawn} at {x}, {y}"
