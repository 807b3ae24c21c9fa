"""The demonstration night through a first start that goes wrong: it ends as the same night."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from django.utils import timezone

from tests.recovery.site import Site, finish, running_demo, starting_site, wait_for
from tests.recovery.soak import contents, stored
from tests.recovery.test_kills import PARTS
from tom.demo import Night, latest_merger, make_night, write_night
from tom.demo.gwalerts import superevent_id

# As where the database went away during each attempt at some messages.
BREAK_OFF = (
    "UPDATE streams_alertmessage SET state = 'dead', attempts = 5 WHERE id IN (SELECT id FROM "
    "streams_alertmessage WHERE state = 'received' FOR UPDATE SKIP LOCKED) RETURNING id"
)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_night_is_taken_up_again_after_postgresql_and_the_supervisor_were_killed(
    tmp_path: Path,
) -> None:
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    night = make_short_night()
    for home in (calm, rough):
        write_night(night, home / "demo")
    with running_demo(calm) as site:
        expected = contents(site)
        event = superevent_id(night.merger_time)
        code, said = finish(site.manage("rank", event, "--check", "20"), seconds=120)
        assert code == 0, said
        assert "the same, bit for bit" in said

    with starting_site(rough) as site:
        site.wait_to_hear("counterpart: ready after", seconds=120)
        assert "The demonstration night is being made" in first_page(site)
        wait_for(lambda: _has_stored(site, 200), seconds=300)
        site.kill(*PARTS["postgres"])
        site.wait_to_hear("not whole yet: taken up again in", seconds=120)
        site.wait_to_hear("demonstration night: taken up again, ", seconds=120)
        wait_for(lambda: _has_stored(site, 500), seconds=300)
        assert site.query(BREAK_OFF), "no message was left to break off"
        assert "Traceback" not in site.said()
        children = site.children()
        os.kill(site.process.pid, signal.SIGKILL)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), seconds=60)
    assert not (rough / "demo" / "loaded").exists()
    with running_demo(rough) as site:
        assert "demonstration night: taken up again, " in site.said()
        found = contents(site)

    assert found == expected
    assert len(expected["ranks"]) > 20


def first_page(site: Site) -> str:
    """The first page as the printed login shows it."""
    address = f"http://127.0.0.1:{site.port}"
    with requests.Session() as browser:
        form = browser.get(f"{address}/accounts/login/", timeout=60)
        browser.post(
            form.url,
            {
                "login": "demo",
                "password": site.password,
                "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            },
            timeout=60,
        )
        page = browser.get(f"{address}/", timeout=60)
    assert page.ok
    return page.text


def make_short_night() -> Night:
    """The event and the last third of the alerts: enough to die in the middle of."""
    night = make_night(1, latest_merger(timezone.now()))
    chain = [message for message in night.messages if message.topic.startswith("igwn")]
    alerts = [message for message in night.messages if message.topic.startswith("ztf")]
    messages = sorted([*chain, *alerts[-1000:]], key=lambda message: message.time)
    return replace(night, messages=messages)


def _has_stored(site: Site, least: int) -> bool:
    return site.answers() and stored(site) >= least
