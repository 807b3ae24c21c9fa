"""Store each sky map once, by its hash, with the figures for pages and matching."""

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby, pairwise
from threading import Lock

import numpy as np
from cachetools import TTLCache, cached
from cachetools.keys import hashkey
from django.db.models import QuerySet

from tom.events.models import EventLocalization, Localization, NonLocalizedEvent
from tom.forms.registry import voices
from tom.records.notice import Box, NoticeMap, Position, Product
from tom.sky import (
    SkyMap,
    SkyMapSummary,
    box_localization,
    cone_localization,
    contours,
    distance_probability_fraction,
    pack,
    read_skymap,
    summarize,
    unpack,
    write_skymap,
)
from tom.sky.cone import NO_SYSTEMATIC

CONTOUR_LEVELS = (0.5, 0.9)
# No source of light is farther away.
FARTHEST_MPC = 20_000.0
# A worker needs the same few maps again and again. Most maps take a megabyte. The largest map
# that is read takes BYTES_KEPT by itself. A map is dropped after SECONDS_KEPT.
BYTES_KEPT = 256_000_000
SECONDS_KEPT = 600
# The columns of a localization and its event that decide which map holds at which time.
CHOICE = (
    *("sender", "author", "product", "time", "set_aside"),
    *("localization__sha256", "localization__area_90"),
    *("event__kind", "event__time", "event__retracted", "event__test_reasons", "event__pinned"),
    "event__joined_to",
)
# A localization of an event, and the time until which it held; None: it holds now.
Turn = tuple["EventLocalization", datetime | None]
# Bytes for a row of a map: its columns, the columns computed from them once, and some room.
BYTES_OF_A_ROW = 80
_lock = Lock()
_kept: "TTLCache[Hashable, SkyMap]" = TTLCache(
    BYTES_KEPT, SECONDS_KEPT, getsizeof=lambda skymap: skymap.n * BYTES_OF_A_ROW
)


def keep_map(fits: bytes) -> Localization:
    """Store a map, and return its row; a map that is sent again is not stored again.

    Raises
    ------
    MalformedSkyMapError
        If the bytes are no sky map, or one that cannot be used.
    """
    sha256 = hashlib.sha256(fits).hexdigest()
    known = Localization.objects.filter(sha256=sha256).defer("fits", "packed").first()
    if known is not None:
        return known
    localization, _ = Localization.objects.get_or_create(sha256=sha256, defaults=_described(fits))
    return localization


def draw_position(position: Position | Box) -> NoticeMap:
    """Make the map of an error circle, an ellipse or a box; the same one gives the same bytes.

    Raises
    ------
    ValueError
        If its shape is impossible.
    """
    systematic = position.systematic or NO_SYSTEMATIC
    if isinstance(position, Box):
        skymap = box_localization(
            position.corners, containment=position.containment, systematic=systematic
        )
    else:
        skymap = cone_localization(
            ra=position.ra,
            dec=position.dec,
            radius_deg=position.radius_deg,
            minor_deg=position.minor_deg,
            angle_deg=position.angle_deg,
            containment=position.containment,
            systematic=systematic,
        )
    return NoticeMap(product=Product.SKYMAP, author=position.author, fits=write_skymap(skymap))


def note_localization(
    event: NonLocalizedEvent,
    localization: Localization,
    *,
    origin: NonLocalizedEvent | None = None,
    sender: str,
    author: str,
    product: str,
    time: datetime,
) -> EventLocalization:
    """Store, once, that the map is a localization of this event."""
    use, _ = EventLocalization.objects.get_or_create(
        event=event,
        localization=localization,
        origin=origin,
        sender=sender,
        product=product,
        time=time,
        defaults={"author": author},
    )
    return use


def chosen_localization(event: NonLocalizedEvent) -> EventLocalization | None:
    """Return the localization that the event uses, or None; one query."""
    return choose_localization(event, _uses_of(event))


def maps_in_turn(event: NonLocalizedEvent) -> list[Turn]:
    """Return the localization that the event uses, then its earlier maps with the next one's time.

    An earlier map held until the next map's own time. The order of receipt does not matter.
    """
    return _in_turn(event, list(_uses_of(event)))


def maps_of(events: QuerySet[NonLocalizedEvent]) -> list[tuple[NonLocalizedEvent, list[Turn]]]:
    """Return those of the events that have a map, each with its maps in turn; one query for all."""
    uses = EventLocalization.objects.filter(event__in=events).order_by("event", "time", "pk")
    rows = uses.select_related("event", "localization").only(*CHOICE)
    groups = [list(group) for _, group in groupby(rows, key=lambda use: use.event_id)]
    turns = [(group[0].event, _in_turn(group[0].event, group)) for group in groups]
    return [(event, maps) for event, maps in turns if maps]


def _in_turn(event: NonLocalizedEvent, uses: Sequence[EventLocalization]) -> list[Turn]:
    chosen = choose_localization(event, uses)
    if chosen is None:
        return []
    turns = pairwise(sorted(_own(uses), key=_by_time))
    return [(chosen, None), *((use, after.time) for use, after in turns if use != chosen)]


