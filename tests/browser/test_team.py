"""The team's pages in a browser: somebody invited by keyboard, narrow screens, axe."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests import factories
from tests.browser.axe import look_for_faults
from tests.browser.conftest import DESKTOP, PHONE_IN_SOAK, Enter, Watched
from tests.browser.test_accessible import open_in_themes
from tom.web.team import people, roles
from tom.web.team.invitations import make_invitation

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
]
PHRASE = "three merging stars 9"


def fill(person) -> list[str]:  # type: ignore[no-untyped-def]
    """A team with something of everything; return the addresses of its pages."""
    group = factories.make_group("Kilonovae of the southern sky")
    factories.make_program(2, group=group)
    factories.make_lead("lise", groups=[group])
    other = factories.make_observer("vera")
    people.give_role(other.pk, roles.LEAD, by=person)
    people.join(other.pk, group, by=person)
    people.switch_off(factories.make_user("gone").pk, by=person)
    make_invitation(role=roles.OBSERVER, groups=[group], note="for Eve", days=7, by=person)
    return ["/team/", f"/team/people/{other.pk}/", "/team/welcome/"]


def fits(page: Page) -> bool:
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    return not page.evaluate(wide)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE_IN_SOAK], ids=["desk", "phone"])
def test_axe_finds_nothing_on_the_team_s_pages(enter: Enter, axe: str, viewport) -> None:
    person = factories.make_admin("ada")
    addresses = fill(person)
    page = enter(person, viewport=viewport)
    page.emulate_media(reduced_motion="reduce")

    faults = [
        f"{address} in {theme}: {fault}"
        for address in addresses
        for theme in open_in_themes(page, address)
        for fault in [
            *look_for_faults(page, axe),
            *([] if fits(page) else ["wider than the screen"]),
        ]
    ]

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE_IN_SOAK], ids=["desk", "phone"])
def test_somebody_is_invited_and_comes_by_keyboard_alone(
    enter: Enter,
    site: str,
    watch: Callable[..., Watched],
    axe: str,
    viewport: ViewportSize,
) -> None:
    ada = factories.make_admin("ada")
    factories.make_group("Kilonovae")
    page = enter(ada, viewport=viewport)

    page.goto("/team/")
    page.get_by_label("For whom").focus()
    page.keyboard.type("Vera")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    link = page.locator("#link").inner_text()
    guest = watch(site, viewport=viewport)
    guest.open(link.removeprefix(site))
    found = look_for_faults(guest.page, axe)
    for text in ("vera", "vera@example.org", PHRASE, PHRASE):
        guest.page.keyboard.type(text)
        guest.page.keyboard.press("Tab")
    guest.page.keyboard.press("Enter")

    guest.page.wait_for_url(f"{site}/team/welcome/")
    expect(guest.page.get_by_role("heading", name="Welcome, vera")).to_be_visible()
    expect(guest.page.locator("#you")).to_contain_text("Kilonovae")
    page.goto("/team/")
    expect(page.locator("#changes")).to_contain_text("vera came as an observer, invited by ada")
    assert found == []
    assert guest.faults == []
    assert fits(guest.page)
