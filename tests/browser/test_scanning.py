"""Two people scan one list at once, by the keyboard: each sees what the other says at once."""

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import NARROW, Enter
from tests.browser.full_house import add_cutouts
from tests.browser.test_pages import wait_for_changes
from tom.candidates.models import EventCandidate, ScanPlace, Verdict

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
PAGE = "/events/MS261120ab/scan/"


def shows(page: Page, name: str) -> None:
    expect(page.locator("#scan .scan-bar h2")).to_have_text(name)


def tells(page: Page, text: str) -> None:
    expect(page.locator("#scan-people")).to_contain_text(text)


def test_two_people_scan_one_list_at_once_by_the_keyboard(
    enter: Enter, candidates: list[EventCandidate]
) -> None:
    for candidate in candidates[:2]:
        add_cutouts(candidate.target)
    asked: list[str] = []
    vera = enter(factories.make_observer("vera"))
    vera.context.on("request", lambda request: asked.append(request.url))
    ed = enter(factories.make_observer("ed"), viewport=NARROW)
    for page in (vera, ed):
        page.goto(PAGE)
        wait_for_changes(page)
        shows(page, "ZTF26row1")

    assert_fetched_ahead(vera, asked, candidates[1])
    see_each_others_verdicts(vera, ed)
    take_one_back(vera, ed)
    skip_and_go_back(vera, candidates[1])
    leave_the_rest(vera, ed)
    go_on_behind_what_left_the_list(ed, candidates[2])

    said = [(row.by and row.by.username, row.verdict) for row in Verdict.objects.given()]
    assert sorted(said) == [("ed", "promising"), ("vera", "promising")]
    assert ScanPlace.objects.get(user__username="vera").candidate == candidates[2]


def go_on_behind_what_left_the_list(page: Page, third: EventCandidate) -> None:
    """What was skipped stays skipped."""
    EventCandidate.objects.filter(pk=third.pk).update(credible_level_2d=0.97, rank=None)
    page.keyboard.press("n")
    shows(page, "ZTF26row4")


def assert_fetched_ahead(page: Page, asked: list[str], following: EventCandidate) -> None:
    """The next candidate's stamps were fetched before anybody went on to it."""
    expect(page.locator("#lightcurve .main-svg").first).to_be_visible()
    ahead = set(asked)
    page.goto(f"{PAGE}?candidate={following.pk}")
    shown = page.locator("#cutouts .stamp img")
    expect(shown).to_have_count(3)
    for image in shown.all():
        assert image.evaluate("each => each.src") in ahead
    page.goto(PAGE + "?after=0")
    wait_for_changes(page)
    shows(page, "ZTF26row1")


def see_each_others_verdicts(vera: Page, ed: Page) -> None:
    """What one says of the candidate in front of the other is there, and moves nothing away."""
    vera.keyboard.press("y")
    shows(vera, "ZTF26row2")
    tells(ed, "Promising by vera")
    shows(ed, "ZTF26row1")
    ed.keyboard.press("x")
    expect(ed.locator("#reject")).to_be_visible()
    ed.keyboard.press("2")
    shows(ed, "ZTF26row2")
    tells(vera, "1 of 6 decided, 1 by you")
    tells(vera, "the same verdict on 0 of 1")
    tells(vera, "People differ on ZTF26row1")


def take_one_back(vera: Page, ed: Page) -> None:
    """The page returns to what was taken back; the agreement follows on both pages."""
    ed.keyboard.press("u")
    shows(ed, "ZTF26row1")
    tells(vera, "nothing has verdicts of two people")
    ed.keyboard.press("y")
    shows(ed, "ZTF26row2")
    for page in (vera, ed):
        tells(page, "the same verdict on 1 of 1")


def skip_and_go_back(vera: Page, second: EventCandidate) -> None:
    """The curve is that of the candidate that is shown."""
    vera.keyboard.press("n")
    shows(vera, "ZTF26row3")
    vera.keyboard.press("p")
    shows(vera, "ZTF26row2")
    curve = vera.locator(f'#lightcurve[data-url="/targets/{second.target_id}/lightcurve.json"]')
    expect(curve.locator(".main-svg").first).to_be_visible()
    vera.keyboard.press("n")
    shows(vera, "ZTF26row3")


def leave_the_rest(vera: Page, ed: Page) -> None:
    """Whoever a list is left to is told, and goes on from there."""
    vera.get_by_text("Hand over…").click()
    form = vera.locator("form.scan-to")
    form.get_by_label("To").select_option("ed")
    form.get_by_label("Note").fill("four are left")
    form.get_by_role("button", name="Hand over").click()
    vera.wait_for_url("**/events/MS261120ab/")
    expect(ed.locator("#bell")).to_contain_text("1")
    ed.goto(PAGE)
    tells(ed, "vera leaves the rest to you: four are left")
    ed.get_by_role("link", name="Go on from there").click()
    shows(ed, "ZTF26row3")
