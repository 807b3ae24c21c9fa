"""Pages in a real browser: no error, no other host, live, and usable on a phone."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import NARROW, Enter
from tom.candidates.models import EventCandidate
from tom.followup.models import ObservationRequest
from tom.live.models import Topic
from tom.live.publish import publish

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
        *("/targets/", f"/targets/{target}/", f"/targets/{target}/request/"),
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


def test_no_page_is_wider_than_a_phone(enter: Enter, candidate: EventCandidate) -> None:
    page = enter(factories.make_admin(), viewport=NARROW)

    for path in every_page(candidate):
        page.goto(path)

        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"], path


def test_the_light_curve_is_drawn(enter: Enter, candidate: EventCandidate) -> None:
    page = enter(factories.make_observer())

    page.goto(f"/targets/{candidate.target_id}/")

    expect(page.locator("#lightcurve .scatterlayer .point")).to_have_count(7)
    page.get_by_role("button", name="Flux").click()
    expect(page.locator("#lightcurve .scatterlayer .point")).to_have_count(6)


def test_a_new_event_appears_without_a_reload(enter: Enter) -> None:
    page = enter(factories.make_observer())
    expect(page.get_by_text("No event yet")).to_be_visible()
    wait_for_live(page)

    factories.make_event("MS261120new")
    publish(Topic.EVENT, "MS261120new")

    expect(page.get_by_role("link", name="MS261120new")).to_be_visible()


def test_a_candidate_is_vetted_by_the_keyboard(enter: Enter, candidate: EventCandidate) -> None:
    page = enter(factories.make_observer())
    page.goto("/events/MS261120ab/")

    page.keyboard.press("j")
    page.keyboard.press("p")

    expect(page.get_by_role("button", name="Promising")).to_have_attribute("aria-pressed", "true")
    candidate.refresh_from_db()
    assert candidate.vetting == "promising"


def test_a_click_sends_a_request_and_its_page_follows_it_to_the_end(
    enter: Enter, candidate: EventCandidate
) -> None:
    page = enter(factories.make_observer())
    page.goto("/events/MS261120ab/")

    page.get_by_role("link", name="Observe").click()
    page.get_by_role("button", name="Send to").click()

    expect(page.locator("#request .chain")).to_contain_text("Completed", timeout=60_000)
    assert ObservationRequest.objects.get().state == "completed"


def test_the_colours_chosen_are_kept(enter: Enter) -> None:
    page = enter(factories.make_user())

    page.get_by_role("button", name="Change the colours").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "red")


def wait_for_live(page: Page) -> None:
    """Wait until the page hears of what happens."""
    expect(page.locator("html")).to_have_attribute("data-live", "on")
