"""The order of an event's messages, and what they together say of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tom.events.localizations import chosen_localization
from tom.events.models import EventKind, EventLocalization, EventSequence, NonLocalizedEvent
from tom.records.notice import NoticeType

RETRACTION = NoticeType.RETRACTION.value
TYPES = [kind.value for kind in NoticeType]  # messages of one time are sorted in this order
ALL_SET_ASIDE = "every message of it was set aside"
# Who says something: a mission, and the event that it says it of, if that was joined to this one.
Voice = tuple[str, int | None]


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Add to a message's values those of a later one that says something of them."""
    said = {name: value for name, value in new.items() if value not in (None, {}, [], "")}
    both = {
        name: merged(old[name], said[name])
        for name in old.keys() & said.keys()
        if isinstance(old[name], Mapping) and isinstance(said[name], Mapping)
    }
    return {**old, **said, **both}


def renumber(event: NonLocalizedEvent) -> None:
    """Number the chain by the messages' own times; copy the newest message's values to the event.

    A message that a person set aside does not count. A message dated in the future counts only if
    no other message does. A mission that retracts takes back its own messages alone, and of
    several events that were joined those of the event that it names.
    """
    rows = event.sequences.select_related("message").defer("details", "message__payload")
    chain = in_order(rows)
    for number, row in enumerate(chain, start=1):
        row.number = number
    EventSequence.objects.bulk_update(chain, ["number"])
    ruling = ruling_of(chain)
    _weigh_maps(event, ruling)
    event.used = chosen_localization(event)
    telling = EventSequence.objects.filter(pk__in=[row.pk for row in ruling])
    say_newest(event, ruling, dict(telling.values_list("pk", "details__event")))
    others = [reason for reason in event.test_reasons if reason != ALL_SET_ASIDE]
    event.test_reasons = others if ruling else sorted([*others, ALL_SET_ASIDE])
    event.rank_version += 1
    event.save()


def in_order(rows: Iterable[EventSequence]) -> list[EventSequence]:
    """Sort messages by their own times; those of one time always have the same order."""
    return sorted(
        rows, key=lambda row: (row.time_created, TYPES.index(row.alert_type), row.message.sha256)
    )


def ruling_of(chain: Sequence[EventSequence]) -> list[EventSequence]:
    """Return the messages, in order, that say together what is known of their event."""
    counting = [row for row in chain if row.set_aside is None]
    timely = [row for row in counting if not row.is_early] or counting
    withdrawn = _withdrawn(timely)
    return [row for row in timely if _voice(row) not in withdrawn]


def maps_told(uses: Iterable[EventLocalization], ruling: Sequence[EventSequence]) -> set[int]:
    """Return the keys of those maps of an event that these messages brought."""
    told = {(_voice(row), row.time_created) for row in ruling}
    return {use.pk for use in uses if ((use.sender, use.origin_id), use.time) in told}


def say_newest(
    event: NonLocalizedEvent, ruling: Sequence[EventSequence], details: Mapping[int, Any]
) -> None:
    """Give an event the values that its messages say; it is not stored.

    Parameters
    ----------
    ruling
        The messages that count, in order.
    details
        By the key of a message, what it says of the event.
    """
    newest = ruling[-1] if ruling else None
    event.alert_type = newest.alert_type if newest else ""
    event.time_created = newest.time_created if newest else None
    event.retracted = newest is not None and newest.alert_type == RETRACTION
    _describe(event, [details[row.pk] for row in ruling if row.alert_type != RETRACTION])


def _voice(row: EventSequence) -> Voice:
    return row.sender, row.origin_id


def _withdrawn(counting: Sequence[EventSequence]) -> set[Voice]:
    """Name the missions whose newest message is a retraction, unless all of them retract.

    A mission takes back what it said itself of an event, and no other mission's word.
    """
    newest = {_voice(row): row for row in counting}
    withdrawn = {name for name, row in newest.items() if row.alert_type == RETRACTION}
    return withdrawn if len(withdrawn) < len(newest) else set()


def _weigh_maps(event: NonLocalizedEvent, ruling: Sequence[EventSequence]) -> None:
    """Set aside the maps of messages that do not count; use the maps of those that count."""
    uses = list(event.localizations.only("sender", "origin", "time", "set_aside"))
    told = maps_told(uses, ruling)
    changed: dict[bool, list[int]] = {True: [], False: []}
    for use in uses:
        if use.set_aside is (use.pk in told):
            changed[not use.set_aside].append(use.pk)
    for aside, pks in changed.items():
        if pks:
            event.localizations.filter(pk__in=pks).update(set_aside=aside)


def _describe(event: NonLocalizedEvent, telling: Iterable[Mapping[str, Any] | None]) -> None:
    """Copy each value to the event from the newest of these messages that gives one.

    What a message tells of another kind of event is not said of this one: the classes and the rate
    of a burst are not those of the merger that it came with. They are if no other message counts.
    """
    listed = [told or {} for told in telling]
    kinds = (None, EventKind.UNKNOWN, event.kind)
    own = [told for told in listed if told.get("kind") in kinds]
    said: dict[str, Any] = {}
    for told in own or listed:
        said |= {name: value for name, value in told.items() if value not in (None, {}, [])}
    if "time" in said:
        event.time = datetime.fromisoformat(said["time"])
    event.significant = said.get("significant")
    event.far = said.get("far")
    event.classification = said.get("classification", {})
    event.properties = said.get("properties", {})
