"""A part of a page changes under the reader's hands and takes nothing from them."""

import pytest
from django.db import transaction
from playwright.sync_api import Page, Route, expect

from tests import factories
from tests.browser.conftest import Enter, keep_rankings
from tests.browser.test_pages import wait_for_changes
from tom.candidates.models import EventCandidate
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_swap_keeps_focus_scroll_and_the_row_under_the_keys(enter: Enter) -> None:
    for number in range(9):
        factories.make_event(f"MS26112{number}ab")
    page = enter(factories.make_observer(), viewport={"width": 390, "height": 600})
    wait_for_changes(page)
    link = page.locator("#events tbody a").nth(4)
    link.focus()
    page.locator("#events .scroll").evaluate("part => { part.scrollLeft = 60; }")
    link.evaluate("link => { link.mine = true; }")

    change_an_event(page)

    assert page.evaluate("document.activeElement.mine") is True
    assert page.locator("#events .scroll").evaluate("part => part.scrollLeft") == 60


def test_a_swap_keeps_a_choice_not_yet_sent(enter: Enter) -> None:
    event = factories.make_event("MS261120ab")
    page = enter(factories.make_observer())
    page.goto("/events/MS261120ab/")
    wait_for_changes(page)
    choice = page.locator("#about select[name=localization]")
    choice.select_option(index=2)
    chosen = choice.input_value()
    page.locator("#about").evaluate("part => { part.dataset.first = 'yes'; }")

    NonLocalizedEvent.objects.filter(pk=event.pk).update(far=3e-9)
    publish(Topic.EVENT, event.event_id)

    expect(page.locator("#about")).to_contain_text("3.00e-09 Hz")
    assert choice.input_value() == chosen


@pytest.mark.parametrize("words", [1, 40])
def test_the_rows_that_follow_the_page_come_where_their_places_were_kept(
    words: int, enter: Enter
) -> None:
    event = factories.make_event("MS261120ab")
    with transaction.atomic():
        for rank in range(1, 15):
            name = " ".join([f"ZTF26row{rank}", *["x"] * words])
            factories.make_candidate(event, factories.make_target(name), rank=rank)
        keep_rankings()
    page = enter(factories.make_observer())
    held: list[Route] = []
    page.route("**/*part=candidates*", lambda route: keep(route, held))
    page.goto("/events/MS261120ab/")
    rows = page.locator("#candidate-list tr[data-row]")
    expect(page.get_by_role("link", name="4 more")).to_be_visible()
    assert rows.count() == 10
    page.keyboard.press("j")
    first = page.locator("tr.current").get_attribute("id")
    there, to_come = (heights(page, of) for of in ("tr[data-row]", "tr.to-come"))
    assert len(to_come) == 4
    assert max(to_come) - min(to_come) <= 1
    assert abs(to_come[0] - sum(there) / len(there)) <= 1

    held[0].continue_()

    expect(rows).to_have_count(14)
    expect(page.locator(".to-come")).to_have_count(0)
    assert page.locator("tr.current").get_attribute("id") == first
    trigger = page.locator("#candidate-list").get_attribute("hx-trigger") or ""
    assert "load" not in trigger  # it asks once; what the site tells asks again


def test_a_button_held_down_stays_under_the_pointer_while_a_part_above_it_grows(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    target = candidates[0].target
    page = enter(factories.make_observer())
    page.goto("/events/MS261120ab/")
    wait_for_changes(page)
    button = page.locator(f"#claim-{target.pk}").get_by_role("button", name="I have this one")
    button.hover()
    before = button.bounding_box()
    page.mouse.down()

    NonLocalizedEvent.objects.update(retracted=True)
    publish(Topic.EVENT, "MS261120ab")
    page.wait_for_timeout(1500)  # the page hears of it, and waits
    assert button.bounding_box() == before
    page.mouse.up()

    expect(page.locator(f"#claim-{target.pk}")).to_contain_text("You have this one")
    expect(page.locator("#facts")).to_contain_text("Retracted.")


def heights(page: Page, of: str) -> list[int]:
    """The heights of rows of the list, in pixels."""
    rows = page.locator(f"#candidate-list {of}")
    found: list[int] = rows.evaluate_all("rows => rows.map((row) => row.offsetHeight)")
    return found


def change_an_event(page: Page) -> None:
    NonLocalizedEvent.objects.filter(event_id="MS261121ab").update(alert_type="EARLYWARNING")
    publish(Topic.EVENT, "MS261121ab")
    expect(page.locator("#events")).to_contain_text("Earlywarning")


def keep(route: Route, held: list[Route]) -> None:
    """Hold a request back."""
    held.append(route)
