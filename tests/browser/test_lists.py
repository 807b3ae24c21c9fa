"""Lists in a real browser: the form shows what concerns the kind, and nothing is cut off."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import ViewportSize, expect
from pytest_django import Settings

from tests import factories
from tests.browser.conftest import DESKTOP, NARROW, Enter
from tests.ranking.test_lists import rank
from tests.ranking.test_numbered import BY, CLASSED_BY, make_class
from tests.ranking.test_yields import known_since
from tests.scoring.test_feedback import type_target
from tom.ranking.comparisons import ask_for_comparison, work_comparison
from tom.scoring.services import scorers
from tom.strategies.models import Strategy
from tom.targets.facts import SummaryFact

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


LAPTOP: ViewportSize = {"width": 1280, "height": 900}
CUT_OFF = """
[...document.querySelectorAll('main .scroll')]
  .filter((each) => each.scrollWidth > each.clientWidth)
  .map((each) => each.textContent.slice(0, 90))
"""


def test_no_figure_of_a_comparison_is_cut_off_on_a_laptop(enter: Enter) -> None:
    lise = factories.make_lead("lise")
    target = factories.make_target("ZTF26a")
    type_target(target, "tde")
    known_since(target, ago=9.0)  # not in the first of 14 nights
    SummaryFact.objects.update(stored=timezone.now() - timedelta(days=9), xact=None)
    sought = ["tde", "superluminous supernova", "intermediate-luminosity transient"]
    lists = [
        Strategy.objects.create(name=f"All that shines brightly {number}", sought=sought)
        for number in range(4)
    ]
    comparison = ask_for_comparison(lists, nights=14, k=5, truth="spectra", by=lise)
    while work_comparison(comparison.pk):
        pass
    page = enter(lise, viewport=LAPTOP)

    page.goto(f"/lists/compare/{comparison.pk}/")

    expect(page.get_by_text("without a target").first).to_be_visible()
    assert page.evaluate(CUT_OFF) == []


@pytest.fixture
def _with_anomaly(settings: Settings) -> Iterator[None]:
    settings.SCORERS = [*settings.SCORERS, "ml_plugins.anomaly.Anomaly"]
    scorers.cache_clear()
    yield
    scorers.cache_clear()


@pytest.mark.usefixtures("_with_anomaly")
def test_what_is_usual_for_a_class_is_read_whole_on_a_phone(enter: Enter) -> None:
    make_class("ZTF26kn", 0.9, [0.5 + 0.01 * number for number in range(11)])
    strategy = Strategy.objects.create(name="Odd", by=BY, within=CLASSED_BY, with_tests=True)
    rank(strategy)
    page = enter(factories.make_observer(), viewport=NARROW)

    page.goto(f"/lists/{strategy.pk}/")

    expect(page.get_by_text("is usual for kilonova").first).to_be_visible()
    assert page.evaluate(CUT_OFF) == []


def test_a_light_curve_that_is_not_yet_drawn_anew_makes_no_page_wider(enter: Enter) -> None:
    strategy = Strategy.objects.create(name="All", with_tests=True)
    target = factories.make_target("ZTF26a", points=3)
    rank(strategy)
    page = enter(factories.make_observer())

    for path in (f"/lists/{strategy.pk}/scan/", f"/targets/{target.pk}/"):
        page.set_viewport_size(DESKTOP)
        page.goto(path)
        expect(page.locator("#lightcurve .main-svg").first).to_be_visible()
        page.set_viewport_size(NARROW)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
