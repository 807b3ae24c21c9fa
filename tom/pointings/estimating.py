"""Keep efficiencies as rows: ask for one, compute it in a task, let old ones go."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from tom.pointings.coverage import Look, looks_of
from tom.pointings.efficiency import as_stored, estimate, key_of
from tom.pointings.models import Footprint, Pointing
from tom.pointings.prepared import Efficiency, EfficiencyState

logger = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 3
BROKEN_AFTER: Final = timedelta(minutes=10)
"""A worker that took one up so long ago has died with it."""


def wanted_efficiency(localization: int, looks: Sequence[Look], event_time: datetime) -> Efficiency:
    """Return the efficiency of pointings; one that nobody asked for yet waits to be computed."""
    given = {
        "localization_id": localization,
        "event_time": event_time,
        "pointings": [look.pk for look in looks],
    }
    key = key_of(localization, looks, event_time, str(settings.EBV_MAP or ""))
    row, _ = Efficiency.objects.get_or_create(sha256=key, defaults=given)
    return row


def untraced(looks: Sequence[Look]) -> int:
    """Count the fields of view of pointings whose ranges are not computed yet."""
    keys = {look.footprint for look in looks}
    return Footprint.objects.filter(pk__in=keys, ranges__isnull=True).count()


def due_efficiencies(now: datetime) -> list[int]:
    """The keys of those that nobody computes; one whose workers died too often has failed."""
    waiting = Efficiency.objects.filter(state=EfficiencyState.WAITING)
    idle = waiting.filter(Q(begun=None) | Q(begun__lt=now - BROKEN_AFTER))
    idle.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=EfficiencyState.FAILED, reason="it was broken off each time"
    )
    return list(idle.filter(attempts__lt=MOST_ATTEMPTS).values_list("pk", flat=True)[:50])


def work_efficiency(pk: int) -> None:
    """Compute one efficiency. Safe to call twice: who takes the row works on it, and nobody else.

    Pointings that changed since it was asked for make another one: this one goes.
    """
    now = timezone.now()
    taken = Efficiency.objects.filter(pk=pk, state=EfficiencyState.WAITING)
    taken = taken.filter(Q(begun=None) | Q(begun__lt=now - BROKEN_AFTER))
    if not taken.update(begun=now, attempts=F("attempts") + 1):
        return
    row = Efficiency.objects.get(pk=pk)
    looks = looks_of(Pointing.objects.filter(pk__in=row.pointings))
    dust = str(settings.EBV_MAP or "")
    if key_of(row.localization_id, looks, row.event_time, dust) != row.sha256:
        row.delete()
        return
    found = estimate(row.localization_id, looks, row.event_time)
    Efficiency.objects.filter(pk=pk).update(state=EfficiencyState.DONE, result=as_stored(found))


def forget_efficiencies(before: datetime) -> None:
    """Delete those that were asked for before then; a page that wants one asks again."""
    Efficiency.objects.filter(created__lt=before).delete()
