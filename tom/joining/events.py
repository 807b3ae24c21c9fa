"""Join two events that are one physical event, take them apart, or take a mission's messages out.

Each runs in one transaction. A joined event keeps its row, its rankings and its candidates, and is
hidden; its messages and maps go to the event that is kept, and know where they came from. So a
retraction takes back what was said of the event that it names, and nothing else.
"""

from collections.abc import Collection, Iterable, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.chain import renumber
from tom.events.joins import EventJoin
from tom.events.locks import change_events
from tom.events.models import (
    Circular,
    EventKind,
    EventLocalization,
    EventSequence,
    NonLocalizedEvent,
)
from tom.events.naming import were_parted
from tom.forms.event_names import key_of
from tom.forms.registry import forms
from tom.joining.event_words import give_back_words, move_words
from tom.records import Notice
from tom.streams.models import AlertMessage


class CannotJoinEventsError(ValueError):
    """These events cannot be joined, or taken apart; the text says why, to a person."""


def join_events(one: NonLocalizedEvent, two: NonLocalizedEvent, *, by: User | None) -> EventJoin:
    """Make two events one: the gravitational wave is kept, else the one that we heard of first.

    A mission's is kept rather than one that a person made by hand. The caller then does what a
    changed chain calls for. `by` None: a message names both, or they agree in time and place.

    Raises
    ------
    CannotJoinEventsError
        If they are one already, or one is a test and the other is not.
    """
    with transaction.atomic():
        change_events()
        kept, other = _in_order(_locked([one.pk, two.pk]))
        join = EventJoin.objects.create(kept=kept, other=other, by=by, names=kept.names)
        for model in (EventSequence, EventLocalization):
            rows = model.objects.filter(event=other)
            rows.update(event=kept, origin=Coalesce(F("origin_id"), Value(other.pk)))
        Circular.objects.filter(event=other).update(event=kept)
        kept.names = sorted({*kept.names, *other.names, key_of(other.event_id)})
        kept.match_due = True
        was, kept.kind = kept.kind, _known_kind(kept, other)
        renumber(kept)
        _hide(other, kept)
        join.moved = {**move_words(other, kept), "kind": [was]}
        join.save(update_fields=["moved"])
        _tell(kept, other)
    return join


def join_if_named(
    event: NonLocalizedEvent, others: Iterable[NonLocalizedEvent]
) -> NonLocalizedEvent | None:
    """Join an event with others that a message names as well; return the one kept, if any was.

    A test is never joined with a live event, nor one that is retracted, nor two that were taken
    apart.
    """
    kept = None
    for other in others:
        is_alike = bool(event.test_reasons) is bool(other.test_reasons)
        is_retracted = event.retracted or other.retracted
        if is_alike and not is_retracted and not were_parted(event, other):
            kept = event = join_events(event, other, by=None).kept
    return kept


def part_events(join: EventJoin, *, by: User | None) -> EventJoin:
    """Take two joined events apart: what was said of each goes back to it, newer messages too.

    `by` None: one of them was taken back by its own mission.

    Raises
    ------
    CannotJoinEventsError
        If they were taken apart already, or the kept event was itself joined to another one.
    """
    with transaction.atomic():
        change_events()
        join = EventJoin.objects.select_for_update(of=("self",)).get(pk=join.pk)
        kept, other = (_locked_one(pk) for pk in (join.kept_id, join.other_id))
        if join.parted is not None or other.joined_to_id != kept.pk:
            reason = "These two were taken apart already."
            raise CannotJoinEventsError(reason)
        if kept.joined_to_id is not None:
            reason = f"{kept.event_id} was joined to another event: take those apart first."
            raise CannotJoinEventsError(reason)
        _give_back_chain(kept, other)
        kept.names = sorted({*kept.names} - {*other.names} | {*join.names})
        kept.kind = next(iter(join.moved.get("kind", [])), kept.kind)
        other.joined_to = None
        give_back_words(join.moved, other)
        _set_apart(join, kept, other, by=by)
    return join


def split_mission(sequence: EventSequence, *, by: User | None) -> EventJoin:
    """Take what a message's mission said out of its event: it becomes an event of its own.

    If it came with an event that was joined, those two are taken apart.

    Raises
    ------
    CannotJoinEventsError
        If nothing else would be left, or the event is called after these messages.
    """
    with transaction.atomic():
        change_events()
        sequence = EventSequence.objects.get(pk=sequence.pk)
        if sequence.origin_id is not None:
            return part_events(_join_of(sequence), by=by)
        event = _locked_one(sequence.event_id)
        mine = Q(sender=sequence.sender, origin=None)
        names, kind = _names_of(event.sequences.filter(mine))
        left, _ = _names_of(event.sequences.exclude(mine))
        own = {key_of(name): name for name in names if key_of(name) not in set(map(key_of, left))}
        _check_split(event, own, rest=event.sequences.exclude(mine).exists())
        other = _new_event(event, list(own.values()), sender=sequence.sender, kind=kind)
        join = EventJoin.objects.create(kept=event, other=other, by=by, names=event.names)
        for rows in (event.sequences.filter(mine), event.localizations.filter(mine)):
            rows.update(event=other)
        event.names = sorted({*event.names} - {*other.names})
        _set_apart(join, event, other, by=by)
    return join


def _locked(pks: Collection[int]) -> list[NonLocalizedEvent]:
    rows = NonLocalizedEvent.everything.select_for_update(of=("self",)).filter(pk__in=pks)
    return list(rows.order_by("pk"))


