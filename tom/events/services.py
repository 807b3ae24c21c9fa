"""Record the messages of an event's chain; they may come in any order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.brought import Maps, keep_maps
from tom.events.chain import merged, renumber
from tom.events.localizations import chosen_localization, note_localization
from tom.events.locks import change_events
from tom.events.models import EventKind, EventLocalization, EventSequence, NonLocalizedEvent
from tom.events.naming import Named, find_named
from tom.forms.topics import is_test_topic
from tom.records.notice import Notice, Product
from tom.streams.models import AlertMessage


@dataclass(frozen=True, slots=True)
class Recorded:
    """The event that a message belongs to, whether it was new, and its values left out.

    `others` are other events that the message names, too.
    """

    event: NonLocalizedEvent
    is_new: bool
    left_out: tuple[str, ...]
    others: tuple[NonLocalizedEvent, ...] = ()


def record_notice(message: AlertMessage, notice: Notice, *, with_maps: bool = True) -> Recorded:
    """Add a notice to its event's chain.

    Two notices of one mission, event, type and time are one message of the chain. If the second
    brings another map or says more, both are kept; of two values, the one that came later. The
    event gets the values of the newest message by the message's own time. So an older message that
    comes late never revives a retracted event. Nothing is deleted. Until the caller's transaction
    ends, no other event changes and no target is matched. A map that cannot be read is left out.
    If `with_maps` is false, every map is left out: reading them ended the worker before.
    """
    with transaction.atomic():
        maps = keep_maps(notice, with_maps=with_maps)  # before the lock: it takes seconds
        change_events()
        named = find_named(message, notice)
        event = named.event
        if event.kind == EventKind.UNKNOWN and notice.names:
            event.kind = EventKind(notice.kind)
        known = set(event.localizations.values_list("pk", flat=True))
        localization = _localize(named, notice, maps)
        left_out = (*notice.left_out, *maps.faults, *_early_event(notice), *_away(event, notice))
        sequence, created = EventSequence.objects.get_or_create(
            event=event,
            origin=named.origin,
            sender=notice.sender,
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
        added = set(event.localizations.values_list("pk", flat=True)) != known
        if not created:
            said = merged(sequence.details, _details(notice))
            if not added and said == sequence.details:
                return Recorded(event, is_new=False, left_out=left_out, others=named.others)
            _complete(sequence, said, localization, left_out)
        _note_tests(event, _test_reasons(message, notice))
        renumber(event)
        publish(Topic.EVENT, event.event_id)
    return Recorded(event, is_new=True, left_out=left_out, others=named.others)


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
        renumber(event)
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


def _is_early(message: AlertMessage, notice: Notice) -> bool:
    """Whether a message's date is so long after its receipt that the date must be wrong."""
    return notice.time - message.received > _tolerance()


def _early_event(notice: Notice) -> list[str]:
    """Return the time of an event, as a text, if it is after its own message; else []."""
    time = notice.event_time
    if time is None or time - notice.time <= _tolerance():
        return []
    return [f"event.time {time:%Y-%m-%d %H:%M:%S} (after the message itself)"]


def _away(event: NonLocalizedEvent, notice: Notice) -> list[str]:
    """Say which maps only their addresses came of; no address is opened."""
    if not notice.addresses:
        return []
    same = event.localizations.filter(sender=notice.sender, time=notice.time)
    known = set(same.values_list("product", flat=True))
    return [
        f"{name} (only its address came, and no address is opened: {url[:200]})"
        for name, url in notice.addresses.items()
        if name not in known
    ]


def _tolerance() -> timedelta:
    return timedelta(minutes=settings.FUTURE_MINUTES)


def _details(notice: Notice) -> dict[str, Any]:
    """Return a message's values, without its maps.

    The key `event` has what it says of the event, with the kind of event that it tells of.
    """
    if notice.is_retraction:
        return {**notice.facts}
    time = notice.event_time
    said = {
        "kind": notice.kind,
        "time": time.isoformat() if time and not _early_event(notice) else None,
        "significant": notice.significant,
        "far": notice.far,
        "classification": {**notice.classification},
        "properties": {**notice.properties},
        "instruments": list(notice.instruments),
    }
    return {**notice.facts, "event": {**(notice.facts.get("event") or {}), **said}}


def _complete(
    sequence: EventSequence,
    details: dict[str, Any],
    localization: EventLocalization | None,
    left_out: Sequence[str],
) -> None:
    """Add what a second message says to the one of the chain; a map if that had none."""
    sequence.details = details
    sequence.localization = sequence.localization or localization
    sequence.left_out = list(left_out)
    sequence.save(update_fields=["details", "localization", "left_out"])


def _localize(named: Named, notice: Notice, maps: Maps) -> EventLocalization | None:
    uses = {
        brought.product: note_localization(
            named.event,
            localization,
            origin=named.origin,
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
