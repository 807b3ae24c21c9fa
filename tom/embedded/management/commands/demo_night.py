"""Load the demonstration night: make it from a seed, send it through the intake of a stream."""

import shutil
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from tom.changes.demonstration import forget_progress, say_progress
from tom.demo.folder import read_night, write_night
from tom.demo.gwalerts import TOPIC as GW_TOPIC
from tom.demo.night import Message, Night, latest_merger, make_night
from tom.embedded.management.commands.replay import wait_for_work
from tom.embedded.worker import working
from tom.pipeline import nudge, wake
from tom.strategies.models import Strategy
from tom.streams.claims import broken_off_messages, replay_messages
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import Incoming, store_messages
from tom.sweeping import sweep

SEED = 1
BATCH = 200


class Command(BaseCommand):
    help = "Make the demonstration night, and send it through the intake."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, help=f"of another night; {SEED} where not given")

    def handle(self, *args: Any, seed: int | None, **options: Any) -> None:
        done = settings.HOME.demo_loaded
        if seed is not None and (settings.HOME.demo / "night.json").exists():
            msg = "there is a night already: set TOM_HOME to another folder for another one"
            raise CommandError(msg)
        if done.exists():
            return
        began = time.monotonic()
        try:
            night = self._night(SEED if seed is None else seed)
            with working(settings.HOME):
                self._load(night.messages)
            _make_list()
        except DatabaseError as error:
            reason = str(error).partition("\n")[0]
            msg = f"the database fails; the same command takes the night up again: {reason}"
            raise CommandError(msg) from error
        done.touch()
        forget_progress()
        self._print(f"loaded after {time.monotonic() - began:.0f} s", end="\n")

    def _night(self, seed: int) -> Night:
        """Read the night if it exists, so that an interrupted loading goes on; else make it."""
        folder = settings.HOME.demo
        if (folder / "night.json").exists():
            night = read_night(folder)
            kept = _messages_of(night.messages).count()
            self._say(f"taken up again, {kept} of {len(night.messages)} messages are kept")
            return night
        self._say("its messages come first (half a minute)")
        night = make_night(seed, latest_merger(timezone.now()))
        draft = folder.with_name("demo.draft")
        shutil.rmtree(draft, ignore_errors=True)
        write_night(night, draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
        return night

    def _load(self, messages: Sequence[Message]) -> None:
        """Load all messages; messages whose work broke off are tried once more.

        Raises
        ------
        CommandError
            If the work on some messages breaks off again.
        """
        self._work(self._feed(messages))
        broken_off = broken_off_messages(_messages_of(messages))
        if again := list(broken_off.values_list("pk", flat=True)):
            self._say(f"{len(again)} messages that broke off are tried again")
            replay_messages(again)
            nudge(sweep)
            self._work(again)
        if left := broken_off.count():
            msg = f"{left} messages broke off each time they were worked on: see the page Messages"
            raise CommandError(msg)

    def _feed(self, messages: Sequence[Message]) -> list[int]:
        """Send the messages in the order of their times; return the rows to be worked on.

        As on a real night, a message about the event comes when all messages before it have been
        worked on: the map of the moment decides which targets are candidates.
        """
        ids: list[int] = []
        kept = 0
        for batch in _batches(messages):
            stored = store_messages([Incoming(m.topic, m.payload) for m in batch])
            wake(stored.ids)
            ids += stored.waiting
            kept += len(batch)
            self._say(f"{kept} of {len(messages)} messages kept")
            if kept == len(messages) or GW_TOPIC in (messages[kept].topic, batch[-1].topic):
                self._wait(ids)
        return ids

    def _wait(self, ids: Sequence[int]) -> None:
        while left := self._waiting(ids):
            self._say(f"{len(ids) - left} of {len(ids)} messages worked on")
            time.sleep(0.5)

    def _work(self, ids: Sequence[int]) -> None:
        """Wait until the work on the messages, and all work that they caused, has ended."""
        self._wait(ids)
        wait_for_work(ids, say=lambda left: self._say(f"scoring and ranking, {left} to do"))

    def _waiting(self, ids: Sequence[int]) -> int:
        return AlertMessage.objects.filter(pk__in=ids, state=MessageState.RECEIVED).count()

    def _say(self, text: str) -> None:
        """Write a text to the terminal and to the page."""
        say_progress(text)
        self._print(text)

    def _print(self, text: str, end: str = "") -> None:
        """Write a text over the last one in a terminal, or as a new line elsewhere."""
        start, end = ("\r\033[K", end) if sys.stdout.isatty() else ("", "\n")
        self.stdout.write(f"{start}demonstration night: {text}", ending=end)
        self.stdout.flush()


def _batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """Yield survey alerts in batches, and each message about the event as its own batch."""
    for is_chain, group in groupby(messages, key=lambda message: message.topic == GW_TOPIC):
        run = list(group)
        most = 1 if is_chain else BATCH
        yield from (run[first : first + most] for first in range(0, len(run), most))


def _messages_of(messages: Sequence[Message]) -> QuerySet[AlertMessage]:
    """Return the stored messages of a night; no other messages come on its topics."""
    topics = {message.topic for message in messages}
    return AlertMessage.objects.filter(topic__in=topics, is_repeat=False)


def _make_list() -> None:
    """Make a list without an event: it shows the other transients of the demonstration night."""
    looks_for = {"sought": ["transient"], "terms": ["star", "minor planet"], "brighter_than": 19.0}
    Strategy.objects.get_or_create(
        name="Demonstration: bright transients",
        defaults={**looks_for, "days_before": 14.0, "prior": 0.5, "with_tests": True},
    )
