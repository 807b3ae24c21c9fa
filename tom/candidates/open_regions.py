"""Where a candidate of an event may appear now: the regions of all events that are open."""

from datetime import datetime, timedelta

import numpy as np
from django.db.models import Q, QuerySet

from tom.events.localizations import maps_of
from tom.events.models import NonLocalizedEvent
from tom.events.regions import ranges_in, regions_of
from tom.sky import merge_ranges
from tom.sky.arrays import IntArray
from tom.strategies.services import strategies_of_kinds


def open_events(now: datetime) -> QuerySet[NonLocalizedEvent]:
    """Live events whose window for detections lasts; one without a time is always open."""
    near = Q(time=None)
    for strategy in strategies_of_kinds().values():
        ours = Q(kind=strategy.kind, time__lte=now)
        if strategy.days_after is not None:
            ours &= Q(time__gte=now - timedelta(days=strategy.days_after))
        near |= ours
    return NonLocalizedEvent.objects.filter(near, retracted=False, test_reasons=[])


def open_regions(now: datetime) -> IntArray:
    """The regions, in which candidates are kept, of the maps that the open events use now.

    Returns
    -------
    numpy.ndarray
        int64, shape `(k, 2)`: nested order-29 ranges `[first, stop)`, sorted, apart from each
        other.
    """
    levels = {kind: each.level_stored for kind, each in strategies_of_kinds().items()}
    maps = maps_of(open_events(now))
    keys = {(use.localization_id, levels[event.kind]) for event, ((use, _), *_) in maps}
    if not keys:
        return np.empty((0, 2), dtype=np.int64)
    found = ranges_in(set(regions_of(keys).values()))
    return merge_ranges(np.concatenate([*found.values()]))
