"""Asks the API, as an open page does, when an alert's rank is shown."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import Final

import requests
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.web.tokens import renew_token

ASK_SECONDS: Final = 0.2
GIVE_UP_SECONDS: Final = 60
ANSWER_SECONDS: Final = 10


class Follower:
    """Follows one object after another in a thread of its own."""

    def __init__(self, site: str, event_id: str) -> None:
        token = renew_token(User.objects.create_superuser("bench", password=None))
        self._headers = {"Authorization": f"Token {token}"}
        self._site, self._event_id = site, event_id
        self._wanted: SimpleQueue[tuple[str, datetime]] = SimpleQueue()
        self._ended = threading.Event()
        self.seconds: list[float] = []

    def follow(self, name: str) -> None:
        """Follow the object of a packet that was written now."""
        self._wanted.put((name, timezone.now()))

    def run(self) -> None:
        """Follow what is wanted until `end`, and then what is left."""
        while not (self._ended.is_set() and self._wanted.empty()):
            try:
                name, written = self._wanted.get(timeout=ASK_SECONDS)
            except Empty:
                continue
            if self._see(name):
                self.seconds.append((timezone.now() - written).total_seconds())
        connection.close()

    def end(self) -> None:
        """Let `run` end."""
        self._ended.set()

    def _see(self, name: str) -> bool:
        """Wait until the timeline says that a ranking of the object was shown."""
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            target = BaseTarget.objects.filter(name=name).first()
            if target is not None and self._is_shown(target.pk):
                return True
            time.sleep(ASK_SECONDS)
        return False

    def _is_shown(self, pk: int) -> bool:
        answer = requests.get(
            f"{self._site}/api/targets/{pk}/timeline/",
            params={"event": self._event_id},
            headers=self._headers,
            timeout=ANSWER_SECONDS,
        )
        if answer.status_code == HTTPStatus.NOT_FOUND:  # it is no candidate yet
            return False
        answer.raise_for_status()
        return any(each["name"] == "shown" and each["time"] for each in answer.json()["steps"])


@contextmanager
def following(site: str, event_id: str) -> Iterator[Follower]:
    """Follow what is told in the block; all of it was seen, or given up, when the block is left."""
    follower = Follower(site, event_id)
    thread = threading.Thread(target=follower.run, name="follower", daemon=True)
    thread.start()
    try:
        yield follower
    finally:
        follower.end()
        thread.join(2 * GIVE_UP_SECONDS)
