"""The door of a stream: what its filter leaves out is counted, and nothing of it is kept."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Final

import numpy as np
from django.db import connection
from django.utils import timezone
from psycopg2.extras import execute_values

from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.declared import Lane
from tom.forms.recognition import identify
from tom.forms.registry import forms
from tom.records import ObjectAlert, Record, Retelling, Trigger, trigger_of
from tom.sky.arrays import IntArray
from tom.streams.filters import StreamFilter
from tom.streams.rules import PASSES, Outcome, Rule, judge, night_of
from tom.streams.services import Incoming

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
REGION_SECONDS: Final = 5.0

Regions = Callable[[datetime], IntArray]
"""The regions of the events that are open at a time, as `judge` takes them."""
Counted = Mapping[tuple[date, Outcome], int]
"""How many packets of a night had which outcome."""
Judged = tuple[Outcome | None, Trigger | None]
"""What became of a message, None where it is no survey packet, and its trigger if it is read."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch at the door: what passes, what does not, and which filter said so."""

    passed: Sequence[Incoming]
    left_out: Sequence[Incoming] = ()
    filter_id: int | None = None
    counted: Counted = field(default_factory=dict)


class Door:
    """Sorts what comes by a stream with the filter that is in force.

    The filter is read again each second, the regions of events every five seconds.
    """

    def __init__(self, stream: int | str, regions: Regions) -> None:
        """Take the key of a stream's row or, where STREAMS names it, the name of the row."""
        self._stream = stream
        self._find_regions = regions
        self._filter: StreamFilter | None = None
        self._regions: IntArray = np.empty((0, 2), dtype=np.int64)
        self._next_look = self._next_regions = 0.0

    def sort(self, incoming: Sequence[Incoming]) -> Sorted:
        """Say what of a batch is kept.

        Only survey packets are judged. All else passes, and so does a packet whose trigger cannot
        be read: a dead letter says why, a silent loss says nothing.

        Raises
        ------
        django.db.Error
            If the database does not say which filter is in force.
        """
        chosen = self._look()
        if chosen is None or not incoming:
            return Sorted(incoming)
        judged = judge_items(chosen.rule, incoming, self._open_regions(chosen))
        counted = Counter(
            (night_of(trigger.time if trigger else timezone.now()), outcome)
            for outcome, trigger in judged
            if outcome is not None
        )
        passes = [outcome is None or outcome in PASSES for outcome, _ in judged]
        return Sorted(
            [item for item, goes_on in zip(incoming, passes, strict=True) if goes_on],
            [item for item, goes_on in zip(incoming, passes, strict=True) if not goes_on],
            chosen.pk,
            counted,
        )

    def _look(self) -> StreamFilter | None:
        if time.monotonic() >= self._next_look:
            self._filter = filter_in_force(self._stream)
            self._next_look = time.monotonic() + LOOK_SECONDS
        return self._filter

    def _open_regions(self, chosen: StreamFilter) -> IntArray:
        if chosen.in_regions and time.monotonic() >= self._next_regions:
            self._regions = self._find_regions(timezone.now())
            self._next_regions = time.monotonic() + REGION_SECONDS
        return self._regions


def filter_in_force(stream: int | str) -> StreamFilter | None:
    """The filter that decides what of a stream is kept, by its key or its name; one query."""
    rows = StreamFilter.objects.filter(began__isnull=False, ended=None)
    if isinstance(stream, str):
        return rows.filter(stream__name=stream, stream__is_fixed=True).first()
    return rows.filter(stream_id=stream).first()


def count_outcomes(sorted_: Sorted) -> None:
    """Add what a filter did, in the caller's transaction: the one that moves the position."""
    if not sorted_.counted:
        return
    rows = [
        (sorted_.filter_id, night, outcome.value, messages)
        for (night, outcome), messages in sorted(sorted_.counted.items())
    ]
    statement = """
        INSERT INTO streams_filtercount AS kept (filter_id, night, outcome, messages)
        VALUES %s ON CONFLICT (filter_id, night, outcome)
        DO UPDATE SET messages = kept.messages + excluded.messages
    """
    # psycopg2's own cursor raises psycopg2's own errors.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        execute_values(cursor.cursor, statement, rows)


def judge_items(rule: Rule, items: Sequence[Incoming], regions: IntArray) -> list[Judged]:
    """Judge each message by its trigger; what is no survey packet has no outcome."""
    read = [_read_trigger(item) for item in items]
    triggers = [each for each in read if isinstance(each, Trigger)]
    outcomes = iter(judge(rule, triggers, regions))
    return [(next(outcomes), each) if isinstance(each, Trigger) else (each, None) for each in read]


def _find_trigger(parse: Callable[[bytes], Record], payload: bytes) -> Trigger | None:
    """Find the trigger of a packet that is read whole; None: it tells of no object, or of many."""
    match parse(payload):
        case ObjectAlert() as alert:
            return trigger_of(alert)
        case Retelling(alerts=(alert,)):
            return trigger_of(alert)
        case _:
            return None


def _read_trigger(item: Incoming) -> Trigger | Outcome | None:
    """The trigger of a survey packet, or that it cannot be read; None: it is no such packet."""
    form = forms().get(identify(item.topic, item.payload))
    if form is None or form.lane is not Lane.BATCH or form.parse is None:
        return None
    try:
        return (form.read_trigger or partial(_find_trigger, form.parse))(item.payload)
    except (MalformedAlertError, UnhandledAlertError):
        return Outcome.UNREAD
    # The message boundary: one poison packet must not stop its stream.
    except Exception:
        logger.exception("A trigger could not be read", extra={"form": form.name})
        return Outcome.UNREAD
