"""Verdicts by the keyboard: given, taken back, after the session ended, from page to page."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, Page, Route, expect

from tests import factories
from tests.browser.conftest import Enter, Watched
from tests.browser.test_pages import wait_for_changes
from tom.candidates.models import EventCandidate, Verdict, Vetting
from tom.candidates.verdicts import give_verdict
from tom.changes.models import Topic
from tom.changes.publish import publish

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
PAGE = "/events/MS261120ab/"


def rows(page: Page) -> Locator:
    return page.locator("#candidates [data-row]")


def row(page: Page, number: int) -> Locator:
    return page.locator("#candidates [data-row]").filter(has_text=f"ZTF26row{number}")


def reject(page: Page, key: str = "Enter") -> None:
    page.keyboard.press("x")
    expect(page.locator("#reject")).to_be_visible()
    with page.expect_response("**/vet/"):
        page.keyboard.press(key)


def refresh(page: Page) -> None:
    """Have the list swapped after a change."""
    with page.expect_response(re.compile("auto=1")):
        publish(Topic.RANKING, "MS261120ab")


def test_a_rejected_row_stays_greyed_and_the_keys_go_on_from_it(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    wait_for_changes(page)

    for _ in range(2):
        page.keyboard.press("j")
    reject(page, "2")
    expect(row(page, 2)).to_have_class(re.compile("rejected"))
    refresh(page)
    expect(row(page, 2)).to_contain_text("Minor planet")
    page.keyboard.press("j")

    expect(row(page, 3)).to_be_focused()
    expect(rows(page)).to_have_count(6)
    verdict = Verdict.objects.get()
    assert (verdict.candidate, verdict.reason) == (candidates[1], "moving")


@pytest.mark.soak
def test_the_keys_skip_no_row_when_somebody_else_takes_the_one_under_them(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    wait_for_changes(page)

    for _ in range(3):
        page.keyboard.press("j")
    for gone in (candidates[2], candidates[0]):
        give_verdict(gone, Vetting.REJECTED, by=factories.make_observer())
    expect(rows(page)).to_have_count(4)
    page.keyboard.press("w")  # no row is under the keys: none is meant
    page.keyboard.press("j")

    expect(row(page, 4)).to_be_focused()
    assert not Verdict.objects.filter(verdict="watching").exists()


def test_u_takes_back_the_last_verdict_from_another_page(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    page.keyboard.press("j")
    reject(page)
    expect(row(page, 1)).to_have_class(re.compile("rejected"))

    page.goto("/requests/")
    page.keyboard.press("u")

    expect(page.get_by_text("Taken back: “rejected” for ZTF26row1")).to_be_visible()
    candidates[0].refresh_from_db()
    assert candidates[0].vetting == "new"

    page.goto(PAGE)
    page.keyboard.press("u")
    expect(page.get_by_text("You have no verdict in MS261120ab to take back.")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("w")
    expect(page.locator("#told")).to_be_empty()


@pytest.mark.soak
def test_u_is_for_ones_last_verdict_whatever_row_is_under_the_keys(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    page.keyboard.press("j")
    reject(page)

    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("u")

    expect(page.get_by_text("Taken back: “rejected” for ZTF26row1")).to_be_visible()
    expect(row(page, 1)).not_to_have_class(re.compile("rejected"))
    expect(row(page, 4)).to_be_focused()


def test_a_person_goes_from_candidate_to_candidate_and_back_to_the_row(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(f"{PAGE}?region=all")
    for _ in range(2):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="ZTF26row2", level=1)).to_be_visible()
    expect(page.locator("#verdict")).to_be_visible()

    page.keyboard.press("x")
    with page.expect_response("**/vet/"):
        page.keyboard.press("1")
    expect(page.locator("#verdict")).to_contain_text("Star or variable star")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="ZTF26row3", level=1)).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name="ZTF26row2", level=1)).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="ZTF26row3", level=1)).to_be_visible()
    page.go_back()

    expect(page).to_have_url(re.compile(r"/events/MS261120ab/\?region=all"))
    expect(row(page, 3)).to_be_focused()
    expect(row(page, 2)).to_have_class(re.compile("rejected"))


def test_keys_press_what_a_page_offers_beside_its_rows(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    factories.make_past(candidates[0].event, candidates[:2])
    page = enter(factories.make_observer())
    page.goto(f"{PAGE}past/")
    expect(page.get_by_role("link", name="Earlier")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_role("link", name="Later")).to_be_visible()
    page.goto(f"/targets/{candidates[0].target_id}/?event=MS261120ab")

    page.keyboard.press("o")

    expect(page.get_by_role("heading", name="Observe ZTF26row1", level=1)).to_be_visible()


@pytest.mark.soak
def test_the_key_b_leads_back_to_the_row(enter: Enter, candidates: list[EventCandidate]) -> None:
    page = enter(factories.make_observer())
    page.goto(f"/targets/{candidates[4].target_id}/?event=MS261120ab")

    page.keyboard.press("b")

    expect(row(page, 5)).to_be_focused()


@pytest.mark.parametrize("loss", [pytest.param("session", marks=pytest.mark.soak), "cookies"])
def test_a_verdict_given_after_the_session_ended_waits_for_the_login(
    site: str, watch: Callable[..., Watched], candidates: list[EventCandidate], loss: str
) -> None:
    vera = factories.make_observer("vera")
    visit = watch(site)
    visit.log_in(user="vera", password=factories.PASSWORD)
    page = visit.page
    page.goto(PAGE)
    page.keyboard.press("j")
    wait_for_changes(page)
    Session.objects.all().delete()
    if loss == "cookies":
        page.context.clear_cookies()
    with page.expect_response(re.compile("auto=1")):  # what the page asks by itself
        page.evaluate("htmx.trigger('#candidate-list', 'verdict')")
    expect(page.get_by_text("Your session ended.")).to_be_visible()
    link = page.get_by_role("link", name="Log in again")
    expect(link).to_have_attribute("href", f"/accounts/login/?next={PAGE}")

    page.keyboard.press("x")
    page.keyboard.type("3")
    page.wait_for_url("**/accounts/login/**")
    expect(page.get_by_text("1 verdict is waiting")).to_be_visible()
    assert not Verdict.objects.exists()
    log_in(page, vera)

    expect(page.get_by_text("The verdict that was waiting is given")).to_be_visible()
    expect(row(page, 1)).to_have_class(re.compile("rejected"))
    verdict = Verdict.objects.get()
    assert (verdict.by, verdict.reason) == (vera, "nucleus")


def test_a_verdict_on_its_way_outlives_its_page(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    page = enter(factories.make_observer())
    page.goto(PAGE)
    held: list[Route] = []
    page.route("**/vet/", lambda route: route.continue_() if held else held.append(route))
    page.keyboard.press("j")
    with page.expect_request("**/vet/"):
        page.keyboard.press("w")

    page.goto("/targets/")

    expect(page.get_by_text("The verdict that was waiting is given")).to_be_visible()
    verdict = Verdict.objects.get()
    assert (verdict.candidate, verdict.verdict) == (candidates[0], "watching")


def test_a_verdict_given_without_a_network_is_given_when_it_is_back(
    site: str, watch: Callable[..., Watched], candidates: list[EventCandidate]
) -> None:
    visit = watch(site)
    visit.enter_as(factories.make_observer())
    page = visit.page
    page.goto(PAGE)
    wait_for_changes(page)

    page.context.set_offline(True)
    page.keyboard.press("j")
    page.keyboard.press("w")
    expect(page.get_by_text("1 verdict is waiting for the server")).to_be_visible()
    assert not Verdict.objects.exists()
    page.context.set_offline(False)

    expect(page.get_by_text("The verdict that was waiting is given")).to_be_visible()
    assert Verdict.objects.get().candidate == candidates[0]


def test_a_waiting_verdict_is_not_given_in_another_persons_name(
    site: str, watch: Callable[..., Watched], candidates: list[EventCandidate]
) -> None:
    factories.make_observer("vera")
    visit = watch(site)
    visit.log_in(user="vera", password=factories.PASSWORD)
    page = visit.page
    page.goto(PAGE)
    page.keyboard.press("j")
    Session.objects.all().delete()
    page.keyboard.press("w")
    page.wait_for_url("**/accounts/login/**")

    log_in(page, factories.make_observer("ed"))

    expect(page.get_by_text("1 verdict is waiting for vera")).to_be_visible()
    assert not Verdict.objects.exists()


def log_in(page: Page, user: User) -> None:
    page.get_by_label("User name").fill(user.get_username())
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{PAGE}**")
