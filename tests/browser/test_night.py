"""A night on shift by the keyboard alone, on the site as a person starts it.

`make test` does it at a desktop's width, `make soak` at a tablet's and a phone's as well.
An alarm in a tab behind another, the best candidate and why it is the best, verdicts, a request up
to COMPLETED, the telling, and the message that it all came from.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.browser.conftest import DESKTOP, NARROW, Watched
from tests.browser.keyboard import CURRENT_ROW, Keyboard
from tests.browser.test_pages import turn_away, turn_back, wait_for_changes
from tests.peers.kafka import PASSWORD, USER, KafkaPeer
from tests.recovery.site import Site, finish, running_demo

TOP = 5
TABLET: ViewportSize = {"width": 1024, "height": 768}
VIEWPORTS = {"a": DESKTOP, "b": TABLET, "c": NARROW}
OUTCOME_MS = 120_000

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def topic(kafka: KafkaPeer) -> str:
    return kafka.create_topic("counterpart.night")


@pytest.fixture(scope="module")
def demo_site(
    kafka: KafkaPeer, topic: str, static_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The demonstration night, loaded; what is told goes to a real broker."""
    telling = {
        "TELL_URL": kafka.url(topic),
        "HOP_HOST": kafka.address,
        "HOP_USERNAME": USER,
        "HOP_PASSWORD": PASSWORD,
        "HOP_CA_FILE": str(kafka.ca_file),
    }
    static = str(static_files)
    home = tmp_path_factory.mktemp("night") / "home"
    with running_demo(home, PRACTICE_STEP_SECONDS="6", STATIC_ROOT=static, **telling) as site:
        # Nobody is woken for a test, as all that the demonstration holds is.
        site.query("UPDATE targets_targetsummary SET is_test = false RETURNING target_id")
        yield site


@pytest.mark.parametrize(
    "letter",
    ["a", *(pytest.param(each, marks=pytest.mark.soak) for each in "bc")],
    ids=list(VIEWPORTS),
)
def test_a_night_by_the_keyboard_alone(
    letter: str, demo_site: Site, watch: Callable[..., Watched], tmp_path: Path
) -> None:
    watched = watch(f"http://127.0.0.1:{demo_site.port}", viewport=VIEWPORTS[letter])
    page, keys = watched.page, Keyboard(watched.page)
    event_id = f"S{datetime.now(UTC):%y%m%d}{letter}"
    log_in(keys, watched.address, password=demo_site.password)

    notice(keys, lambda: send_alert(demo_site, event_id, tmp_path))
    watched.shoot(f"night-{letter}-event")

    name = kilonova(demo_site)
    best = understand(keys, name)
    reject_three(keys, best=name)
    expect(best).not_to_have_class(re.compile("rejected"))
    keys.row_with(name)
    keys.press("o")
    follow(keys)
    watched.shoot(f"night-{letter}-request")

    tell(keys, event_id, name)
    watched.shoot(f"night-{letter}-told")
    trace(keys, event_id)
    watched.shoot(f"night-{letter}-message")
    assert_no_page_is_wider(page, event_id)
    assert watched.faults == []


def kilonova(site: Site) -> str:
    """What the night's truth says the kilonova is called."""
    truth = json.loads((site.home.demo / "truth.json").read_text())
    return str(next(row["object_id"] for row in truth if row["kind"] == "kilonova"))


def log_in(keys: Keyboard, address: str, *, password: str) -> None:
    keys.page.goto(address)
    keys.write(keys.page.get_by_label("User name"), "demo")
    keys.write(keys.page.get_by_label("Password"), password)
    keys.press("Enter")
    expect(keys.page.get_by_role("heading", name="Tonight", level=1)).to_be_visible()


