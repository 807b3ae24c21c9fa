"""Send files and folders through the intake, as a stream does."""

import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import Error as DatabaseError

from tom.candidates.open_regions import open_regions
from tom.embedded.worker import working
from tom.formats.archives import Rejection, open_packets
from tom.forms.networks import FILE_TOPIC
from tom.pipeline import wake
from tom.streams.door import Door, filter_in_force
from tom.streams.models import AlertMessage, MessageState, Stream
from tom.streams.services import Incoming, store_messages, store_rejection
from tom.sweeping import work_left

BATCH, BATCH_BYTES = 200, 32 * 1024 * 1024
LOOK_SECONDS = 0.25
# If no message moves for this time, nobody works on them.
IDLE_SECONDS = 120
DEAD_SHOWN = 20
LONGEST_TOPIC = 249  # at Kafka


class Command(BaseCommand):
    help = "Send messages in files, folders and archives through the intake."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--topic", default=FILE_TOPIC, help="as if they came on this topic")
        parser.add_argument(
            "--filter", metavar="STREAM", help="leave out what the filter of this stream leaves out"
        )
        parser.add_argument("--wait", action="store_true", help="until all the work has ended")
        parser.add_argument(
            "--strict", action="store_true", help="fail where a message is dead or unhandled"
        )

    def handle(self, *args: Any, paths: list[Path], **options: Any) -> None:
        missing = [str(path) for path in paths if not _is_there(path)]
        if missing:
            msg = f"no such file or folder, or no right to it: {', '.join(missing)}"
            raise CommandError(msg)
        feeder = Feeder(_judge_topic(options["topic"]))
        try:
            with working(settings.HOME):
                if options["filter"] is not None:
                    feeder.door = _door_of(options["filter"])
                feeder.feed(paths)
                if options["wait"]:
                    wait_for_work(feeder.waiting)
            self._report(feeder, strict=options["strict"])
        except DatabaseError as error:
            msg = f"the database fails; the same command goes on from here: {error}"
            raise CommandError(msg) from error

    def _report(self, feeder: "Feeder", *, strict: bool) -> None:
        rows = AlertMessage.objects.filter(pk__in=feeder.created)
        states = Counter(rows.values_list("state", flat=True))
        dead = states[MessageState.DEAD] + len(feeder.rejected)
        known = states[MessageState.KNOWN] + feeder.known
        self.stdout.write(
            f"stored {states[MessageState.STORED]}, known already {known}, "
            f"unhandled {states[MessageState.UNHANDLED]}, dead {dead}"
            + (f", left out by the filter {feeder.left_out}" if feeder.door else "")
            + (f", waiting {left}" if (left := states[MessageState.RECEIVED]) else "")
        )
        buried = rows.filter(state=MessageState.DEAD).order_by("pk").values_list("name", "reason")
        for name, reason in [*feeder.rejected, *buried[:DEAD_SHOWN]][:DEAD_SHOWN]:
            self.stdout.write(f"dead: {name}: {reason}")
        if dead > DEAD_SHOWN:
            self.stdout.write(f"... and {dead - DEAD_SHOWN} more: see the page Messages")
        if strict and (dead or states[MessageState.UNHANDLED]):
            msg = "a message is dead or unhandled"
            raise CommandError(msg)


class Feeder:
    """Keeps messages in batches and wakes the pipeline after each."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.created: list[int] = []
        self.waiting: list[int] = []
        self.known = 0
        self.door: Door | None = None
        self.left_out = 0
        self.rejected: list[tuple[str, str]] = []  # names and reasons

    def feed(self, paths: Sequence[Path]) -> None:
        """Keep every message under the paths."""
        batch: list[Incoming] = []
        size = 0
        for item in self._messages(paths):
            batch.append(item)
            size += len(item.payload)
            if len(batch) >= BATCH or size >= BATCH_BYTES:
                self._store(batch)
                batch, size = [], 0
        if batch:
            self._store(batch)

    def _messages(self, paths: Sequence[Path]) -> Iterator[Incoming]:
        for path in paths:
            for name, payload in open_packets(path):
                if isinstance(payload, Rejection):
                    self._reject(name, payload.reason)
                else:
                    yield Incoming(self.topic, payload, name=name)

    def _reject(self, name: str, reason: str) -> None:
        if store_rejection(self.topic, name=name, reason=reason):
            self.rejected.append((name, reason))
        else:
            self.known += 1

    def _store(self, batch: Sequence[Incoming]) -> None:
        if self.door is not None:
            judged = self.door.sort(batch)
            self.left_out += len(judged.left_out)
            batch = judged.passed
        stored = store_messages(batch)
        self.created += stored.all_ids
        self.waiting += stored.waiting
        self.known += stored.known
        wake(stored.ids)


def _door_of(name: str) -> Door:
    """The door of a stream: files pass it as the stream's messages do.

    Raises
    ------
    CommandError
        If there is no such stream, or no filter of it is on.
    """
    stream = Stream.objects.filter(name=name).first()
    if stream is None or filter_in_force(stream.pk) is None:
        msg = f"no stream {name!r} has a filter that is on: see the page Streams"
        raise CommandError(msg)
    return Door(stream.pk, open_regions)


def _judge_topic(text: str) -> str:
    """Return the name of a topic.

    Raises
    ------
    CommandError
        If no message could be on a topic of such a name.
    """
    if not text.strip() or len(text) > LONGEST_TOPIC or not text.isprintable():
        msg = f"a topic has a name of 1 to {LONGEST_TOPIC} characters: leave --topic out for files"
        raise CommandError(msg)
    return text


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


def _show_left(left: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{left} to do   ")


def wait_for_work(waiting: Sequence[int], *, say: Callable[[int], None] = _show_left) -> None:
    """Wait until the work on these messages, and all work that they caused, has ended.

    The number of jobs that are left is written each time that it has changed.

    Raises
    ------
    CommandError
        If nothing moves for two minutes: no worker is there.
    """
    last, moved = None, time.monotonic()
    while True:
        left = work_left(waiting)
        if not left:
            return
        if left != last:
            last, moved = left, time.monotonic()
            say(left)
        if time.monotonic() - moved > IDLE_SECONDS:
            msg = f"{left} to do and nobody does it: is a worker running?"
            raise CommandError(msg)
        time.sleep(LOOK_SECONDS)
