"""The pictures of a target's newest stamps, drawn when somebody looks at them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.db.models import Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.forms.registry import survey_of
from tom.kept_queries import AnyOf, Given, kept_query
from tom.sky import Picture, UnreadableStampError, draw_stamp, read_stamp
from tom.streams.packets import SECONDS_LOOKED_AT, PacketGoneError, PacketStoreError
from tom.targets.arrivals import Arrival
from tom.targets.packet_stamps import read_stamps
from tom.targets.programs import Visitor
from tom.targets.stamps import Cutout, CutoutKind, CutoutQuerySet
from tom.targets.visible import Reader, reader_of

ALERTS_DRAWN: Final = 256
"""Alerts whose pictures a process keeps: three take some 20 KB."""
LET_GO: Final = "The packets with the stamps were let go: the settings say how long they are kept."
LOST: Final = "The store of packets does not have the stamps any more, or they cannot be read."
NO_ANSWER: Final = "The store of packets does not answer now. Load the page again later."

# As `AlertMessage.has_bytes` of an arrival's message.
HAS_BYTES = Q(message__payload__isnull=False) | ~Q(message__packet_object="")

Middle = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture, or the reason why there is none; and of when the stamp is."""

    kind: CutoutKind
    time: datetime
    picture: Picture | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a target that one person may see, and why newer ones are missing."""

    drawn: Mapping[str, Drawn] = field(default_factory=dict)
    missing: str = ""


def has_stamps(target: BaseTarget, user: Visitor) -> bool:
    """Whether a target has or had stamps that the user may see."""
    return bool(_any_stamps(reader_of(user), target=target.pk))


@kept_query
def _any_stamps(reader: Reader, *, target: Given) -> QuerySet[Any, Any]:
    told = Arrival.objects.visible_to(reader.user).filter(object__target=target, has_stamps=True)
    kept = Cutout.objects.visible_to(reader.user).filter(target=target)
    return told.values("pk")[:1].union(kept.values("pk")[:1], all=True)


def pictures_of(target: BaseTarget, user: Visitor) -> Pictures:
    """Draw the newest stamps of a target that the user may see.

    They are those in the packet of its newest alert. Where that is gone, they are those that are
    kept in the database, and `missing` says so.
    """
    place = (target.ra or 0.0, target.dec or 0.0)
    kept = list(_kept_for(user).filter(target=target).select_related("program"))
    found = Arrival.objects.visible_to(user).newest_with_stamps([target.pk])
    arrival = max(found, key=lambda row: (row.time, row.pk), default=None)
    if arrival is None or any(row.time >= arrival.time for row in kept):
        return Pictures(_draw_kept(kept, place))
    missing = LET_GO
    try:
        if arrival.message.has_bytes:
            return Pictures(_draw_packet(arrival.pk, place))
    except PacketGoneError:
        missing = LOST
    except PacketStoreError:
        missing = NO_ANSWER
    return Pictures(_draw_kept(kept, place), missing)


def times_of_pictures(
    target_ids: Collection[int], kind: CutoutKind, user: Visitor
) -> dict[int, datetime]:
    """Of when the newest stamp is of each target that has one to be seen by the user.

    A packet may lack the kind: only drawing it tells. One query.
    """
    times: dict[int, datetime] = {}
    for pk, time in _times_of_pictures(kind, reader_of(user), targets=list(target_ids)):
        times[pk] = max(time, times.get(pk, time))
    return times


@kept_query
def _times_of_pictures(kind: CutoutKind, reader: Reader, *, targets: Given) -> QuerySet[Any, Any]:
    kept = Cutout.objects.visible_to(reader.user).filter(AnyOf("target", targets), kind=kind)
    told = Arrival.objects.visible_to(reader.user).newest_with_stamps(targets)
    readable = told.filter(HAS_BYTES).values_list("object__target", "time")
    return readable.union(kept.values_list("target", "time"), all=True)


def _kept_for(user: Visitor) -> CutoutQuerySet:
    return Cutout.objects.visible_to(user).newest()


@lru_cache(maxsize=ALERTS_DRAWN)
def _draw_packet(arrival_id: int, place: tuple[float, float]) -> Mapping[str, Drawn]:
    arrival = Arrival.objects.select_related("message", "object").get(pk=arrival_id)
    stamps = read_stamps([arrival], seconds=SECONDS_LOOKED_AT).get(arrival_id)
    if stamps is None:
        raise PacketGoneError(LOST)
    survey, middle = arrival.object.survey, stamps.middle
    return {
        kind: Drawn(kind, arrival.time, *_draw(stamps.files[kind], survey, middle, place))
        for kind in CutoutKind
        if kind in stamps.files
    }


def _draw_kept(kept: Collection[Cutout], place: tuple[float, float]) -> Mapping[str, Drawn]:
    rows = {row.kind: row for row in kept}
    return {
        kind: Drawn(kind, row.time, *_draw(bytes(row.fits), row.program.survey, row.middle, place))
        for kind in CutoutKind
        if (row := rows.get(kind))
    }


def _draw(
    data: bytes, survey: str, middle: Middle, place: tuple[float, float]
) -> tuple[Picture | None, str]:
    ra, dec = place
    declared = survey_of(survey).orientation
    try:
        stamp = read_stamp(data, ra=ra, dec=dec, declared=declared, middle=middle)
        return draw_stamp(stamp), ""
    except UnreadableStampError as error:
        return None, str(error)
