"""The time when a person last looked at an event: later changes are news to the person."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet

from tom.candidates.models import Look
from tom.events.models import NonLocalizedEvent
from tom.kept_queries import Given, kept_query

# Two looks within this time count as one look. So the news stays news.
SAME_LOOK = timedelta(minutes=30)

# One statement, so that two tabs that open at once make one look. The page does not wait until it
# is on the disk, .3 ms in place of 4: a look that is lost with the server costs nothing.
NOTE_LOOK = """
    INSERT INTO candidates_look AS look (user_id, event_id, seen)
    VALUES (%(user)s, %(event)s, %(now)s)
    ON CONFLICT (user_id, event_id) DO UPDATE SET
        since = CASE WHEN look.seen < %(before)s THEN look.seen ELSE look.since END,
        seen = greatest(excluded.seen, look.seen)
    RETURNING since, set_config('synchronous_commit', 'off', true)
"""


def note_look(user: User, event: NonLocalizedEvent, *, now: datetime) -> datetime | None:
    """Store that a person looks at an event now; return the time of the look before, or None."""
    with connection.cursor() as cursor:
        cursor.execute(
            NOTE_LOOK, {"user": user.pk, "event": event.pk, "now": now, "before": now - SAME_LOOK}
        )
        since: datetime | None = cursor.fetchone()[0]
    return since


def last_look(user: User, event: NonLocalizedEvent) -> datetime | None:
    """Return the time of the look before the present one; None if this is the first look."""
    return next(iter(_since(user=user.pk, event=event.pk)), None)


@kept_query
def _since(*, user: Given, event: Given) -> QuerySet[Look, Any]:
    return Look.objects.filter(user=user, event=event).values_list("since", flat=True)
