"""Join an event that a person made by hand with a mission's that agrees with it in time and place.

A person hears of a burst, and its mission's notice comes later, by another name. Of two missions'
events nobody joins any by time and place: their messages, or a person, say that they are one.
"""

from datetime import timedelta
from typing import Final

from tom.events.localizations import skymap_of
from tom.events.models import EventKind, Localization, NonLocalizedEvent
from tom.events.naming import were_parted
from tom.events.services import Recorded
from tom.joining.events import join_events, join_if_named
from tom.sky import covered_probability, credible_ranges

TOGETHER: Final = timedelta(seconds=60)
"""Events so near in time may be one. Bursts that a merger causes begin within seconds of it, and a
person may have written the minute alone."""
LEVEL: Final = 0.9
LEAST_WITHIN: Final = 0.5
"""So much of the smaller map has to lie in this region of the larger one."""


def join_told(recorded: Recorded) -> NonLocalizedEvent | None:
    """Join a message's event with those that the message names too, or that agree with it.

    Return the one kept, if any was joined.
    """
    joined = join_if_named(recorded.event, recorded.others)
    if joined is None and recorded.is_new:
        return _join_agreeing(recorded.event)
    return joined


def _join_agreeing(event: NonLocalizedEvent) -> NonLocalizedEvent | None:
    """Join an event with one that agrees with it, of which a person made one; return the one kept.

    None if none agrees, or more than one does. One that is retracted agrees with none, nor do a
    test and a live event, nor two that a person took apart. Maps are read only where an event of
    the same time and kind is found.
    """
    agreeing = [other for other in _at_the_time_of(event) if _agree(event, other)]
    if len(agreeing) != 1:
        return None
    return join_events(event, agreeing[0], by=None).kept


def _at_the_time_of(event: NonLocalizedEvent) -> list[NonLocalizedEvent]:
    """The events of its time and kind of which one is by hand and the other is not."""
    if event.time is None or event.used_id is None or event.retracted:
        return []
    near = (event.time - TOGETHER, event.time + TOGETHER)
    rows = NonLocalizedEvent.objects.filter(
        time__range=near, kind__in=_kinds_like(event), retracted=False, used__isnull=False
    )
    return [
        other
        for other in rows
        if other.is_by_hand is not event.is_by_hand
        and bool(other.test_reasons) is bool(event.test_reasons)
        and not were_parted(event, other)
    ]


def _kinds_like(event: NonLocalizedEvent) -> list[str]:
    """The kinds that an event may be, too: the own one, and one that is not known."""
    if event.kind == EventKind.UNKNOWN:
        return EventKind.values
    return [event.kind, EventKind.UNKNOWN]


def _agree(one: NonLocalizedEvent, two: NonLocalizedEvent) -> bool:
    return share_in_common(one, two, level=LEVEL) >= LEAST_WITHIN


def share_in_common(one: NonLocalizedEvent, two: NonLocalizedEvent, *, level: float) -> float:
    """Return how much of the smaller of two maps lies in the larger one's region of `level`.

    Both events have a map.
    """
    rows = Localization.objects.filter(uses__in=[one.used_id, two.used_id]).order_by("area_90")
    maps = list(rows.values_list("pk", flat=True))
    ranges = credible_ranges(skymap_of(maps[-1]), level)
    return covered_probability(skymap_of(maps[0]), ranges)
