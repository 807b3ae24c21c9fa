"""The Streams page in a browser: it follows the streams, and its form goes by the keyboard."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import DESKTOP, NARROW, PHONE_IN_SOAK, Enter
from tests.browser.full_house import fill_streams
from tests.browser.test_accessible import in_themes
from tom.streams.models import Stream, StreamHealth
from tom.streams.pulse import Pulse
from tom.streams.sources import Source

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE_IN_SOAK], ids=["desk", "phone"])
def test_the_pages_of_streams_are_for_everybody_and_fit(enter: Enter, axe: str, viewport) -> None:
    page = enter(factories.make_admin("ada"), viewport=viewport)
    page.emulate_media(reduced_motion="reduce")
    faults = []

    for address in fill_streams():
        faults += in_themes(page, address, axe)
        assert not page.evaluate(WIDER), address

    assert not faults, "\n".join(faults)


CUT = """[...document.querySelectorAll('.figures td')].filter(cell =>
    cell.scrollWidth > cell.clientWidth + 1 ||
    cell.getBoundingClientRect().right > document.documentElement.clientWidth
).map(cell => cell.textContent.trim())"""


def test_no_figure_of_a_stream_is_cut_off_on_a_phone(enter: Enter) -> None:
    page = enter(factories.make_admin("ada"), viewport=NARROW)
    page.goto(fill_streams()[0])
    expect(page.get_by_text("the broker deleted 1,200 messages")).to_be_visible()

    assert page.evaluate(CUT) == []


def test_boxes_stand_beside_their_words_on_a_phone(enter: Enter) -> None:
    page = enter(factories.make_admin("ada"), viewport=NARROW)
    page.goto(fill_streams()[3])

    for words in ("In the region of an open event", "No known object"):
        box = page.get_by_label(words).bounding_box()
        text = page.get_by_text(words).last.bounding_box()
        assert box is not None
        assert text is not None
        assert box["x"] + box["width"] < text["x"]
        assert text["y"] - 6 < box["y"] < text["y"] + 12


def test_the_page_shows_a_fault_as_its_listener_says_it(enter: Enter) -> None:
    stream = factories.make_stream("Hopskotch", active=True)
    StreamHealth.objects.create(
        stream=stream.address, topic="a.topic", connected=True, reported=timezone.now()
    )
    page = enter(factories.make_admin("ada"))
    page.goto("/streams/")
    row = page.locator("[data-row]")
    expect(row).to_contain_text("Reading")

    pulse = Pulse(Source(stream.address, ("a.topic",), stream=stream.pk))
    pulse.complain("there is no such host: check the address")
    pulse.write()

    expect(row).to_contain_text("There is no such host: check the address", timeout=4_000)


def test_a_stream_is_added_and_started_by_the_keyboard_alone(enter: Enter) -> None:
    page = enter(factories.make_lead("lead"))
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/shift/")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/streams/")
    page.get_by_role("link", name="Add a stream").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/streams/new/")

    page.get_by_label("Name", exact=True).focus()
    for typed in ("Hopskotch", "", "", "", "igwn.gwalert", ""):  # the last: who sees it
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    expect(page.get_by_label("Credential", exact=True)).to_be_focused()
    page.keyboard.type("a new")
    expect(page.get_by_label("Token server (empty: GCN's)")).to_be_hidden()
    for typed in ("", "", "lead-1", "hunter2-hunter2"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.get_by_role("button", name="Save and start").focus()
    page.keyboard.press("Enter")

    page.wait_for_url("**/streams/")
    stream = Stream.objects.get()
    assert (stream.active, stream.topics) == (True, ["igwn.gwalert"])
    assert stream.credential is not None
    assert (stream.credential.username, stream.credential.secret) == ("lead-1", "hunter2-hunter2")
