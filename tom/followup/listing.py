"""Ask each facility for the list of its instruments, some times a day."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from tom.followup.exchanges import facility_for_many
from tom.followup.facilities import UnknownFacilityError, available_facilities
from tom.followup.models import FacilityWatch
from tom.outbox.errors import LookUpFailedError

EVERY: Final = timedelta(hours=6)
AFTER_A_FAILURE: Final = timedelta(minutes=10)


def due_listings(now: datetime) -> list[str]:
    """Name the configured facilities that list their instruments and whose list is due."""
    lists = [
        each.name for each in available_facilities().values() if each.capabilities.lists_instruments
    ]
    waiting = FacilityWatch.objects.filter(facility__in=lists, next_listing__gt=now)
    return sorted(set(lists) - set(waiting.values_list("facility", flat=True)))


def list_instruments(facility: str, now: datetime) -> bool:
    """Ask one facility for its instruments, if that is due; return whether it answered.

    If it does not answer, its last list stays.
    """
    FacilityWatch.objects.get_or_create(facility=facility, defaults={"next_poll": now})
    rows = FacilityWatch.objects.filter(facility=facility)
    due = rows.exclude(next_listing__gt=now)
    if not due.update(next_listing=now + AFTER_A_FAILURE):
        return False  # another worker asks
    try:
        listing = facility_for_many(facility).list_instruments()
    except (LookUpFailedError, UnknownFacilityError):
        return False  # its call is kept, and its address rests
    rows.update(listing=listing, next_listing=timezone.now() + EVERY)
    return True
