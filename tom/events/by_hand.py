"""Make an event by hand, correct it, retract it: each is a message that is kept as a stream's is.

So the event has the same chain, the same maps and the same retraction as a mission's event. Only
who made an event says more of it.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NoReturn

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from tom.events.brought import MAP_FAULTS
from tom.events.locks import say_alone
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.forms.by_hand import (
    MOST_NAME,
    SENDER,
    TOPIC,
    Circle,
    SaidByHand,
    id_of,
    read_by_hand,
)
from tom.forms.common_names import COMMON_NAMES
from tom.forms.event_names import find_names, key_of
from tom.records.notice import NoticeType
from tom.sky import cone_localization, read_skymap
from tom.streams.models import AlertMessage
from tom.streams.services import Incoming, store_messages

_NAME: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{MOST_NAME}}}")
_COMMON: Final = re.compile("|".join(COMMON_NAMES), re.IGNORECASE)


class CannotMakeEventError(ValueError):
    """A value cannot be used: `field` names it, and the text says why, to a person."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class EventExistsError(ValueError):
    """There is an event of this name already: `event_id`, which may wait to be made."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"There is an event of this name: {event_id}.")
        self.event_id = event_id


class CannotSayError(ValueError):
    """What was said cannot be said now; the text says why, to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a person tells of an event: when it happened, and where.

    Attributes
    ----------
    time
        When it happened, aware.
    circle, fits
        Where it is: a place with its error circle, or the bytes of a FITS sky map.
    why
        What the person adds in words.
    """

    time: datetime
    circle: Circle | None = None
    fits: bytes | None = None
    why: str = ""


def make_event(
    told: Told, *, name: str, kind: str, is_test: bool, by: User, now: datetime
) -> AlertMessage:
    """Keep the message that makes an event; the caller has it worked on.

    Raises
    ------
    CannotMakeEventError
        If a value cannot be used.
    EventExistsError
        If an event has the name.
    """
    also = _name_of_everybody(name)
    _judge(told, now)
    if (told.circle is None) is (told.fits is None):
        _refuse("where", "Give a position with its error, or a map.")
    said = SaidByHand(
        event=id_of(name, is_test=is_test),
        also=f"{also}-test" if also and is_test else also,
        type=NoticeType.INITIAL,
        written=now,
        **_values(told),
        **_whose(by),
        kind=kind,
        is_test=is_test,
    )
    with transaction.atomic():
        say_alone()
        _refuse_known(said)
        return _keep(said)


def correct_event(first: EventSequence, told: Told, *, now: datetime) -> AlertMessage | None:
    """Keep the message that corrects an event; None if it says what the newest says.

    Without a place it leaves the place as it is.

    Raises
    ------
    CannotMakeEventError
        If a value cannot be used.
    CannotSayError
        If it is retracted.
    """
    _judge(told, now)
    with transaction.atomic():
        say_alone()
        newest = _newest(first)
        if newest.type is NoticeType.RETRACTION:
            reason = "It is retracted. Set the retraction aside to use the event again."
            raise CannotSayError(reason)
        said = newest.model_copy(update=_correction(told))
        if said == newest:
            return None
        return _keep(said.model_copy(update={"type": NoticeType.UPDATE, "written": now}))


def retract_event(first: EventSequence, *, why: str, now: datetime) -> AlertMessage | None:
    """Keep the message that retracts an event; None if it is retracted already."""
    with transaction.atomic():
        say_alone()
        newest = _newest(first)
        if newest.type is NoticeType.RETRACTION:
            return None
        said = {"type": NoticeType.RETRACTION, "written": now, "why": why}
        nowhere = {"circle": None, "fits": None}
        return _keep(newest.model_copy(update=said | nowhere))


def made_by(user: User) -> QuerySet[EventSequence]:
    """The messages by which a person made events."""
    return EventSequence.objects.filter(
        sender=SENDER, alert_type=NoticeType.INITIAL, details__by_id=user.pk
    )


def _refuse(field: str, why: str) -> NoReturn:
    raise CannotMakeEventError(field, why)


def _values(told: Told) -> dict[str, object]:
    return {"time": told.time, "circle": told.circle, "fits": told.fits, "why": told.why}


def _correction(told: Told) -> dict[str, object]:
    """What a correction changes: without a place it leaves the place as it is."""
    given = _values(told)
    if told.circle is None and told.fits is None:
        del given["circle"], given["fits"]
    return given


def _whose(by: User) -> dict[str, object]:
    return {"by": by.get_username(), "by_id": by.pk}


def _name_of_everybody(name: str) -> str:
    """The name, if it is one by which everybody calls such an event; else "".

    Raises
    ------
    CannotMakeEventError
        If it is no name, or one that a mission gives its own events.
    """
    if not _NAME.fullmatch(name):
        why = f"A name has 1 to {MOST_NAME} letters, digits, dots, hyphens and underscores."
        _refuse("name", why)
    if _COMMON.fullmatch(name):
        return name
    if find_names(name):
        why = "A mission calls its own events so. Give another name; the two can be joined later."
        _refuse("name", why)
    return ""


def _judge(told: Told, now: datetime) -> None:
    if told.time > now + timedelta(minutes=settings.FUTURE_MINUTES):
        _refuse("time", "The time lies in the future.")
    if told.circle is not None and told.fits is not None:
        _refuse("where", "Give a position or a map, not both.")
    try:
        if told.circle is not None:
            cone_localization(**told.circle.model_dump())
        if told.fits is not None:
            read_skymap(told.fits)
    except MAP_FAULTS as error:
        field = "where" if told.fits is None else "map"
        why = f"It cannot be used: {error}."
        raise CannotMakeEventError(field, why) from error


def _refuse_known(said: SaidByHand) -> None:
    """Raise EventExistsError if an event, or one that waits to be made, has one of the names."""
    names = [said.event, *([said.also] if said.also else [])]
    known = Q(event_id__in=names)
    for name in names:
        known |= Q(names__contains=[key_of(name)])
    found = NonLocalizedEvent.everything.filter(known).values_list("event_id", flat=True).first()
    if found is None and AlertMessage.objects.filter(topic=TOPIC, name=said.event).exists():
        found = said.event
    if found is not None:
        raise EventExistsError(found)


def _newest(first: EventSequence) -> SaidByHand:
    """What the newest of a person's messages of the event says that counts."""
    name = AlertMessage.objects.values_list("name", flat=True).get(pk=first.message_id)
    kept = AlertMessage.objects.filter(topic=TOPIC, name=name, retracted=None)
    aside = EventSequence.objects.exclude(set_aside=None).filter(sender=SENDER)
    message = kept.exclude(pk__in=aside.values("message")).order_by("-pk").first()
    if message is None:
        reason = "Every message of it was set aside. Take one back first."
        raise CannotSayError(reason)
    return read_by_hand(bytes(message.payload or b""))


def _keep(said: SaidByHand) -> AlertMessage:
    kept = store_messages([Incoming(TOPIC, said.write(), name=said.event)])
    return AlertMessage.objects.defer("payload").get(pk=kept.waiting[0])
