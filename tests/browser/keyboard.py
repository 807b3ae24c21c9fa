"""A person without a mouse: what they do, they do by keys."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

MOST_TABS = 400
CURRENT_ROW = "[data-row].current"


@dataclass(frozen=True)
class Keyboard:
    """The keys of one page."""

    page: Page

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def go_to(self, wanted: Locator) -> None:
        """Press Tab until the focus is on an element."""
        expect(wanted).to_be_visible()
        for _ in range(MOST_TABS):
            if wanted.evaluate("element => element === document.activeElement"):
                return
            self.press("Tab")
        message = f"Tab does not come to {wanted}"
        raise AssertionError(message)

    def use(self, wanted: Locator) -> None:
        """Go to a link or a button, and press it."""
        self.go_to(wanted)
        self.press("Enter")

    def write(self, wanted: Locator, text: str) -> None:
        """Go to a field, and type into it."""
        self.go_to(wanted)
        self.page.keyboard.type(text)

    def open_place(self, key: str, heading: str) -> None:
        """Go to a page of the navigation by its letter."""
        self.press("g", key)
        expect(self.page.get_by_role("heading", name=heading, level=1)).to_be_visible()

    def row_with(self, text: str) -> Locator:
        """Go to a row that holds a text: down to the last row, then up; return it."""
        row = self.page.locator(CURRENT_ROW)
        rows = self.page.locator("[data-row]").count()
        for key in "j" * rows + "k" * rows:
            self.press(key)
            if text in row.inner_text():
                return row
        message = f"no row with {text}"
        raise AssertionError(message)
