"""Pages in a real browser: no error, no other host, changes at once, usable on a phone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.browser.conftest import NARROW, Enter, Watched
from tests.browser.full_house import fill
from tom.candidates.models import EventCandidate
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import Circular
from tom.followup.models import ObservationRequest
from tom.reports.hermes.models import Report
from tom.reports.notifications.models import Notification
from tom.streams.models import AlertMessage

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def candidate(transactional_db: None) -> EventCandidate:
    event = factories.make_event("MS261120ab", time=timezone.now() - timedelta(hours=3))
    return factories.make_candidate(event)


def every_page(candidate: EventCandidate) -> list[str]:
    message = factories.make_message(state="dead", reason="no packet")
    target = candidate.target_id
    return [
        *("/", "/events/", f"/events/{candidate.event.event_id}/"),
        *(
            "/targets/",
            f"/targets/{target}/",
            f"/targets/{target}/request/",
            "/targets/new/",
            "/events/new/",
        ),
        *(f"/targets/{target}/photometry/", f"/targets/{target}/points/", "/search/?q=ZTF26"),
        *("/requests/", "/messages/", "/messages/?state=dead", f"/messages/{message.pk}/"),
        *("/notifications/", "/account/"),
    ]


def test_every_page_is_free_of_errors_and_of_other_hosts(
    enter: Enter, candidate: EventCandidate
) -> None:
    page = enter(factories.make_admin())

    for path in every_page(candidate):
        answer = page.goto(path)
        page.wait_for_load_state("load")

        assert answer is not None
        assert answer.ok, path


LONG = "W" * 80
ONE_LINE_PX = 40
# What stands beyond the window's edge, where it cannot be scrolled to within a part of the page.
WIDER = """
document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('main *')]
  .filter((each) => each.getBoundingClientRect().right > innerWidth && !each.closest('.scroll'))
  .map((each) => each.outerHTML.slice(0, 90))