def _locked_one(pk: int) -> NonLocalizedEvent:
    return NonLocalizedEvent.everything.select_for_update(of=("self",)).get(pk=pk)


def check_join(rows: Sequence[NonLocalizedEvent]) -> None:
    """Refuse what is one event already, and a test with a live event.

    Raises
    ------
    CannotJoinEventsError
        If these two cannot be joined.
    """
    if len(rows) < 2 or any(row.joined_to_id is not None for row in rows):
        reason = "They are one event already, or one of them was joined to another event."
        raise CannotJoinEventsError(reason)
    if bool(rows[0].test_reasons) is not bool(rows[1].test_reasons):
        reason = "One of them is a test, and the other is not."
        raise CannotJoinEventsError(reason)


def _in_order(rows: list[NonLocalizedEvent]) -> tuple[NonLocalizedEvent, NonLocalizedEvent]:
    """Which of two events is kept, and which is joined to it."""
    check_join(rows)
    # One that a person made by hand goes to that of a mission.
    kept, other = sorted(rows, key=lambda row: (row.is_by_hand, row.kind != EventKind.GW, row.pk))
    return kept, other


def _known_kind(kept: NonLocalizedEvent, other: NonLocalizedEvent) -> str:
    return other.kind if kept.kind == EventKind.UNKNOWN else kept.kind


def _hide(other: NonLocalizedEvent, kept: NonLocalizedEvent) -> None:
    other.joined_to, other.used = kept, None
    other.ranked_version = other.rank_version
    other.save(update_fields=["joined_to", "used", "ranked_version"])


def _give_back_chain(kept: NonLocalizedEvent, other: NonLocalizedEvent) -> None:
    """Move back what was said of the other event, and of those that were joined to it before."""
    family = [other.pk]
    for pk in family:
        rows = NonLocalizedEvent.everything.filter(joined_to=pk).exclude(pk__in=family)
        family += rows.values_list("pk", flat=True)
    own = Case(When(origin=other.pk, then=None), default=F("origin_id"))
    for model in (EventSequence, EventLocalization):
        model.objects.filter(event=kept, origin__in=family).update(event=other, origin=own)
    if kept.pinned_id is not None and kept.pinned and kept.pinned.event_id != kept.pk:
        kept.pinned = None


def _set_apart(
    join: EventJoin, kept: NonLocalizedEvent, other: NonLocalizedEvent, *, by: User | None
) -> None:
    """Settle both chains, and give each circular to the event that it names."""
    theirs, ours = set(other.names), set(kept.names)
    for pk, names in kept.circulars.values_list("pk", "names"):
        if theirs.intersection(names) and not ours.intersection(names):
            Circular.objects.filter(pk=pk).update(event=other)
    join.parted, join.parted_by = timezone.now(), by
    join.save(update_fields=["parted", "parted_by"])
    for event in (kept, other):
        event.match_due = True
        renumber(event)
    _tell(kept, other)


def _tell(*events: NonLocalizedEvent) -> None:
    for event in events:
        publish(Topic.EVENT, event.event_id)


def _join_of(sequence: EventSequence) -> EventJoin:
    """The join by which a message came to its event."""
    event = NonLocalizedEvent.everything.get(joined_to__isnull=False, pk=sequence.origin_id or 0)
    while event.joined_to_id != sequence.event_id and event.joined_to is not None:
        event = event.joined_to
    return EventJoin.objects.get(other=event, kept=sequence.event_id, parted=None)


def _names_of(rows: Iterable[EventSequence]) -> tuple[list[str], str]:
    """The names that messages give their event, and what kind they say that it is."""
    names: dict[str, None] = {}
    kind = EventKind.UNKNOWN.value
    for row in rows:
        notice = _read(row.message)
        if notice is not None:
            names |= dict.fromkeys(notice.names)
            kind = notice.kind
    return list(names), kind


def _read(message: AlertMessage) -> Notice | None:
    """What a message says; None where its bytes are gone, or no parser reads them any more."""
    form = forms().get(message.kind)
    if form is None or form.parse is None or not message.payload:
        return None
    try:
        said = form.parse(bytes(message.payload))
    except ValueError:
        return None
    return said if isinstance(said, Notice) else None


def _check_split(event: NonLocalizedEvent, own: Collection[str], *, rest: bool) -> None:
    if not rest:
        reason = "Nothing else is said of this event: no message would be left."
        raise CannotJoinEventsError(reason)
    if key_of(event.event_id) in own:
        reason = "The event is called after these messages: take the other mission's out of it."
        raise CannotJoinEventsError(reason)


def _new_event(
    event: NonLocalizedEvent, names: list[str], *, sender: str, kind: str
) -> NonLocalizedEvent:
    """Make the event of messages that are taken out; without names of theirs, by the mission."""
    wanted = [*names, f"{event.event_id}-{''.join(sender.split())}"[:64]]
    taken = set(
        NonLocalizedEvent.everything.filter(event_id__in=wanted).values_list("event_id", flat=True)
    )
    free = next((name for name in wanted if name not in taken), None)
    if free is None:
        reason = "Each name that these messages give is the name of another event."
        raise CannotJoinEventsError(reason)
    keys = sorted({*map(key_of, names), key_of(free)})
    made: NonLocalizedEvent = NonLocalizedEvent.objects.create(
        event_id=free, kind=EventKind(kind), names=keys
    )
    return made
