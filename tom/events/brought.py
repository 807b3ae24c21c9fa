"""The maps of a notice: the ones that it carries, and a map made from its position."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from tom.events.localizations import draw_position, keep_map
from tom.events.models import Localization
from tom.formats.values import clean
from tom.records.notice import Box, Notice, NoticeMap, Position, Product

# Errors that reading a map may raise. An error of the database is no fault of the map.
MAP_FAULTS = (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Maps:
    """The maps of a notice, each with its row, and the faults of the maps that are missing."""

    kept: Sequence[tuple[NoticeMap, Localization]]
    faults: tuple[str, ...]


def keep_maps(notice: Notice, *, with_maps: bool) -> Maps:
    """Store each map in its own transaction: a map that cannot be used does not stop the others."""
    kept, faults = [], []
    for brought in _brought(notice):
        name = brought.product if isinstance(brought, NoticeMap) else "position"
        if not with_maps:
            faults.append(f"{name} (its reading ended the worker)")
            continue
        try:
            with transaction.atomic():
                made = brought if isinstance(brought, NoticeMap) else draw_position(brought)
                kept.append((made, keep_map(made.fits)))
        except MAP_FAULTS as error:
            faults.append(f"{name} ({_say(error)})")
    return Maps(kept, tuple(faults))


def _brought(notice: Notice) -> Iterator[NoticeMap | Position | Box]:
    """Yield the maps; yield the position too if no map is the event's own sky map."""
    yield from notice.maps
    if notice.position and all(each.product != Product.SKYMAP for each in notice.maps):
        yield notice.position


def _say(error: Exception) -> str:
    return clean(str(error))[:300] or type(error).__name__
