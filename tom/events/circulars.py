"""Store GCN Circulars and their versions, each with the event that it is about."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.locks import hold_events
from tom.events.models import Circular, CircularVersion, NonLocalizedEvent
from tom.forms.circular import NO_VERSION, parse_circular
from tom.forms.circular_says import LONGEST_TEXT, taken_back
from tom.forms.event_names import find_namings, key_of, names_of_circular
from tom.records import Text
from tom.streams.models import AlertMessage

# A circular that is dated later than this after its receipt has an impossible date.
LATEST_AFTER_RECEIVED = timedelta(days=1)


def record_circular(message: AlertMessage, circular: Text) -> bool:
    """Store a new version of a circular; return whether the version was new.

    A circular is stored once, even if several topics and brokers send it. Its newest version is
    shown. A circular whose date is missing or impossible gets the time when it came. A text
    without a number is not a circular.
    """
    if circular.circular_id is None:
        return False
    names = names_of_circular(circular.event_id or "", circular.subject, circular.body)
    with transaction.atomic():
        hold_events()  # else the circular misses an event that is being stored
        event = _find_event(names)
        values = {
            "version": circular.version,
            "subject": circular.subject,
            "submitter": circular.submitter or "",
            "body": circular.body,
            "takes_back": taken_back(circular.subject, circular.body),
            "created_on": _created_on(message, circular),
            "event_name": circular.event_id or "",
            "names": names,
            "event": event,
            "message": message,
        }
        row, created = Circular.objects.select_for_update().get_or_create(
            circular_id=circular.circular_id, defaults=values
        )
        if not created and not _is_new(row, circular):
            return False
        CircularVersion.objects.create(circular=row, version=circular.version, message=message)
        if not created and circular.version < row.version:
            return True  # an older version that comes late
        Circular.objects.filter(pk=row.pk).update(**values)
        if event is not None:
            _learn_names(event, [circular.body])
        for named in {row.event, event}:  # an edit may name another event
            if named is not None:
                publish(Topic.EVENT, named.event_id)
    return True


def _is_new(row: Circular, circular: Text) -> bool:
    """Whether a version is not stored yet.

    A circular without a version number is compared by its text. It is not new if a version with a
    number came before.
    """
    if circular.version != NO_VERSION:
        return not row.versions.filter(version=circular.version).exists()
    is_same = (row.subject, row.body.strip()) == (circular.subject, circular.body.strip())
    return row.version == NO_VERSION and not is_same


def read_version(version: CircularVersion) -> Text:
    """Return the text of a version, from the message that brought it."""
    return parse_circular(bytes(version.message.payload or b""))


def link_circulars(event: NonLocalizedEvent) -> None:
    """Link an event to the circulars without an event that have one of its names."""
    waiting = Circular.objects.filter(_naming({key_of(event.event_id), *event.names}), event=None)
    found = dict(waiting.values_list("pk", "body"))
    Circular.objects.filter(pk__in=found).update(event=event)
    _learn_names(event, found.values())


def _learn_names(event: NonLocalizedEvent, bodies: Iterable[str]) -> None:
    """Add the names that the event's mission gives it in its circulars, if no other event has them.

    Circulars of others, which say that name alone, are linked by it.
    """
    told = {name: own for body in bodies for name, own in find_namings(body[:LONGEST_TEXT])}
    row = NonLocalizedEvent.objects.select_for_update().get(pk=event.pk)
    new = {name for name, own in told.items() if own in row.names and name not in row.names}
    taken = NonLocalizedEvent.everything.filter(_naming(new)).values_list("names", flat=True)
    learnt = new.difference(*taken)
    if learnt:
        event.names = sorted({*row.names, *learnt})
        NonLocalizedEvent.objects.filter(pk=event.pk).update(names=event.names)
        link_circulars(event)


def _naming(names: Iterable[str]) -> Q:
    """What has one of these names; nothing, where there are none."""
    asked = Q(pk__in=[])
    for name in names:
        asked |= Q(names__contains=[name])
    return asked


def _find_event(names: list[str]) -> NonLocalizedEvent | None:
    """Return the event with the first of these names that is known; None if none is.

    A mission's comes before one that a person made by hand, and an older one before a newer one.
    """
    rows = NonLocalizedEvent.objects.filter(_naming(names)).only("event_id", "names")
    found: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (not row.is_by_hand, -row.pk)):
        found |= dict.fromkeys(row.names, row.pk)
    known = [found[name] for name in names if name in found]
    return NonLocalizedEvent.objects.get(pk=known[0]) if known else None


def dated_late(message: AlertMessage, circular: Text) -> tuple[str, ...]:
    """Return the date of a circular, as a text, if it is too long after the receipt; else ()."""
    created = circular.created_on
    if created is None or created <= message.received + LATEST_AFTER_RECEIVED:
        return ()
    return (f"createdOn {created:%Y-%m-%d} (after it was received)",)


def _created_on(message: AlertMessage, circular: Text) -> datetime:
    created = circular.created_on
    return message.received if created is None or dated_late(message, circular) else created
