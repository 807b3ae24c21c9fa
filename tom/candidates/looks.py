"""When a person last looked at an event: what came since is news to them."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from tom.candidates.models import Look
from tom.events.models import NonLocalizedEvent

# Who comes back within this time has been looking all along: their news stays news.
SAME_LOOK = timedelta(minutes=30)


def note_look(user: User, event: NonLocalizedEvent, *, now: datetime) -> None:
    """Keep that a person looks at an event now."""
    look, is_first = Look.objects.get_or_create(user=user, event=event, defaults={"seen": now})
    if is_first:
        return
    if now - look.seen > SAME_LOOK:
        look.since = look.seen
    look.seen = now
    look.save(update_fields=["since", "seen"])


def last_look(user: User, event: NonLocalizedEvent) -> datetime | None:
    """Return when the person looked before; None where this is the first time."""
    return Look.objects.filter(user=user, event=event).values_list("since", flat=True).first()
