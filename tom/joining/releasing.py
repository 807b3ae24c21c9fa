"""Let a burst go from the merger that it came with, once the merger is taken back.

Their messages said that they are one event. A burst that its own mission stands by is none less for
that, and the merger is retracted: its requests are held, and whoever was told of it is told.
"""

from contextlib import suppress

from tom.events.chain import RETRACTION, in_order, ruling_of
from tom.events.models import EventKind, EventSequence, NonLocalizedEvent
from tom.joining.events import CannotJoinEventsError, split_mission

_OWN = (None, EventKind.UNKNOWN, EventKind.GW)


def release_bursts(event: NonLocalizedEvent) -> list[NonLocalizedEvent]:
    """Take what other kinds of events say out of a merger that was taken back; return these events.

    The rows in memory are read anew. Nothing is done while anybody says that there was a merger.
    """
    if event.kind != EventKind.GW:
        return []
    released = []
    for row in _left_alone(event):
        # Called after the burst, as events of before this version may be: a person takes it apart.
        with suppress(CannotJoinEventsError):
            released.append(split_mission(row, by=None).other)
    if released:
        event.refresh_from_db()
    return released


def _left_alone(event: NonLocalizedEvent) -> list[EventSequence]:
    """One message of each burst, where all who told of the merger took that back."""
    rows = event.sequences.select_related("message").defer("details", "message__payload")
    chain = in_order(rows)
    ruling = ruling_of(chain)
    outside = [row for row in chain if row not in ruling and row.set_aside is None]
    if not any(row.alert_type == RETRACTION for row in outside):
        return []
    kinds = dict(event.sequences.values_list("pk", "details__event__kind"))
    if any(kinds[row.pk] in _OWN for row in ruling):
        return []
    return list({(row.sender, row.origin_id): row for row in ruling}.values())