"""
ROW = {
    "target_name": "ZTF26mmwwmmm",
    "date_obs": "2026-11-20T03:04:05.000000",
    "bandpass": "r",
    "brightness": 19.872,
    "brightness_error": 0.112,
    "telescope": "Palomar 48-inch Samuel Oschin",
    "instrument": "ZTF",
}


def lengthen() -> None:
    """Give everything that a person or a stream names a name as long as it may be."""
    for target in BaseTarget.objects.all():
        BaseTarget.objects.filter(pk=target.pk).update(name=f"{target.pk}{LONG}")
    AlertMessage.objects.update(topic=f"gcn.{LONG}", reason=LONG)
    Circular.objects.update(subject=LONG, submitter=LONG, body=LONG)
    Report.objects.update(body={"title": LONG, "authors": LONG, "data": {"photometry": [ROW]}})
    Notification.objects.update(title=LONG)
    factories.make_group(LONG)
    factories.make_observer(f"somebody{LONG}")


def test_no_page_is_wider_than_a_phone(enter: Enter, transactional_db: None) -> None:
    admin = factories.make_admin()
    paths = fill(admin)
    Report.objects.update(state="sent", confirmed_at=timezone.now())
    lengthen()
    page = enter(admin, viewport=NARROW)

    wide = {}
    for path in [*paths, f"/search/?q={LONG}", f"/team/people/{admin.pk}/"]:
        page.goto(path)

        wide[path] = page.evaluate(WIDER)
        if path.startswith("/reports/"):
            row = page.get_by_role("region", name="Photometry").locator("tbody tr")
            assert row.evaluate("each => each.clientHeight") < ONE_LINE_PX, path
    assert {path: found for path, found in wide.items() if found} == {}


# Whether a link of the menu stands within the menu's row, as far as it is scrolled now.
IN_SIGHT = """link => {
  const [row, place] = [link.closest('.places'), link].map((each) => each.getBoundingClientRect());
  return row.left - 1 < place.left && place.right < row.right + 1;
}"""


@pytest.mark.parametrize("width", [390, 320])
def test_the_menu_is_one_row_on_a_phone_whose_places_are_all_reached(
    enter: Enter, transactional_db: None, width: int
) -> None:
    page = enter(factories.make_admin(), viewport={"width": width, "height": 700})
    menu = page.get_by_role("navigation", name="Main")
    links = menu.get_by_role("link").all()

    tops = {link.evaluate("link => link.getBoundingClientRect().top") for link in links}
    assert len(links) == 8
    assert len(tops) == 1
    links[0].focus()
    for link in links[1:]:
        page.keyboard.press("Tab")
        expect(link).to_be_focused()
        assert link.evaluate(IN_SIGHT)

    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/streams/$"))
    here = menu.get_by_role("link", name="Streams")
    expect(here).to_have_attribute("aria-current", "page")
    assert here.evaluate(IN_SIGHT)


def test_the_light_curve_is_drawn(enter: Enter, candidate: EventCandidate) -> None:
    page = enter(factories.make_observer())

    page.goto(f"/targets/{candidate.target_id}/")

    expect(page.locator("#lightcurve .scatterlayer .point")).to_have_count(7)
    page.get_by_role("button", name="Flux").click()
    expect(page.locator("#lightcurve .scatterlayer .point")).to_have_count(6)


def test_a_new_event_appears_without_a_reload(enter: Enter) -> None:
    page = enter(factories.make_observer())
    expect(page.get_by_text("No event yet")).to_be_visible()
    wait_for_changes(page)

    factories.make_event("MS261120new")
    publish(Topic.EVENT, "MS261120new")

    expect(page.get_by_role("link", name="MS261120new")).to_be_visible()


def test_a_candidate_is_vetted_by_the_keyboard(enter: Enter, candidate: EventCandidate) -> None:
    page = enter(factories.make_observer())
    page.goto("/events/MS261120ab/")

    page.keyboard.press("j")
    page.keyboard.press("y")

    expect(page.get_by_role("button", name="Promising")).to_have_attribute("aria-pressed", "true")
    candidate.refresh_from_db()
    assert candidate.vetting == "promising"


def test_a_table_that_was_swapped_leads_to_whole_pages(
    enter: Enter, candidate: EventCandidate
) -> None:
    for rank in range(2, 40):
        factories.make_candidate(candidate.event, rank=rank)
    page = enter(factories.make_observer())
    page.goto("/events/MS261120ab/?region=all")
    wait_for_changes(page)
    table = page.locator("#candidate-list")
    table.evaluate("table => { table.dataset.first = 'yes'; }")

    publish(Topic.RANKING, "MS261120ab")
    expect(page.locator("#candidate-list:not([data-first])")).to_be_visible()
    table.get_by_role("link", name="Next").click()

    expect(page.get_by_role("heading", name="MS261120ab", level=1)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/events/MS261120ab/\?region=all&page=2$"))


def test_what_happens_before_the_connection_opens_is_not_missed(enter: Enter) -> None:
    page = enter(factories.make_observer())
    waiting: list[Route] = []
    page.route("**/changes/**", lambda route: waiting.append(route))
    with page.expect_request("**/changes/**"):
        page.goto("/")
    expect(page.get_by_text("No event yet")).to_be_visible()

    factories.make_event("MS261120gap")
    publish(Topic.EVENT, "MS261120gap")
    for route in waiting:
        route.continue_()

    expect(page.get_by_role("link", name="MS261120gap")).to_be_visible()


def test_a_lost_connection_is_said_and_made_good(
    transactional_db: None, site: str, watch: Callable[..., Watched]
) -> None:
    user = factories.make_observer()
    visit = watch(site)
    visit.log_in(user=user.get_username(), password=factories.PASSWORD)
    page = visit.page
    page.route("**/changes/**", lambda route: route.fulfill(status=503))
    page.goto("/")

    expect(page.get_by_text("Updates are interrupted")).to_be_visible()
    visit.shoot("interrupted")
    factories.make_event("MS261120new")  # told by nothing: only a fresh look shows it
    page.unroute("**/changes/**")

    wait_for_changes(page)
    expect(page.get_by_text("Updates are interrupted")).to_have_count(0)
    expect(page.get_by_role("link", name="MS261120new")).to_be_visible()


@pytest.mark.soak
def test_a_browser_opens_more_tabs_than_it_has_connections(enter: Enter) -> None:
    page = enter(factories.make_observer())
    wait_for_changes(page)

    for _ in range(8):
        turn_away(page)
        page = page.context.new_page()
        page.goto("/events/")
        wait_for_changes(page)


def test_a_tab_that_is_looked_at_again_shows_what_happened_meanwhile(enter: Enter) -> None:
    page = enter(factories.make_observer())
    wait_for_changes(page)

    turn_away(page)
    factories.make_event("MS261120new")  # told by nothing: only a fresh look shows it
    expect(page.locator("html")).to_have_attribute("data-changes", "off")
    turn_back(page)

    wait_for_changes(page)
    expect(page.get_by_role("link", name="MS261120new")).to_be_visible()


def test_a_click_sends_a_request_and_its_page_follows_it_to_the_end(
    enter: Enter, candidate: EventCandidate
) -> None:
    page = enter(factories.make_observer())
    page.goto("/events/MS261120ab/")

    page.get_by_role("link", name="Observe").click()
    page.get_by_role("button", name="Send to").click()

    expect(page.locator("#request .chain")).to_contain_text("Completed", timeout=120_000)
    assert ObservationRequest.objects.get().state == "completed"


def test_the_colours_chosen_are_kept(enter: Enter) -> None:
    page = enter(factories.make_user())
    icon = page.locator("link[rel=icon]")

    page.get_by_role("button", name="Change the colours").click()
    expect(icon).to_have_attribute("href", re.compile("mark-red"))
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "red")
    expect(icon).to_have_attribute("href", re.compile("mark-red"))


def wait_for_changes(page: Page) -> None:
    """Wait until the page hears of what happens."""
    expect(page.locator("html")).to_have_attribute("data-changes", "on")


def turn_away(page: Page) -> None:
    """Have the page see what it does when another tab is chosen."""
    _hide(page, "true")


def turn_back(page: Page) -> None:
    _hide(page, "false")


def _hide(page: Page, hidden: str) -> None:
    # A browser without a window shows all its tabs at once.
    page.evaluate(
        f"Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});"
        "document.dispatchEvent(new Event('visibilitychange'));"
    )
