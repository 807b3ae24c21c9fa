"""When a person last looked at an event: what came since is news to them."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import connection

from tom.candidates.models import Look
from tom.events.models import NonLocalizedEvent

# Who comes back within this time has been looking all along: their news stays news.
SAME_LOOK = timedelta(minutes=30)

# In one statement, so that two tabs that open at once make one look.
NOTE_LOOK = """
    INSERT INTO candidates_look AS look (user_id, event_id, seen)
    VALUES (%(user)s, %(event)s, %(now)s)
    ON CONFLICT (user_id, event_id) DO UPDATE SET
        since = CASE WHEN look.seen < %(before)s THEN look.seen ELSE look.since END,
        seen = greatest(excluded.seen, look.seen)
    RETURNING since
"""


def note_look(user: User, event: NonLocalizedEvent, *, now: datetime) -> datetime | None:
    """Keep that a person looks at an event now; return when they looked before, None for never."""
    with connection.cursor() as cursor:
        cursor.execute(
            NOTE_LOOK, {"user": user.pk, "event": event.pk, "now": now, "before": now - SAME_LOOK}
        )
        since: datetime | None = cursor.fetchone()[0]
    return since


def last_look(user: User, event: NonLocalizedEvent) -> datetime | None:
    """Return when the person looked before; None where this is the first time."""
    return Look.objects.filter(user=user, event=event).values_list("since", flat=True).first()
