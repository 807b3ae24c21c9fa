"""Record the messages of an event's chain, in whatever order they come."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from tom.events.localizations import COMBINED, SKYMAP, keep_map, note_localization
from tom.events.locks import change_events, hold_events
from tom.events.models import (
    Circular,
    EventKind,
    EventLocalization,
    EventSequence,
    Localization,
    NonLocalizedEvent,
)
from tom.live.models import Topic
from tom.live.publish import publish
from tom.streams.models import AlertMessage
from tom.streams.parsers.circular import Circular as ParsedCircular
from tom.streams.parsers.igwn import AlertType, GWAlert

RETRACTION = AlertType.RETRACTION.value
TYPES = [kind.value for kind in AlertType]  # in the order in which ties in time are put
MAPS = {"event": {"skymap"}, "external_coinc": {"combined_skymap"}}


def record_alert(message: AlertMessage, alert: GWAlert) -> EventSequence | None:
    """Add an alert to its event's chain; None where it says nothing that is not known.

    An alert is the same as another of its event, type and time, unless it brings another map.
    The event then says what the newest message by its own time says, so that a late older one
    never revives a retracted event. Nothing is deleted. Until the caller's transaction ends, no
    other event changes and no target is matched.
    """
    with transaction.atomic():
        maps = _keep_maps(alert)  # before the lock: it takes seconds
        change_events()
        event = _locked_event(message, alert)
        known = set(event.localizations.values_list("pk", flat=True))
        localization = _localize(event, alert, maps)
        sequence, created = EventSequence.objects.get_or_create(
            event=event,
            alert_type=alert.alert_type,
            time_created=alert.time_created,
            defaults={
                "message": message,
                "localization": localization,
                "details": alert.model_dump(mode="json", exclude=MAPS),
            },
        )
        if not created and set(event.localizations.values_list("pk", flat=True)) == known:
            return None
        _note_tests(event, alert.test_reasons(message.topic))
        _renumber(event)
        publish(Topic.EVENT, event.event_id)
    sequence.refresh_from_db()
    return sequence


def record_circular(message: AlertMessage, circular: ParsedCircular) -> bool:
    """Keep a circular in its newest version; return whether that changed anything."""
    name = circular.event_id or ""
    with transaction.atomic():
        hold_events()  # else it misses an event that is being stored
        event = NonLocalizedEvent.objects.filter(event_id=_bare(name)).first()
        values = {
            "version": circular.version,
            "subject": circular.subject,
            "submitter": circular.submitter,
            "body": circular.body,
            "created_on": circular.created_on,
            "event_name": name,
            "event": event,
            "message": message,
        }
        row, created = Circular.objects.select_for_update().get_or_create(
            circular_id=circular.circular_id, defaults=values
        )
        if not created:
            newer = Circular.objects.filter(pk=row.pk, version__lt=circular.version)
            if not newer.update(**values):
                return False
        for named in {row.event, event}:  # an edit may name another
            if named is not None:
                publish(Topic.EVENT, named.event_id)
    return True


def pin_localization(event: NonLocalizedEvent, use: EventLocalization | None) -> None:
    """Use this localization of the event whatever comes later; None: the newest again.

    The candidates follow with the next ranking, which the caller wakes.
    """
    with transaction.atomic():
        NonLocalizedEvent.objects.filter(pk=event.pk).update(
            pinned=use, match_due=True, rank_version=F("rank_version") + 1
        )
        publish(Topic.EVENT, event.event_id)


def note_changes(event_ids: Iterable[int]) -> None:
    """Make events due for ranking, in the caller's transaction.

    Their rows are locked in one order, so that no two writers wait for each other.
    """
    events = NonLocalizedEvent.objects.filter(pk__in=list(event_ids))
    locked = events.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True)
    events.filter(pk__in=list(locked)).update(rank_version=F("rank_version") + 1)


def _locked_event(message: AlertMessage, alert: GWAlert) -> NonLocalizedEvent:
    # Without an id it stays unidentified, known by its message: never merged by guess.
    event_id = alert.superevent_id or f"unidentified-{message.sha256[:12]}"
    kind = EventKind.GW if alert.superevent_id else EventKind.UNKNOWN
    event, created = NonLocalizedEvent.objects.get_or_create(
        event_id=event_id, defaults={"kind": kind}
    )
    if created:
        _link_circulars(event)
    return NonLocalizedEvent.objects.select_for_update().get(pk=event.pk)


def _keep_maps(alert: GWAlert) -> dict[str, Localization]:
    brought = {SKYMAP: alert.skymap, COMBINED: alert.combined_skymap}
    return {product: keep_map(fits) for product, fits in brought.items() if fits is not None}


def _link_circulars(event: NonLocalizedEvent) -> None:
    waiting = Circular.objects.filter(event=None, event_name__contains=event.event_id)
    names = waiting.values_list("pk", "event_name")
    ours = [pk for pk, name in names if _bare(name) == event.event_id]
    Circular.objects.filter(pk__in=ours).update(event=event)


def _localize(
    event: NonLocalizedEvent, alert: GWAlert, maps: Mapping[str, Localization]
) -> EventLocalization | None:
    pipeline = alert.event.pipeline if alert.event and alert.event.pipeline else ""
    authors = {SKYMAP: pipeline, COMBINED: "LVK"}
    uses = {
        product: note_localization(
            event, localization, author=authors[product], product=product, time=alert.time_created
        )
        for product, localization in maps.items()
    }
    return uses.get(SKYMAP)


def _note_tests(event: NonLocalizedEvent, reasons: Sequence[str]) -> None:
    event.test_reasons = sorted({*event.test_reasons, *reasons})


def _renumber(event: NonLocalizedEvent) -> None:
    """Number the chain by its own times, and let the event say what the newest message says."""
    chain = sorted(
        event.sequences.defer("details"),
        key=lambda row: (row.time_created, TYPES.index(row.alert_type), row.pk),
    )
    for number, row in enumerate(chain, start=1):
        row.number = number
    EventSequence.objects.bulk_update(chain, ["number"])
    newest = chain[-1]
    event.alert_type = newest.alert_type
    event.time_created = newest.time_created
    event.retracted = newest.alert_type == RETRACTION
    telling = [row for row in chain if row.alert_type != RETRACTION]
    if telling:
        _describe(event, EventSequence.objects.get(pk=telling[-1].pk).details)
    event.rank_version += 1
    event.save()


def _describe(event: NonLocalizedEvent, details: dict[str, Any]) -> None:
    said = details.get("event") or {}
    if said.get("time"):
        event.time = datetime.fromisoformat(said["time"])
    event.significant = said.get("significant")
    event.far = said.get("far")
    event.classification = said.get("classification") or {}
    event.properties = said.get("properties") or {}


def _bare(name: str) -> str:
    """The event's id in the name that a circular gives it."""
    return name.removeprefix("LIGO/Virgo/KAGRA ").removeprefix("LIGO/Virgo ").strip()