def send_alert(site: Site, event_id: str, folder: Path) -> None:
    """Let the night's merger be announced again, under a name of its own and as no test."""
    first = sorted((site.home.demo / "messages").glob("*.igwn.gwalert-demo.json"))[0]
    alert = json.loads(first.read_text())
    alert |= {"superevent_id": event_id, "time_created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    alert["event"]["search"] = "AllSky"
    file = folder / f"{event_id}.json"
    file.write_text(json.dumps(alert))
    command = site.manage("replay", "--wait", "--topic", "igwn.gwalert", str(file))
    code, said = finish(command, seconds=300)
    assert code == 0, said


def notice(keys: Keyboard, happen: Callable[[], None]) -> None:
    """Notice an event by the title of a tab behind another one, answer, and open it."""
    page = keys.page
    keys.open_place("o", "Targets")
    wait_for_changes(page)
    turn_away(page)

    happen()

    expect(page).to_have_title(re.compile("^!"))
    turn_back(page)
    keys.use(page.locator("#alarms").get_by_role("button", name="I answer"))
    page.wait_for_url("**/events/S*/")


def understand(keys: Keyboard, name: str) -> Locator:
    """Find the kilonova among the first rows, with the reasons for its place."""
    page = keys.page
    row = page.locator("#candidates [data-row]").filter(has_text=name)
    expect(row).to_be_visible(timeout=OUTCOME_MS)
    above = page.locator("#candidates [data-row]").all_inner_texts()[:TOP]
    assert any(name in text for text in above), above
    assert row.locator(".term svg").count() >= 2
    return row


def reject_three(keys: Keyboard, *, best: str) -> None:
    """Reject the three next after the best candidate, each with a reason; take the last back."""
    page = keys.page
    keys.row_with(best)
    for _ in range(3):
        keys.press("j")
        row = page.locator(CURRENT_ROW)
        keys.press("x")
        expect(page.locator("#reject")).to_be_visible()
        keys.press("1")
        expect(page.locator("#reject")).to_be_hidden()
        expect(row).to_have_class(re.compile("rejected"))
    rejected = page.locator("#candidates [data-row].rejected")
    expect(rejected).to_have_count(3)
    keys.press("u")
    expect(rejected).to_have_count(2)


def follow(keys: Keyboard) -> None:
    """Send the request; its page comes to COMPLETED by itself."""
    page = keys.page
    keys.use(page.get_by_role("button", name=re.compile("^Send to")))
    page.wait_for_url(re.compile(r"/requests/\d+/"))
    # A reload would take this mark away.
    page.evaluate("document.documentElement.dataset.opened = 'once'")
    states = page.get_by_role("list", name="States so far").locator("li b")
    shown_first = states.all_inner_texts()
    expect(states.last).to_have_text("Completed", timeout=OUTCOME_MS)
    assert page.evaluate("document.documentElement.dataset.opened") == "once"
    # Between two questions to the telescope a state may come and go unseen, never these.
    assert states.all_inner_texts()[:4] == ["Proposed", "Approved", "Submitting", "Accepted"]
    assert "Completed" not in shown_first


def tell(keys: Keyboard, event_id: str, name: str) -> None:
    """Tell the community of the candidate; the broker takes it."""
    page = keys.page
    keys.open_place("e", "Events")
    keys.row_with(event_id)
    keys.press("Enter")
    page.wait_for_url(f"**/events/{event_id}/")
    keys.use(page.get_by_role("link", name="Report…"))
    box = page.get_by_label(name)
    keys.go_to(box)
    if not box.is_checked():
        keys.press("Space")
    keys.use(page.get_by_role("button", name="Draft the message"))
    keys.use(page.get_by_role("button", name="Send to counterpart.night"))
    expect(page.locator("#report header .badge-x")).to_have_text("Sent", timeout=OUTCOME_MS)


def trace(keys: Keyboard, event_id: str) -> None:
    """Find the message that made the event, and go from it to the event."""
    page = keys.page
    keys.open_place("m", "Messages")
    keys.row_with(event_id)
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/messages/\d+/"))
    expect(page.locator("#message")).to_contain_text(event_id)
    keys.use(page.locator("#message").get_by_role("link", name=event_id).first)
    page.wait_for_url(f"**/events/{event_id}/")


def assert_no_page_is_wider(page: Page, event_id: str) -> None:
    for path in ("/", "/events/", f"/events/{event_id}/", "/targets/", "/requests/", "/messages/"):
        page.goto(path)
        wider = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wider <= 0, path
