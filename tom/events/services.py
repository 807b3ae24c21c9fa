"""Record the messages of an event's chain; they may come in any order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.brought import Maps, keep_maps
from tom.events.circulars import link_circulars
from tom.events.localizations import chosen_localization, note_localization
from tom.events.locks import change_events
from tom.events.models import (
    EventKind,
    EventLocalization,
    EventSequence,
    NonLocalizedEvent,
)
from tom.forms.event_names import key_of
from tom.forms.topics import is_test_topic
from tom.records.notice import Notice, NoticeType, Product
from tom.streams.models import AlertMessage

RETRACTION = NoticeType.RETRACTION.value
TYPES = [kind.value for kind in NoticeType]  # messages of one time are sorted in this order
ALL_SET_ASIDE = "every message of it was set aside"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The event that a message belongs to, whether it was new, and its values left out."""

    event: NonLocalizedEvent
    is_new: bool
    left_out: tuple[str, ...]


def record_notice(message: AlertMessage, notice: Notice, *, with_maps: bool = True) -> Recorded:
    """Add a notice to its event's chain.

    Two notices of one event, type and time are the same, unless the second brings another map. The
    event gets the values of the newest message by the message's own time. So an older message that
    comes late never revives a retracted event. Nothing is deleted. Until the caller's transaction
    ends, no other event changes and no target is matched. A map that cannot be read is left out.
    If `with_maps` is false, every map is left out: reading them ended the worker before.
    """
    with transaction.atomic():
        maps = keep_maps(notice, with_maps=with_maps)  # before the lock: it takes seconds
        change_events()
        event = _locked_event(message, notice)
        left_out = (*notice.left_out, *maps.faults, *_early_event(notice))
        known = set(event.localizations.values_list("pk", flat=True))
        localization = _localize(event, notice, maps)
        sequence, created = EventSequence.objects.get_or_create(
            event=event,
            alert_type=notice.type,
            time_created=notice.time,
            defaults={
                "message": message,
                "localization": localization,
                "details": _details(notice),
                "left_out": left_out,
                "is_early": _is_early(message, notice),
            },
        )
        if not created and set(event.localizations.values_list("pk", flat=True)) == known:
            return Recorded(event, is_new=False, left_out=left_out)
        if not created:
            _complete(sequence, localization, left_out)
        _note_tests(event, _test_reasons(message, notice))
        _renumber(event)
        publish(Topic.EVENT, event.event_id)
    return Recorded(event, is_new=True, left_out=left_out)


def set_aside(sequence: EventSequence, by: User) -> NonLocalizedEvent:
    """Make an event ignore one message; its values then come from its other messages."""
    return _set_aside(sequence, set_aside=timezone.now(), set_aside_by=by)


def take_back(sequence: EventSequence) -> NonLocalizedEvent:
    """Make an event use a message again that was set aside."""
    return _set_aside(sequence, set_aside=None, set_aside_by=None)


def _set_aside(sequence: EventSequence, **values: object) -> NonLocalizedEvent:
    with transaction.atomic():
        change_events()
        event = NonLocalizedEvent.objects.select_for_update().get(pk=sequence.event_id)
        event.sequences.filter(pk=sequence.pk).update(**values)
        event.match_due = True
        _renumber(event)
        publish(Topic.EVENT, event.event_id)
    return event


def pin_localization(event: NonLocalizedEvent, use: EventLocalization | None) -> None:
    """Use this localization for the event until it is unpinned; None: choose the best map again.

    The next ranking matches the candidates again. The caller wakes it.
    """
    with transaction.atomic():
        event.pinned = use
        NonLocalizedEvent.objects.filter(pk=event.pk).update(
            pinned=use,
            used=chosen_localization(event),
            match_due=True,
            rank_version=F("rank_version") + 1,
        )
        publish(Topic.EVENT, event.event_id)


def note_changes(event_ids: Iterable[int]) -> None:
    """Make events due for ranking, in the caller's transaction.

    The rows are locked in one order, so that no two writers wait for each other.
    """
    events = NonLocalizedEvent.objects.filter(pk__in=list(event_ids))
    locked = events.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True)
    events.filter(pk__in=list(locked)).update(rank_version=F("rank_version") + 1)


def _locked_event(message: AlertMessage, notice: Notice) -> NonLocalizedEvent:
    """Find the event by any of the notice's names, or make it; lock it; add the other names."""
    # An event without a name stays unidentified. Its message names it. It is never merged by guess.
    names = notice.names or (f"unidentified-{message.sha256[:12]}",)
    found = _find_event(names)
    if found is None:
        kind = EventKind(notice.kind) if notice.names else EventKind.UNKNOWN
        found = NonLocalizedEvent.objects.create(event_id=names[0], kind=kind)
    event = NonLocalizedEvent.objects.select_for_update().get(pk=found.pk)
    learnt = sorted({*event.names, *map(key_of, names)})
    if learnt != event.names:
        event.names = learnt
        event.save(update_fields=["names"])
        link_circulars(event)
    return event


