"""The event page at three widths: the list first, all within reach, its state in the address."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from tests import factories
from tests.browser.conftest import DESKTOP, NARROW, Enter, Watched
from tests.browser.test_pages import wait_for_live
from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.live.models import Topic
from tom.live.publish import publish

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
PAGE = "/events/MS261120ab/"
MIDDLE: ViewportSize = {"width": 1024, "height": 768}
WIDTHS = [DESKTOP, MIDDLE, NARROW]
# The first row begins above this: on a phone below the facts, which stand one under the other.
FIRST_ROW_PX = {1440: 400, 1024: 400, 390: 640}


@pytest.fixture
def candidates(transactional_db: None) -> list[EventCandidate]:
    event = factories.make_event("MS261120ab")
    return [
        factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
        for rank in range(1, 7)
    ]


def box(found: Locator) -> dict[str, float]:
    measured = found.bounding_box()
    assert measured is not None
    return dict(measured)


def test_the_list_begins_in_the_first_screen_and_all_of_a_row_is_within_reach(
    site: str,
    watch: Callable[..., Watched],
    candidates: list[EventCandidate],
) -> None:
    user = factories.make_observer()
    for width in WIDTHS:
        visit = watch(site, viewport=width)
        visit.log_in(user=user.get_username(), password=factories.PASSWORD)
        page = visit.page
        page.goto(PAGE)
        row = page.locator("#candidates [data-row]").first

        assert box(row)["y"] < FIRST_ROW_PX[width["width"]], width
        for name in ("Promising", "Watch", "Reject"):
            button = box(row.get_by_role("button", name=name))
            assert button["x"] >= 0, (width, name)
            assert button["x"] + button["width"] <= width["width"], (width, name)
        observe = box(row.get_by_role("link", name="Observe"))
        assert observe["x"] + observe["width"] <= width["width"], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width["width"]
        shown, whole = page.locator(".places").evaluate("e => [e.clientWidth, e.scrollWidth]")
        assert whole <= shown, width  # none of its links is cut
        for place in page.locator(".places a").all():
            link = box(place)
            assert link["x"] >= 0, width
            assert link["x"] + link["width"] <= width["width"], width
        for theme in ("dark", "red", "light"):
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            visit.shoot(f"event-{width['width']}-{theme}")
        assert visit.faults == []


def test_search_and_filters_stand_in_the_address_and_survive_a_swap(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    wait_for_live(page)
    rows = page.locator("#candidates [data-row]")

    page.get_by_label("Search in the list").press_sequentially("row3")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("q=row3"))
    with page.expect_response(re.compile("live=1")):
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
    wait_for_live(page)
    expect(page.get_by_role("link", name="Observe")).to_have_count(6)

    NonLocalizedEvent.objects.update(retracted=True)
    publish(Topic.EVENT, "MS261120ab")

    expect(page.get_by_role("link", name="Observe")).to_have_count(0)
    expect(page.get_by_text("nothing new goes to a telescope")).to_be_visible()
