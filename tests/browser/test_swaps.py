"""A part of a page changes under the reader's hands and takes nothing from them."""

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import Enter
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


def change_an_event(page: Page) -> None:
    NonLocalizedEvent.objects.filter(event_id="MS261121ab").update(alert_type="EARLYWARNING")
    publish(Topic.EVENT, "MS261121ab")
    expect(page.locator("#events")).to_contain_text("Earlywarning")
