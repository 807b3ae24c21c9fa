"""The hosts of events' candidates: found before they are ranked, and again after a change."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes
from tom.galaxies.association import find_hosts

# So many hosts are searched in a tenth of a second: no ranking waits longer for them.
FIRST = 500


def find_first_hosts(event: NonLocalizedEvent) -> bool:
    """Find the hosts of `FIRST` candidates that are due; return whether others are due still."""
    return find_hosts(_targets_of(event), most=FIRST) > FIRST


def find_other_hosts(event: NonLocalizedEvent) -> None:
    """Find the hosts of all candidates that are due; if there were any, the event is due again."""
    if find_hosts(_targets_of(event)):
        with transaction.atomic():
            note_changes([event.pk])


def _targets_of(event: NonLocalizedEvent) -> QuerySet[EventCandidate, int]:
    return event.candidates.values_list("target_id", flat=True)


def note_given_redshifts(target_ids: Iterable[int]) -> None:
    """Make the events due whose candidates these targets are, after their redshifts changed."""
    events = EventCandidate.objects.filter(target__in=list(target_ids))
    with transaction.atomic():
        note_changes(events.values_list("event_id", flat=True).distinct())


def note_catalogues(*, since: datetime) -> int:
    """Make the events from `since` on due, after a catalogue was loaded; return how many."""
    events = list(NonLocalizedEvent.objects.filter(time__gte=since).values_list("pk", flat=True))
    with transaction.atomic():
        note_changes(events)
    return len(events)
