"""A notice of a gravitational wave among very many targets: from Kafka until a page shows the rank.

All processes of production run, and the event's page is open: it hears of changes as a browser
does, and fetches the part of the page that changed.
"""

import base64
import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from statistics import median
from typing import Any, Final

import numpy as np
import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.bench.broker import Broker, running_broker
from tests.bench.processes import running_parts, spent_between, wait_for
from tests.bench.targets import add_targets
from tom.embedded.supervisor import answers
from tom.events.models import NonLocalizedEvent
from tom.sky import write_skymap

TOPIC: Final = "igwn.gwalert"
PARTS: Final = ("web", "worker", "caller", "scorer", "beat", "ingester")
# The width of a Gaussian map, whose 90% area is some 100 or 10,000 deg2.
WIDTHS_DEG: Final = {"deg2_100": 2.63, "deg2_10000": 27.2}
AGE_DAYS: Final = 7  # of the event: so long ago targets were seen since then
LONGEST_SECONDS: Final = 240
ANSWER_SECONDS: Final = 60
OPENINGS: Final = 9
STATIC: Final = re.compile(rb'(?:href|src)="(/static/[^"]+\.(?:css|js|svg))"')


def measure_reranked(n: int, *, times: int, rng: np.random.Generator) -> dict[str, object]:
    """Send an event's notices, each with a map of its own, into a site of n targets.

    `seconds` are those from the write to Kafka until the open page had fetched the list that the
    new map ranks. `processor_seconds` are those of each part for one notice.
    """
    with running_broker() as broker:
        broker.create_topic(TOPIC)
        with running_parts(PARTS, streams=broker.url(TOPIC), broker=broker.pid) as running:
            add_targets(n, rng=rng, points=0)
            site, found = f"http://127.0.0.1:{running.port}", {}
            wait = partial(wait_for, seconds=LONGEST_SECONDS, parts=running)
            wait(lambda: answers(f"{site}/accounts/login/"))
            for number, (name, width) in enumerate(WIDTHS_DEG.items()):
                event_id = f"S26112{number}aa"
                first = _send(broker, event_id, width, 0)
                wait(partial(_is_ranked_by, event_id, first))
                before = running.spent()
                with open_page(site, event_id) as page:
                    taken = [
                        _update(broker, page, event_id, width, at) for at in range(1, times + 1)
                    ]
                    spent = spent_between(before, running.spent())
                    found[name] = {
                        **_told(event_id, taken, spent, times),
                        **page.first_byte_and_bytes(),
                    }
            return {"targets": n, "notices": times, **found}


class OpenPage:
    """An event's page in a browser that somebody left open."""

    def __init__(self, site: str, event_id: str) -> None:
        self._site, self.event_id = site, event_id
        self._browser = requests.Session()  # which keeps its connections, as a browser does
        self._browser.cookies.update(_log_in())
        self._wire = HTTPConnection(site.removeprefix("http://"), timeout=ANSWER_SECONDS)
        self._changed, self._over = threading.Event(), threading.Event()
        self._answer = self._get("/changes/", stream=True)

    def listen(self) -> None:
        """Hear what changes, until the page is closed."""
        try:
            for line in self._answer.iter_lines():
                if line.startswith(b"event: ranking:" + self.event_id.encode()):
                    self._changed.set()
        except (requests.RequestException, AttributeError):
            pass  # it was closed

    def wait_for_rank_of(self, time_of_map: datetime) -> None:
        """Fetch the list whenever a ranking is told, until it is one of the map of this time."""
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            self._changed.wait(1)
            self._changed.clear()
            if _is_ranked_by(self.event_id, time_of_map):
                self._get(f"/events/{self.event_id}/?part=candidates").raise_for_status()
                return
        reason = "no ranking of the map was told"
        raise TimeoutError(reason)

    def first_byte_and_bytes(self) -> dict[str, float]:
        """Open the page anew: when its first byte came, and the bytes of it and what it loads.

        `first_byte_ms` is of the first opening after the notices, `first_byte_again_ms` the median
        of those that follow.
        """
        path = f"/events/{self.event_id}/"
        seconds, whole = self._first_byte(path)
        again = median(self._first_byte(path)[0] for _ in range(OPENINGS))
        parts = {name.decode() for name in STATIC.findall(self._get(path).content)}
        whole += sum(len(self._get(part, stream=True).raw.read()) for part in parts)
        return {
            "first_byte_ms": round(1000 * seconds, 1),
            "first_byte_again_ms": round(1000 * again, 1),
            "bytes_transferred": whole,
        }

    def _first_byte(self, path: str) -> tuple[float, int]:
        """Seconds to the first byte of a page, and its bytes.

        By a bare client: `requests` would add some 3 ms of its own.
        """
        cookies = "; ".join(f"{name}={value}" for name, value in self._browser.cookies.items())
        began = time.perf_counter()
        self._wire.request("GET", path, headers={"Cookie": cookies, "Accept-Encoding": "gzip"})
        answer = self._wire.getresponse()
        first = answer.read(1)
        return time.perf_counter() - began, len(first + answer.read())

    def close(self) -> None:
        """Let `listen` end."""
        self._answer.close()
        self._wire.close()

    def _get(self, path: str, **options: Any) -> requests.Response:
        return self._browser.get(f"{self._site}{path}", timeout=ANSWER_SECONDS, **options)


