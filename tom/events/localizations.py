"""Store each sky map once, by its hash, with what pages and matching need in addition."""

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
from tom.records.notice import NoticeMap, Position, Product
from tom.sky import (
    SkyMap,
    SkyMapSummary,
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
# Beyond every source of light.
FARTHEST_MPC = 20_000.0
# A worker meets the same few maps again and again. Most take a megabyte; the largest that is read
# takes BYTES_KEPT alone. One that was kept for SECONDS_KEPT is let go.
BYTES_KEPT = 256_000_000
SECONDS_KEPT = 600
# What of a localization and its event tells which map holds when.
CHOICE = (
    *("sender", "author", "product", "time", "set_aside"),
    *("localization__sha256", "localization__area_90"),
    *("event__kind", "event__time", "event__retracted", "event__test_reasons", "event__pinned"),
)
# A localization of an event, and until when it held; None: it holds now.
Turn = tuple["EventLocalization", datetime | None]
# A row's columns with what is computed from them once: seven of 8 bytes, and its level.
BYTES_OF_A_ROW = 80
_lock = Lock()
_kept: "TTLCache[Hashable, SkyMap]" = TTLCache(
    BYTES_KEPT, SECONDS_KEPT, getsizeof=lambda skymap: skymap.n * BYTES_OF_A_ROW
)


def keep_map(fits: bytes) -> Localization:
    """Store a map, once however often it is sent.

    Raises
    ------
    MalformedSkyMapError
        If the bytes are not a sky map that can be used.
    """
    sha256 = hashlib.sha256(fits).hexdigest()
    known = Localization.objects.filter(sha256=sha256).defer("fits", "packed").first()
    if known is not None:
        return known
    localization, _ = Localization.objects.get_or_create(sha256=sha256, defaults=_described(fits))
    return localization


def draw_position(position: Position) -> NoticeMap:
    """Make the map of an error circle; the same circle makes the same bytes.

    Raises
    ------
    ValueError
        If there is no such circle.
    """
    skymap = cone_localization(
        ra=position.ra,
        dec=position.dec,
        radius_deg=position.radius_deg,
        containment=position.containment,
        systematic=position.systematic or NO_SYSTEMATIC,
    )
    return NoticeMap(product=Product.SKYMAP, author=position.author, fits=write_skymap(skymap))


def note_localization(
    event: NonLocalizedEvent,
    localization: Localization,
    *,
    sender: str,
    author: str,
    product: str,
    time: datetime,
) -> EventLocalization:
    """Store, once, that the map localizes this event."""
    use, _ = EventLocalization.objects.get_or_create(
        event=event,
        localization=localization,
        product=product,
        time=time,
        defaults={"author": author, "sender": sender},
    )
    return use


def chosen_localization(event: NonLocalizedEvent) -> EventLocalization | None:
    """The localization the event uses; one query."""
    return choose_localization(event, _uses_of(event))


def maps_in_turn(event: NonLocalizedEvent) -> list[Turn]:
    """The localization the event uses, then its earlier maps, each with the time of the next.

    By its own time each earlier map held until then, whatever came when.
    """
    return _in_turn(event, list(_uses_of(event)))


def maps_of(events: QuerySet[NonLocalizedEvent]) -> list[tuple[NonLocalizedEvent, list[Turn]]]:
    """Each of these events that has a map, with its maps in turn; one query for all."""
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
    """By time; of two at one time, the same one always counts as the newer."""
    return use.time, use.author, use.localization.sha256


def _by_area(use: EventLocalization) -> tuple[float, str]:
    return use.localization.area_90, use.sender


def choose_localization(
    event: NonLocalizedEvent, uses: Iterable[EventLocalization]
) -> EventLocalization | None:
    """Among the event's, the pinned one, else the best of its own sky maps not set aside.

    Of each mission the newest counts, and of these the one with the smallest 90% region. A
    coincidence's combined map is used once a person has accepted it by pinning it.
    """
    if event.pinned_id is not None:
        return next((use for use in uses if use.pk == event.pinned_id), None)
    newest = {use.sender: use for use in sorted(_own(uses), key=_by_time)}
    return min(newest.values(), key=_by_area, default=None)


def missions_with_maps(uses: Iterable[EventLocalization]) -> list[str]:
    """Whose maps compete to be the event's: of several the smallest counts, not the newest."""
    return sorted({use.sender for use in _own(uses)})


def skymap_of(localization_id: int) -> SkyMap:
    """The parsed map of a stored localization, kept in memory for a while."""
    return _unpacked(localization_id)


def skymaps_of(localization_ids: Iterable[int]) -> Iterator[tuple[int, SkyMap]]:
    """Several parsed maps, one after the other; those not in memory are read by one query.

    Not all of them need be in memory at once: let each one go before the next.
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
        with _lock, suppress(ValueError):  # larger than all that is kept
            _kept[hashkey(pk)] = skymap
        yield pk, skymap


def let_old_maps_go() -> None:
    """Free the memory of maps that were kept long enough, also while nobody reads a map."""
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
    """The map's distance and its error; None, and named, where they cannot be."""
    mean, std = summary.distance_mean, summary.distance_std
    if np.isnan(mean):
        return None, None, []
    if not 0 < mean <= FARTHEST_MPC:
        return None, None, [f"the map's distance {mean:g} Mpc (not from 0 to {FARTHEST_MPC:g})"]
    if np.isnan(std) or 0 <= std <= FARTHEST_MPC:
        return mean, None if np.isnan(std) else std, []
    return mean, None, [f"the distance's error {std:g} Mpc (not from 0 to {FARTHEST_MPC:g})"]
