"""Load the demonstration night: made from a seed, sent through the same intake as a stream."""

import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from tom.demo.folder import read_night, write_night
from tom.demo.night import Message, Night, latest_merger, make_night
from tom.embedded.worker import working
from tom.pipeline import wake, work_left
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import Incoming, store_messages
from tom.web.management.commands.replay import wait_for_work

SEED = 1
BATCH = 200


class Command(BaseCommand):
    help = "Make the demonstration night, and send it through the intake."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, help=f"of another night; {SEED} where not given")

    def handle(self, *args: Any, seed: int | None, **options: Any) -> None:
        done = settings.HOME.demo / "loaded"
        if seed is not None and (settings.HOME.demo / "night.json").exists():
            msg = "there is a night already: set TOM_HOME to another folder for another one"
            raise CommandError(msg)
        if done.exists():
            return
        began = time.monotonic()
        night = self._night(SEED if seed is None else seed)
        with working(settings.HOME):
            ids = self._feed(night.messages)
            wait_for_work(ids)
        done.touch()
        self._say(f"loaded after {time.monotonic() - began:.0f} s", end="\n")

    def _night(self, seed: int) -> Night:
        """Read the night made before, so that an interrupted loading goes on; else make it."""
        folder = settings.HOME.demo
        if (folder / "night.json").exists():
            return read_night(folder)
        self._say("making it (half a minute)")
        night = make_night(seed, latest_merger(timezone.now()))
        draft = folder.with_name("demo.draft")
        shutil.rmtree(draft, ignore_errors=True)
        write_night(night, draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
        return night

    def _feed(self, messages: Sequence[Message]) -> list[int]:
        """Send the messages in the order of their times; wait for each batch's work."""
        ids: list[int] = []
        for first in range(0, len(messages), BATCH):
            batch = messages[first : first + BATCH]
            stored = store_messages([Incoming(m.topic, m.payload) for m in batch])
            wake(stored.ids)
            ids += stored.waiting
            self._say(f"{first + len(batch)} of {len(messages)} messages kept")
        while left := self._waiting(ids):
            self._say(f"{len(ids) - left} of {len(ids)} messages worked on")
            time.sleep(0.5)
        self._say(f"scoring and ranking, {work_left(ids)} to do")
        return ids

    def _waiting(self, ids: Sequence[int]) -> int:
        return AlertMessage.objects.filter(pk__in=ids, state=MessageState.RECEIVED).count()

    def _say(self, text: str, end: str = "") -> None:
        """One line that is written over in a terminal; a line each elsewhere."""
        start, end = ("\r\033[K", end) if sys.stdout.isatty() else ("", "\n")
        self.stdout.write(f"{start}demonstration night: {text}", ending=end)
        self.stdout.flush()