@contextmanager
def open_page(site: str, event_id: str) -> Iterator[OpenPage]:
    """Have the page open for the block."""
    page = OpenPage(site, event_id)
    threading.Thread(target=page.listen, name="page", daemon=True).start()
    try:
        yield page
    finally:
        page.close()


def _log_in() -> dict[str, str]:
    user = User.objects.filter(username="bench").first() or factories.make_observer("bench")
    client = Client()
    client.force_login(user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


def _update(broker: Broker, page: OpenPage, event_id: str, width: float, number: int) -> float:
    began = time.monotonic()
    page.wait_for_rank_of(_send(broker, event_id, width, number))
    return time.monotonic() - began


def _send(broker: Broker, event_id: str, width: float, number: int) -> datetime:
    """Write a notice with a new map to Kafka; return its own time."""
    moved = (
        timezone.now().replace(microsecond=0) - timedelta(minutes=30) + timedelta(seconds=number)
    )
    skymap = factories.make_skymap(sigma_deg=width * (1 + number / 1000), ra=150.0, dec=10.0)
    event = {
        "time": (moved - timedelta(days=AGE_DAYS)).isoformat(), "far": 1e-9, "significant": True,
        "instruments": ["H1", "L1"], "pipeline": "gstlal", "search": "AllSky", "group": "CBC",
        "classification": {"BNS": 1.0}, "properties": {"HasNS": 1.0},
        "skymap": base64.b64encode(write_skymap(skymap)).decode(),
    }  # fmt: skip
    alert = {
        "alert_type": "UPDATE", "time_created": moved.isoformat(), "superevent_id": event_id,
        "event": event, "external_coinc": None, "urls": {},
    }  # fmt: skip
    writer = broker.writer(TOPIC)
    writer.write(json.dumps(alert).encode())
    writer.finish()
    return moved


def _is_ranked_by(event_id: str, time_of_map: datetime) -> bool:
    """Whether the event uses this map, and nothing of it waits to be ranked."""
    event = NonLocalizedEvent.objects.select_related("used").filter(event_id=event_id).first()
    if event is None or event.used is None or event.used.time != time_of_map:
        return False
    return event.ranked_version == event.rank_version


def _told(
    event_id: str, taken: Sequence[float], spent: dict[str, float], times: int
) -> dict[str, object]:
    event = NonLocalizedEvent.objects.select_related("used__localization").get(event_id=event_id)
    assert event.used is not None
    return {
        "area_90": round(event.used.localization.area_90),
        "candidates": event.candidates.count(),
        "seconds": [round(each, 2) for each in taken],
        "longest": round(max(taken), 2),
        "processor_seconds": {name: round(each / times, 2) for name, each in spent.items()},
    }
