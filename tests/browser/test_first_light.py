"""The whole path, as a person walks it: log in, the event, its kilonova, a request, COMPLETED."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Watched
from tests.recovery.site import Site, running_demo

TOP = 5


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_a_person_finds_the_kilonova_and_follows_a_request_to_completed(
    tmp_path: Path, watch: Callable[..., Watched]
) -> None:
    with running_demo(tmp_path / "home", PRACTICE_STEP_SECONDS="6") as site:
        address = f"http://127.0.0.1:{site.port}"
        watched = watch(address)
        page = watched.page
        watched.log_in(user="demo", password=site.password)
        expect(page.get_by_role("heading", name="Tonight")).to_be_visible()
        watched.shoot("tonight")

        page.locator("main a[href^='/events/MS']").first.click()
        # On one night in ten it lies outside the 90% region.
        page.locator("select[name=region]").select_option("all")
        rows = page.locator("#candidates tbody tr")
        kilonova = rows.filter(has_text=_kilonova(site)).first
        expect(kilonova).to_be_visible()
        rank = int(kilonova.locator("td").first.inner_text())
        assert rank <= TOP
        assert kilonova.locator("td.term svg").count() >= 2  # its reasons
        watched.shoot("event")

        kilonova.get_by_role("link", name=_kilonova(site)).click()
        expect(page.locator("#lightcurve .main-svg").first).to_be_visible()
        watched.shoot("target")
        page.get_by_role("link", name="Observe").first.click()
        page.get_by_role("button", name=re.compile("^Send to")).click()
        page.wait_for_url(re.compile(r"/requests/\d+/"))

        _follow(page)
        watched.shoot("request")
        assert watched.faults == []

        narrow = watch(address, viewport=NARROW)
        narrow.log_in(user="demo", password=site.password)
        for path in ("/", "/events/", "/targets/", "/requests/", "/messages/"):
            narrow.open(path)
            assert _overflow(narrow.page) <= 0, path
        assert narrow.faults == []


def _kilonova(site: Site) -> str:
    truth = json.loads((site.home.demo / "truth.json").read_text())
    return next(row["object_id"] for row in truth if row["kind"] == "kilonova")


def _follow(page: Page) -> None:
    """The page must come to COMPLETED by itself: a reload would take this mark away."""
    page.evaluate("document.documentElement.dataset.opened = 'once'")
    states = page.get_by_role("list", name="How it came here").locator("li b")
    shown_first = states.all_inner_texts()
    expect(states.last).to_have_text("Completed", timeout=120_000)
    assert page.evaluate("document.documentElement.dataset.opened") == "once"
    # Between two questions to the telescope a state may come and go unseen, never these.
    assert states.all_inner_texts()[:4] == ["Proposed", "Approved", "Submitting", "Accepted"]
    assert "Completed" not in shown_first


def _overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    wider: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider
