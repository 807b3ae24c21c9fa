"""An alarm that one cannot miss, whatever page is open."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import NARROW, PHONE_IN_SOAK, Enter
from tests.browser.test_accessible import in_themes
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


def test_several_alarms_are_one_line_on_a_phone_that_opens_and_stays_open(
    enter: Enter, axe: str
) -> None:
    page = enter(factories.make_observer(), viewport=NARROW)
    page.emulate_media(reduced_motion="reduce")
    for name in ("S261120ab", "S261120cd"):
        raise_alarm(factories.make_event(name, time_created=timezone.now()))
    page.goto("/targets/")
    bar, alarms = page.locator("#alarms"), page.locator("#alarms [data-pk]")

    expect(alarms.first).to_be_hidden()
    assert (bar.bounding_box() or {})["height"] < 60
    page.get_by_text("2 alarms").click()
    expect(alarms.first).to_be_visible()
    with page.expect_response("**/notifications/alarms/"):
        page.evaluate("htmx.trigger('#alarms', 'sse:event')")

    expect(page.get_by_text("Fold")).to_be_visible()
    expect(alarms.first).to_be_visible()
    assert not in_themes(page, "/targets/", axe)


def test_alarms_are_not_folded_on_a_desk(enter: Enter) -> None:
    page = enter(factories.make_observer())
    for name in ("S261120ab", "S261120cd"):
        raise_alarm(factories.make_event(name, time_created=timezone.now()))
    page.goto("/targets/")

    expect(page.locator("#alarms [data-pk]")).to_have_count(2)
    expect(page.locator("#alarms [data-pk]").last).to_be_visible()
    expect(page.get_by_text("2 alarms")).to_be_hidden()


def test_on_a_phone_the_reason_and_the_button_of_a_message_are_below_it(enter: Enter) -> None:
    page = enter(factories.make_observer(), viewport=NARROW)
    reason = "alert_type: it should be one of those that are known"
    factories.make_message(state="dead", reason=reason, kind="igwn.json", topic="file")
    page.goto("/messages/")

    row = page.locator("[data-row]")
    top = row.get_by_role("link").bounding_box()
    for part in (row.get_by_text(reason), row.get_by_role("button", name="Replay")):
        box = part.bounding_box()
        assert top is not None
        assert box is not None
        assert box["y"] >= top["y"] + top["height"] - 1
        assert box["x"] + box["width"] <= NARROW["width"]