def _find_event(names: Sequence[str]) -> NonLocalizedEvent | None:
    rows = NonLocalizedEvent.objects.order_by("pk")
    known = Q(event_id__in=names)
    for name in names:
        known |= Q(names__contains=[key_of(name)])
    return rows.filter(event_id=names[0]).first() or rows.filter(known).first()


def _is_early(message: AlertMessage, notice: Notice) -> bool:
    """Whether a message's date is so long after its receipt that the date must be wrong."""
    return notice.time - message.received > _tolerance()


def _early_event(notice: Notice) -> list[str]:
    """Return the time of an event, as a text, if it is after its own message; else []."""
    time = notice.event_time
    if time is None or time - notice.time <= _tolerance():
        return []
    return [f"event.time {time:%Y-%m-%d %H:%M:%S} (after the message itself)"]


def _tolerance() -> timedelta:
    return timedelta(minutes=settings.FUTURE_MINUTES)


def _details(notice: Notice) -> dict[str, Any]:
    """Return a message's values, without its maps; the key `event` has its values of the event."""
    if notice.is_retraction:
        return {**notice.facts}
    time = notice.event_time
    said = {
        "time": time.isoformat() if time and not _early_event(notice) else None,
        "significant": notice.significant,
        "far": notice.far,
        "classification": {**notice.classification},
        "properties": {**notice.properties},
        "instruments": list(notice.instruments),
    }
    return {**notice.facts, "event": {**(notice.facts.get("event") or {}), **said}}


def _complete(
    sequence: EventSequence, localization: EventLocalization | None, left_out: Sequence[str]
) -> None:
    """Add a map to a message of the chain that had none."""
    sequence.localization = sequence.localization or localization
    sequence.left_out = list(left_out)
    sequence.save(update_fields=["localization", "left_out"])


def _localize(event: NonLocalizedEvent, notice: Notice, maps: Maps) -> EventLocalization | None:
    uses = {
        brought.product: note_localization(
            event,
            localization,
            sender=notice.sender,
            author=brought.author,
            product=brought.product,
            time=notice.time,
        )
        for brought, localization in maps.kept
    }
    return uses.get(Product.SKYMAP)


def _test_reasons(message: AlertMessage, notice: Notice) -> list[str]:
    topic = [f"the topic is {message.topic}"] if is_test_topic(message.topic) else []
    return [*notice.test_reasons, *topic]


def _note_tests(event: NonLocalizedEvent, reasons: Sequence[str]) -> None:
    event.test_reasons = sorted({*event.test_reasons, *reasons})


def _renumber(event: NonLocalizedEvent) -> None:
    """Number the chain by the messages' own times; copy the newest message's values to the event.

    A message that a person set aside does not count. A message dated in the future counts only if
    no other message does.
    """
    chain = sorted(
        event.sequences.select_related("message").defer("details", "message__payload"),
        key=lambda row: (row.time_created, TYPES.index(row.alert_type), row.message.sha256),
    )
    for number, row in enumerate(chain, start=1):
        row.number = number
    EventSequence.objects.bulk_update(chain, ["number"])
    counting = [row for row in chain if row.set_aside is None]
    ruling = [row for row in counting if not row.is_early] or counting
    _weigh_maps(event, chain, ruling)
    event.used = chosen_localization(event)
    _say_newest(event, ruling)
    others = [reason for reason in event.test_reasons if reason != ALL_SET_ASIDE]
    event.test_reasons = others if ruling else sorted([*others, ALL_SET_ASIDE])
    event.rank_version += 1
    event.save()


def _weigh_maps(
    event: NonLocalizedEvent, chain: Sequence[EventSequence], ruling: Sequence[EventSequence]
) -> None:
    """Set aside the maps of messages that do not count; use the maps of those that count."""
    times = {row.time_created for row in ruling}
    others = {row.time_created for row in chain} - times
    event.localizations.filter(time__in=times, set_aside=True).update(set_aside=False)
    if others:
        event.localizations.filter(time__in=others).update(set_aside=True)


def _say_newest(event: NonLocalizedEvent, ruling: Sequence[EventSequence]) -> None:
    newest = ruling[-1] if ruling else None
    event.alert_type = newest.alert_type if newest else ""
    event.time_created = newest.time_created if newest else None
    event.retracted = newest is not None and newest.alert_type == RETRACTION
    _describe(event, [row.pk for row in ruling if row.alert_type != RETRACTION])


def _describe(event: NonLocalizedEvent, telling: Sequence[int]) -> None:
    """Copy each value to the event from the newest of these messages that gives one."""
    rows = EventSequence.objects.filter(pk__in=telling).values_list("pk", "details__event")
    of_each = dict(rows)
    said: dict[str, Any] = {}
    for pk in telling:
        told = of_each[pk] or {}
        said |= {name: value for name, value in told.items() if value not in (None, {}, [])}
    if "time" in said:
        event.time = datetime.fromisoformat(said["time"])
    event.significant = said.get("significant")
    event.far = said.get("far")
    event.classification = said.get("classification", {})
    event.properties = said.get("properties", {})
