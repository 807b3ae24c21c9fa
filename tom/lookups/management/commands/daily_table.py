"""Keep the rows of a sender's table of a day, from a file or asked for."""

import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from tom.formats.archives import open_packets
from tom.formats.csv_table import rows_as_json
from tom.formats.errors import MalformedAlertError
from tom.forms.declared import LookUp, Wanted
from tom.forms.registry import look_ups
from tom.lookups.calling import LookUpFailedError, call_for_bytes
from tom.lookups.services import secrets_of
from tom.streams.services import Incoming, store_messages

BATCH = 200


class Command(BaseCommand):
    help = "Keep the rows of a sender's table of a day, each as a message: yesterday's, or a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        tables = [name for name, how in look_ups().items() if how.daily]
        parser.add_argument("sender", choices=tables)
        parser.add_argument("path", nargs="?", type=Path, help="a CSV, or a zip with one")
        parser.add_argument("--date", type=date.fromisoformat, help="of the table, UTC")

    def handle(self, *args: Any, sender: str, path: Path | None, **options: Any) -> None:
        how = look_ups()[sender]
        try:
            if path is not None:
                rows, new = _keep(path, how)
            else:
                day = options["date"] or datetime.now(UTC).date() - timedelta(days=1)
                rows, new = _fetch(sender, how, day)
        except MalformedAlertError as error:
            msg = f"this is no table of {sender}: {error}"
            raise CommandError(msg) from error
        except (LookUpFailedError, OSError) as error:
            msg = f"{sender}: {error}"
            raise CommandError(msg) from error
        self.stdout.write(f"{sender}: {rows} rows, {new} of them new")


def _fetch(sender: str, how: LookUp, day: date) -> tuple[int, int]:
    secrets = secrets_of(how, Wanted())
    if how.daily is None:
        return 0, 0
    until = time.monotonic() + settings.LOOKUP_SECONDS
    table = call_for_bytes(sender, how, how.daily(day, secrets), until=until)
    if table is None:
        reason = f"there is no table of {day} yet"
        raise LookUpFailedError(reason)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_bytes(table)
        return _keep(path, how)


def _keep(path: Path, how: LookUp) -> tuple[int, int]:
    """Keep each row once; return how many there are, and how many are new."""
    rows = new = 0
    table = _rows(path, how)
    while batch := list(islice(table, BATCH)):
        stored = store_messages([Incoming(how.table_topic, row) for row in batch])
        rows += len(batch)
        new += len(stored.all_ids)
    return rows, new


def _rows(path: Path, how: LookUp) -> Iterator[bytes]:
    is_empty = True
    for name, payload in open_packets(path):
        is_empty = False
        if not isinstance(payload, bytes):
            reason = f"{name}: {payload.reason}"
            raise MalformedAlertError(reason)
        yield from rows_as_json(payload, how.columns)
    if is_empty:
        reason = "it holds nothing"
        raise MalformedAlertError(reason)
