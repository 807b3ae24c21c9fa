"""Every kind of page, full, in every theme: axe finds nothing, and red is red."""

import io
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests import factories
from tests.browser.axe import OF_COLOURS, look_for_faults
from tests.browser.conftest import DESKTOP, NARROW, PATIENCE_MS, Enter, Watched
from tests.browser.full_house import fill
from tom.web.context import THEMES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),
]
# Of 255: what a page in red may send of green and of blue light.
FAINT = 60


# `make test` looks at every fourth page, and of so many at one in each further theme: most colours
# are on every page. A phone shows the same colours: there the first theme is enough.
@pytest.mark.parametrize(
    ("viewport", "share", "one_in"),
    [
        (DESKTOP, 8, 5),
        pytest.param(DESKTOP, 1, 1, marks=pytest.mark.soak),
        pytest.param(NARROW, 1, 1000, marks=pytest.mark.soak),
    ],
    ids=["share", "desk", "phone"],
)
def test_axe_finds_nothing_on_any_page_in_any_theme(
    enter: Enter, axe: str, viewport, share: int, one_in: int
) -> None:
    person = factories.make_admin("ada")
    addresses = fill(person)[::share]
    page = enter(person, viewport=viewport)
    page.emulate_media(reduced_motion="reduce")

    faults = [
        fault
        for n, address in enumerate(addresses)
        for fault in in_themes(page, address, axe, THEMES if n % one_in == 0 else THEMES[:1])
    ]

    assert not faults, "\n".join(faults)


def test_axe_finds_nothing_where_somebody_must_log_in_or_is_refused(
    transactional_db: None, site: str, watch: Callable[..., Watched], axe: str
) -> None:
    visit = watch(site)
    page = visit.page
    page.emulate_media(reduced_motion="reduce")
    visit.open("/accounts/login/")
    faults = in_themes(page, "/accounts/login/", axe)
    visit.enter_as(factories.make_user())

    for path in ("/nothing/", "/messages/", "/targets/999/"):
        faults += in_themes(page, path, axe)

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("share", [12, pytest.param(1, marks=pytest.mark.soak)])
def test_a_page_in_red_sends_no_green_and_no_blue_light(enter: Enter, share: int) -> None:
    person = factories.make_admin("ada")
    addresses = fill(person)[::share]
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


def test_the_administration_wears_the_theme_of_the_site(enter: Enter) -> None:
    page = enter(factories.make_admin("ada"))
    page.set_viewport_size({"width": 1200, "height": 4000})  # no picture of it reaches farther

    worn = {}
    for theme in THEMES:
        wear(page, theme)
        page.goto("/admin/targets/program/add/")
        worn[theme] = page.locator("html").get_attribute("data-theme")
        if theme == "red":
            assert other_light(page)[0] <= FAINT

    assert worn == {"dark": "dark", "red": "dark", "light": "light"}


def in_themes(page: Page, address: str, axe: str, themes: Sequence[str] = THEMES) -> list[str]:
    return [
        f"{address} in {theme}: {fault}"
        for theme in open_in_themes(page, address, themes)
        for fault in look_for_faults(page, axe, rules=() if theme == THEMES[0] else OF_COLOURS)
    ]


def open_in_themes(page: Page, address: str, themes: Sequence[str] = THEMES):  # type: ignore[no-untyped-def]
    """Open a page and give it one theme after the other, by the button that people press.

    A page that says an error has no button.
    """
    for theme in themes:
        if theme != THEMES[0] and page.locator("#theme").count():
            page.locator("#theme").click()
        else:
            wear(page, theme)
            page.goto(address)
            unfold(page)
        assert page.locator("html").get_attribute("data-theme") == theme
        yield theme


def wear(page: Page, theme: str) -> None:
    origin = page.evaluate("location.origin")
    page.context.add_cookies([{"name": "theme", "value": theme, "url": f"{origin}/"}])


OPEN_ALL = 'for (const each of document.querySelectorAll("details")) each.open = true'
# As a reader who goes down a page, up to its end, and back.
GO_DOWN = """async () => {
  for (let y = 0; y < document.body.scrollHeight; y += innerHeight / 2) {
    scrollTo(0, y);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  }
  scrollTo(0, 0);
}"""
HAS_ALL = """document.readyState === "complete"
  && !document.querySelector("[data-waits], .htmx-request")
  && [...document.images].every((image) => image.complete)"""


def unfold(page: Page) -> None:
    """Open what a reader can open, and have come what comes where one looks."""
    page.evaluate(OPEN_ALL)
    let_all_come(page)


def let_all_come(page: Page) -> None:
    """Wait until nothing is asked for any more that comes later than the page, or by a look."""
    page.evaluate(GO_DOWN)
    page.wait_for_timeout(100)  # until it is asked for
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(HAS_ALL):
        assert time.monotonic() < deadline, f"{page.url} goes on loading"
        page.wait_for_timeout(50)
    page.wait_for_timeout(100)  # until it is drawn


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
