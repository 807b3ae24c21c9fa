"""Note when a person opens a page, and since when they were away."""

from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Case, F, QuerySet, When

from tom.kept_queries import Given, kept_query
from tom.shifts.models import Visit

PAUSE: Final = timedelta(minutes=30)
"""Who opened no page for so long was away."""


def note_visit(user: User, *, now: datetime) -> None:
    """Note that a person opened a page; after a pause, note when it began.

    A pause stays noted until the person has read what came in it, or until the next pause.
    """
    after_pause = When(last__lt=now - PAUSE, then=F("last"))
    rows = Visit.objects.filter(user=user)
    changed = rows.update(away_since=Case(after_pause, default=F("away_since")), last=now)
    if not changed:
        Visit.objects.bulk_create([Visit(user=user, last=now)], ignore_conflicts=True)


def away_since(user: User, *, now: datetime) -> datetime | None:
    """Return when the person's last pause began; None if there is nothing unread."""
    visit: Visit | None = next(iter(_visits(user=user.pk)), None)
    if visit is None:
        return None
    return visit.last if visit.last < now - PAUSE else visit.away_since


@kept_query
def _visits(*, user: Given) -> QuerySet[Visit]:
    return Visit.objects.filter(user=user)


def mark_read(user: User, *, now: datetime) -> None:
    """Note that the person has read what came while they were away."""
    Visit.objects.filter(user=user).update(away_since=None, last=now)
