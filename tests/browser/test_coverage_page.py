"""The coverage page in a browser, with the real pointings of ZTF for S190425z."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import DESKTOP, NARROW, Enter
from tom.events.localizations import keep_map, note_localization

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TABLE = "gw/pointings/ZTF_GW190425_observation_data.csv"
MAP = "gw/maps/S190425z_G330561_bayestar_nside256_nested.fits.gz"


def test_an_uploaded_table_becomes_figures_and_a_curve(enter: Enter, real_data: Path) -> None:
    time = datetime(2019, 4, 25, 8, 18, 5, tzinfo=UTC)
    event = factories.make_event("S190425z", localized=False, time=time)
    note_localization(
        event,
        keep_map((real_data / MAP).read_bytes()),
        sender="LVK",
        author="bayestar",
        product="skymap",
        time=time,
    )
    page = enter(factories.make_observer("vera"))
    page.goto("/events/S190425z/")
    page.get_by_role("link", name="Coverage").click()
    page.get_by_role("link", name="Upload a table of pointings").click()

    page.get_by_label("A file").set_input_files(real_data / TABLE)
    page.get_by_label("Camera of rows").select_option("ZTF")
    page.get_by_label("Who may see").select_option("public")
    page.get_by_role("button", name="Check the table").click()
    page.get_by_role("button", name="Store 597 pointings").click()

    expect(page.get_by_text("597 pointings were stored.")).to_be_visible()
    while page.get_by_text("are being computed").count():
        page.wait_for_timeout(1000)
        page.reload()
    expect(page.locator("#coverage-facts")).to_contain_text("47%")
    expect(page.locator("#coverage-facts")).to_contain_text("7,366 deg²")
    for size in (DESKTOP, NARROW):
        page.set_viewport_size(size)
        page.reload()
        page.locator("#coverage-curve").scroll_into_view_if_needed()
        expect(page.locator("#coverage-curve .scatterlayer .trace")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
