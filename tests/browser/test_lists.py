"""The form of a list in a real browser: it shows what concerns the kind, on a phone, too."""

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import DESKTOP, NARROW, Enter
from tom.strategies.models import Strategy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


def test_the_form_of_a_list_shows_what_concerns_its_kind_and_is_saved(enter: Enter) -> None:
    Strategy.objects.filter(kind="grb").delete()
    page = enter(factories.make_lead("lise"))
    page.goto("/lists/new/")
    alone, of_event = page.get_by_label("Brighter than"), page.get_by_label("Days after the event")

    expect(alone).to_be_visible()
    expect(of_event).to_be_hidden()
    expect(page.get_by_label("sky map")).to_be_hidden()
    page.get_by_label("Makes the list of each").select_option("gamma-ray burst")
    expect(alone).to_be_hidden()
    expect(of_event).to_be_visible()
    expect(page.get_by_label("sky map")).to_be_visible()
    for size in (DESKTOP, NARROW):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), size

    page.get_by_label("Name").fill("Bursts")
    page.get_by_label("Class 2").fill("GRB")
    of_event.fill("3")
    page.get_by_label("sky map").check()
    page.get_by_role("button", name="Make the list").click()

    expect(page.get_by_role("heading", name="Settings of Bursts")).to_be_visible()
    made = Strategy.objects.get(kind="grb")
    assert (made.sought, made.days_after) == (["kilonova", "gamma-ray burst afterglow"], 3.0)
    assert made.terms == ["sky map"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
