"""An alarm that one cannot miss, whatever page is open."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import PHONE_IN_SOAK, Enter
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.reports.alarms.alarms import raise_alarm

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("viewport", [None, PHONE_IN_SOAK])
def test_an_alarm_shows_on_a_page_that_is_open_and_goes_when_somebody_answers(
    enter: Enter, viewport
) -> None:
    page = enter(factories.make_observer(), **({"viewport": viewport} if viewport else {}))
    page.goto("/targets/")
    title, icon = page.title(), icon_of(page)

    raise_alarm(factories.make_event("S261120ab", time_created=timezone.now()))

    bar = page.locator("#alarms [data-pk]")
    expect(bar).to_contain_text("S261120ab: significant gravitational wave")
    expect(page).to_have_title(f"! {title}")
    assert icon_of(page).startswith("data:image/png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    bar.get_by_role("button", name="I answer").click()
    page.wait_for_url("**/events/S261120ab/")

    expect(page.locator("#alarms [data-pk]")).to_have_count(0)
    assert icon_of(page) == icon


def icon_of(page) -> str:
    return page.locator('link[rel="icon"]').get_attribute("href") or ""


def test_sound_and_desktop_notification_are_switched_on_and_told_once(enter: Enter) -> None:
    page = enter(factories.make_observer())
    page.context.grant_permissions(["notifications"])
    page.add_init_script(
        """
        window.told = [];
        window.Notification = class { constructor(title) { told.push(title); } };
        Notification.permission = "granted";
        Notification.requestPermission = async () => "granted";
        const Real = AudioContext;
        window.AudioContext = class extends Real { constructor() { super(); told.push("sound"); } };
        """
    )
    page.goto("/notifications/")
    page.get_by_role("button", name="Sound").click()
    page.get_by_role("button", name="Desktop notification").click()
    assert page.evaluate("told") == ["sound"]  # so that one knows it

    raise_alarm(factories.make_event("S261120ab", time_created=timezone.now()))
    expect(page.locator("#alarms [data-pk]")).to_be_visible()
    assert told(page, 3) == [
        "sound",
        "sound",
        "S261120ab: significant gravitational wave",
    ]

    page.goto("/events/")
    expect(page.locator("#alarms [data-pk]")).to_be_visible()
    assert page.evaluate("told") == []


def told(page, count: int) -> list[str]:
    """What was told, once it is so much."""
    for _ in range(100):
        found: list[str] = page.evaluate("told")
        if len(found) >= count:
            break
        page.wait_for_timeout(100)
    return found


def test_a_retraction_takes_observe_away_from_an_open_event(enter: Enter) -> None:
    event = factories.make_event("S261120ab")
    factories.make_candidate(event, factories.make_target("ZTF26a"))
    page = enter(factories.make_observer())
    page.goto("/events/S261120ab/")
    expect(page.get_by_role("link", name="Observe")).to_be_visible()

    NonLocalizedEvent.objects.filter(pk=event.pk).update(retracted=True)
    publish(Topic.EVENT, event.event_id)

    expect(page.get_by_role("link", name="Observe")).to_have_count(0)