def _uses_of(event: NonLocalizedEvent) -> QuerySet[EventLocalization]:
    return event.localizations.select_related("localization").defer(
        "localization__fits", "localization__packed"
    )


def _own(uses: Iterable[EventLocalization]) -> list[EventLocalization]:
    return [use for use in uses if use.product == Product.SKYMAP and not use.set_aside]


def _by_time(use: EventLocalization) -> tuple[datetime, str, str]:
    """Return a key that sorts maps by time; two maps of one time always have the same order."""
    return use.time, use.author, use.localization.sha256


def _by_area(use: EventLocalization) -> tuple[float, str]:
    return use.localization.area_90, use.sender


def choose_localization(
    event: NonLocalizedEvent, uses: Iterable[EventLocalization]
) -> EventLocalization | None:
    """Return the pinned localization, else the best of the event's own maps that is not set aside.

    The newest map of each telescope counts, or of each mission that speaks as one. The best of
    these has the smallest 90% region. The combined map of a coincidence is used only if a person
    pins it. None: the event has no such map.
    """
    if event.pinned_id is not None:
        return next((use for use in uses if use.pk == event.pinned_id), None)
    newest = {_voice(use): use for use in sorted(_own(uses), key=_by_time)}
    return min(newest.values(), key=_by_area, default=None)


def _voice(use: EventLocalization) -> tuple[str, str]:
    """Whose older maps this map replaces: a later wide circle does not replace a telescope's."""
    return use.sender, use.author if use.sender and use.sender not in voices() else ""


def voices_with_maps(uses: Iterable[EventLocalization]) -> list[str]:
    """Name whose newest maps compete; of several the smallest is used."""
    return sorted({_name(*_voice(use)) for use in _own(uses)})


def _name(sender: str, author: str) -> str:
    return f"{sender} {author}" if author and sender not in author else author or sender


def skymap_of(localization_id: int) -> SkyMap:
    """Return the parsed map of a stored localization; it stays in memory for a while."""
    return _unpacked(localization_id)


def skymaps_of(localization_ids: Iterable[int]) -> Iterator[tuple[int, SkyMap]]:
    """Yield each localization's key and parsed map; one query reads the maps not in memory.

    Drop each map before you take the next one: together they may not fit into memory.
    """
    missing = []
    for pk in sorted(set(localization_ids)):
        with _lock:
            skymap = _kept.get(hashkey(pk))
        if skymap is None:
            missing.append(pk)
        else:
            yield pk, skymap
    rows = Localization.objects.filter(pk__in=missing).order_by("pk")
    for pk, packed in rows.values_list("pk", "packed").iterator(chunk_size=1):
        skymap = unpack(bytes(packed))
        with _lock, suppress(ValueError):  # the map is larger than the whole cache
            _kept[hashkey(pk)] = skymap
        yield pk, skymap


def let_old_maps_go() -> None:
    """Free the memory of maps that were kept long enough, even if nobody reads a map."""
    with _lock:
        _kept.expire()


@cached(_kept, lock=_lock)
def _unpacked(localization_id: int) -> SkyMap:
    row = Localization.objects.values_list("packed", flat=True).get(pk=localization_id)
    return unpack(bytes(row))


def _described(fits: bytes) -> dict[str, object]:
    skymap = read_skymap(fits)
    summary = summarize(skymap)
    mean, std, left_out = _distance(summary)
    return {
        "fits": fits,
        "packed": pack(skymap),
        "n_rows": skymap.n,
        "area_50": summary.area_50,
        "area_90": summary.area_90,
        "distance_mean": mean,
        "distance_std": std,
        "left_out": left_out,
        "distance_fraction": distance_probability_fraction(skymap),
        "max_ra": summary.max_ra,
        "max_dec": summary.max_dec,
        "contours": {
            str(level): [
                [[round(float(ra), 3), round(float(dec), 3)] for ra, dec in zip(*line, strict=True)]
                for line in lines
            ]
            for level, lines in contours(skymap, levels=CONTOUR_LEVELS).items()
        },
    }


def _distance(summary: SkyMapSummary) -> tuple[float | None, float | None, list[str]]:
    """Return the map's distance and its error in Mpc, and the reasons for impossible ones.

    A figure that is missing or impossible is None.
    """
    mean, std = summary.distance_mean, summary.distance_std
    if np.isnan(mean):
        return None, None, []
    if not 0 < mean <= FARTHEST_MPC:
        return None, None, [f"the map's distance {mean:g} Mpc (not from 0 to {FARTHEST_MPC:g})"]
    if np.isnan(std) or 0 <= std <= FARTHEST_MPC:
        return mean, None if np.isnan(std) else std, []
    return mean, None, [f"the distance's error {std:g} Mpc (not from 0 to {FARTHEST_MPC:g})"]
