"""Keep GCN Circulars, each in its newest version, with the event that they speak of."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.locks import hold_events
from tom.events.models import Circular, CircularVersion, NonLocalizedEvent
from tom.forms.circular import NO_VERSION, parse_circular
from tom.forms.event_names import key_of, names_of_circular
from tom.records import Text
from tom.streams.models import AlertMessage

# Nobody sends tomorrow's circular.
LATEST_AFTER_RECEIVED = timedelta(days=1)


def record_circular(message: AlertMessage, circular: Text) -> bool:
    """Keep a version of a circular that is new; return whether it was.

    A circular is one, whichever topics and brokers it comes by. Its newest version is shown. One
    whose date cannot be is dated by when it came. A text without a number is none.
    """
    if circular.circular_id is None:
        return False
    names = names_of_circular(circular.event_id or "", circular.subject)
    with transaction.atomic():
        hold_events()  # else it misses an event that is being stored
        event = _find_event(names)
        values = {
            "version": circular.version,
            "subject": circular.subject,
            "submitter": circular.submitter or "",
            "body": circular.body,
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
            return True  # an older one that comes late
        Circular.objects.filter(pk=row.pk).update(**values)
        for named in {row.event, event}:  # an edit may name another
            if named is not None:
                publish(Topic.EVENT, named.event_id)
    return True


def _is_new(row: Circular, circular: Text) -> bool:
    """Whether a version is kept for the first time.

    What names no version is known by its text, and is nothing new where GCN's own came already.
    """
    if circular.version != NO_VERSION:
        return not row.versions.filter(version=circular.version).exists()
    is_same = (row.subject, row.body.strip()) == (circular.subject, circular.body.strip())
    return row.version == NO_VERSION and not is_same


def read_version(version: CircularVersion) -> Text:
    """Return the text of a version, from the message that brought it."""
    return parse_circular(bytes(version.message.payload or b""))


def link_circulars(event: NonLocalizedEvent) -> None:
    """Give an event with a new name the circulars that named it before."""
    named = Q()
    for name in {key_of(event.event_id), *event.names}:
        named |= Q(names__contains=[name])
    Circular.objects.filter(named, event=None).update(event=event)


def _find_event(names: list[str]) -> NonLocalizedEvent | None:
    """The first of these names that an event of ours has."""
    if not names:
        return None
    asked = Q()
    for name in names:
        asked |= Q(names__contains=[name])
    rows = NonLocalizedEvent.objects.filter(asked).order_by("-pk")
    found: dict[str, int] = {}
    for pk, theirs in rows.values_list("pk", "names"):
        found |= dict.fromkeys(theirs, pk)
    known = [found[name] for name in names if name in found]
    return NonLocalizedEvent.objects.get(pk=known[0]) if known else None


def dated_late(message: AlertMessage, circular: Text) -> tuple[str, ...]:
    """Name the date of a circular that came before it was written."""
    created = circular.created_on
    if created is None or created <= message.received + LATEST_AFTER_RECEIVED:
        return ()
    return (f"createdOn {created:%Y-%m-%d} (after it was received)",)


def _created_on(message: AlertMessage, circular: Text) -> datetime:
    created = circular.created_on
    return message.received if created is None or dated_late(message, circular) else created
