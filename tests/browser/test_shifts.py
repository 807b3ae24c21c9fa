"""Shifts in a browser: others see a claim and a change of shift at once, in their own zone, too."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import DESKTOP, PHONE_IN_SOAK, Enter
from tests.reports.alarms.conftest import make_contact, make_shift
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.shifts.claims import claim_target, take_claim
from tom.shifts.models import Shift, Visit
from tom.shifts.services import take_over

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE_IN_SOAK], ids=["desk", "phone"])
def test_a_claim_shows_in_an_open_list_and_is_taken_and_released(enter: Enter, viewport) -> None:
    event = factories.make_event("MS261120ab", time=timezone.now() - timedelta(hours=3))
    target = factories.make_candidate(event, factories.make_target("ZTF26a")).target
    bob = factories.make_observer("bob")
    ada = factories.make_observer("ada")
    page = enter(ada, viewport=viewport)
    page.goto("/events/MS261120ab/")
    claim = page.locator(f"#claim-{target.pk}")
    expect(claim.get_by_role("button", name="I have this one")).to_be_visible()

    claim_target(target, by=bob, now=timezone.now(), event=event)
    expect(claim).to_contain_text("bob has this one")
    claim.get_by_role("button", name="Take it").click()
    expect(claim).to_contain_text("You have this one")
    release = claim.get_by_role("button", name="Release")
    release.hover()
    page.mouse.down()
    take_claim(target, by=bob, now=timezone.now(), event=event)
    take_claim(target, by=ada, now=timezone.now(), event=event)
    publish(Topic.EVENT, event.event_id)
    page.wait_for_timeout(1500)  # the page hears of it, and waits
    expect(release).to_be_visible()
    page.mouse.up()

    expect(claim.get_by_role("button", name="I have this one")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE_IN_SOAK], ids=["desk", "phone"])
def test_a_shift_is_begun_taken_over_and_handed_over(enter: Enter, viewport) -> None:
    bob = factories.make_observer("bob")
    page = enter(factories.make_observer("ada"), viewport=viewport)
    page.goto("/shift/")
    expect(page.locator("#shift-now")).to_contain_text("Nobody is on shift")
    page.get_by_role("button", name="Begin my shift").click()
    expect(page.locator("#shift-now")).to_contain_text("ada")

    now = timezone.now()
    take_over(Shift.objects.get(), bob, end=now + timedelta(hours=8), now=now)
    expect(page.locator("#shift-now")).to_contain_text("bob")
    expect(page.locator("#shift-log")).to_contain_text("bob's shift began, taken over from ada")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.goto(f"/shift/{Shift.objects.earliest('pk').pk}/")
    page.get_by_label("What the next person should know").fill("The second fades.")
    page.get_by_role("button", name="Save the note").click()
    expect(page.locator(".shift-note")).to_have_text("The second fades.")
    page.emulate_media(media="print")
    expect(page.get_by_label("What the next person should know")).to_be_hidden()
    expect(page.locator(".shift-note")).to_be_visible()


def test_times_are_shown_in_ones_own_zone_too(enter: Enter) -> None:
    make_shift(factories.make_observer("bob"))
    page = enter(factories.make_observer())
    zone = {"timezoneId": "Asia/Kolkata"}
    page.context.new_cdp_session(page).send("Emulation.setTimezoneOverride", zone)

    page.goto("/shift/")

    expect(page.locator("#shift-now time .quiet")).to_contain_text("GMT+5:30")


def test_who_comes_back_reads_what_came_and_opening_a_page_notes_the_visit(enter: Enter) -> None:
    ada = factories.make_observer("ada")
    Visit.objects.create(user=ada, last=timezone.now() - timedelta(hours=6))
    factories.make_event("MS261120ab")
    page = enter(ada)
    page.goto("/")
    expect(page.locator("#away")).to_contain_text("MS261120ab: update")
    page.wait_for_timeout(1500)

    assert Visit.objects.get().last > timezone.now() - timedelta(minutes=1)
    page.goto("/")
    page.locator("#away").get_by_role("button", name="I have read it").click()
    expect(page.locator("#away")).to_have_count(0)


def test_a_test_alarm_is_sent_from_the_page_and_its_outcome_is_shown(enter: Enter) -> None:
    ada = factories.make_observer("ada")
    make_contact(ada, name="my e-mail")
    page = enter(ada)
    page.goto("/alarms/")

    page.get_by_role("button", name="Send a test alarm to my e-mail").click()

    expect(page.locator("#raised")).to_contain_text(re.compile(r"ada: my e-mail, E-mail:\s+sent"))
