"""Ask services for the pointings for an event: within seconds, and not the same again too soon."""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.utils import timezone

from tom.events.models import NonLocalizedEvent
from tom.forms.declared import Ask
from tom.lookups.calling import LookUpFailedError, fetch
from tom.lookups.models import NOT_ASKED
from tom.pointings import obsloctap, treasure_map
from tom.pointings.asked import Found
from tom.pointings.keeping import Kept, keep_pointings
from tom.pointings.models import UNDER_WAY, Pointing, PointingQuery, QueryState, Source, Status

# For so long after an event a survey's visits are asked for.
VISIT_DAYS: Final = 3
PER_MINUTE: Final = 20
# The setting without which a service is not asked.
SETTINGS: Final[Mapping[Source, str]] = {
    Source.TREASURE_MAP: "TREASURE_MAP_TOKEN",
    Source.OBSLOCTAP: "OBSLOCTAP_URL",
}
NOTHING: Final = Kept(0, 0)
Talk = Generator[Ask, bytes | None, Found]


@dataclass(frozen=True)
class Service:
    """A service as the page shows it; `lacks` names the setting without which it is not asked."""

    source: Source
    lacks: str
    query: PointingQuery | None

    @property
    def why_not_asked(self) -> str:
        """Why the newest question was not put to it; "" if it was."""
        reason = self.query.reason if self.query else ""
        return reason.removeprefix(NOT_ASKED) if reason.startswith(NOT_ASKED) else ""


def services_for(event: NonLocalizedEvent) -> list[Service]:
    """Every service, with the newest question to it for the event."""
    queries = {query.source: query for query in event.pointing_queries.all()}
    return [
        Service(source, "" if getattr(settings, name) else name, queries.get(source))
        for source, name in SETTINGS.items()
    ]


def want_pointings(event: NonLocalizedEvent, source: Source, *, now: datetime) -> int | None:
    """Note that a service is to be asked, and return the question's key.

    None: the service cannot be asked, is being asked, or answered a short while ago.
    """
    if not getattr(settings, SETTINGS[source]):
        return None
    query, is_new = PointingQuery.objects.get_or_create(
        event=event, source=source, defaults={"made": now}
    )
    if is_new:
        return query.pk
    recent = now - timedelta(minutes=settings.LOOKUP_CACHE_MINUTES)
    again = PointingQuery.objects.filter(pk=query.pk).exclude(state__in=UNDER_WAY)
    old = again.exclude(state=QueryState.DONE, finished__gt=recent)
    opened = old.update(state=QueryState.WAITING, made=now, reason="", asked=None, finished=None)
    return query.pk if opened else None


def ask_service(query_id: int) -> None:
    """Ask one service. Safe to call twice: who takes the row asks, and nobody else."""
    taken = PointingQuery.objects.filter(pk=query_id, state=QueryState.WAITING)
    if not taken.update(state=QueryState.ASKING, asked=timezone.now()):
        return
    query = PointingQuery.objects.select_related("event").get(pk=query_id)
    try:
        kept, left_out = _ask(query)
    except LookUpFailedError as error:
        _finish(query, QueryState.FAILED, reason=str(error))
    # The boundary of what a service may answer: whatever its shape, its row says that it failed.
    except (
        *(ArithmeticError, AttributeError, LookupError),
        *(RecursionError, TypeError, ValueError),
    ) as error:
        _finish(query, QueryState.FAILED, reason=f"not understood: {type(error).__name__}")
    else:
        _finish(query, QueryState.DONE, kept=kept, left_out=left_out)


def due_queries(now: datetime) -> list[int]:
    """The questions that nobody has asked; those whose asking was broken off have failed."""
    broken = now - timedelta(seconds=2 * settings.LOOKUP_SECONDS)
    PointingQuery.objects.filter(state=QueryState.ASKING, asked__lt=broken).update(
        state=QueryState.FAILED, reason="the asking was broken off", finished=now
    )
    recent = PointingQuery.objects.filter(made__gt=now - timedelta(minutes=5))
    return list(recent.filter(state=QueryState.WAITING).values_list("pk", flat=True))


def _ask(query: PointingQuery) -> tuple[Kept, int]:
    event = query.event
    if query.source == Source.TREASURE_MAP:
        talk = treasure_map.talk(event.public_name, settings.TREASURE_MAP_TOKEN)
        found = _talk(query.source, talk)
        kept = keep_pointings(found.told, source=Source.TREASURE_MAP, event=event, group=None)
        return kept, found.left_out
    if event.time is None:
        reason = f"{NOT_ASKED}the event has no time"
        raise LookUpFailedError(reason)
    start, stop = event.time, event.time + timedelta(days=VISIT_DAYS)
    talk = obsloctap.talk(settings.OBSLOCTAP_URL, start, stop)
    found = _talk(query.source, talk)
    return _keep_visits(found, start, stop), found.left_out


def _keep_visits(found: Found, start: datetime, stop: datetime) -> Kept:
    """Keep a survey's visits; what it planned for this time and no longer names is dropped."""
    kept = keep_pointings(found.told, source=Source.OBSLOCTAP, event=None, group=None)
    planned = Pointing.objects.filter(
        source=Source.OBSLOCTAP,
        event=None,
        group=None,
        status=Status.PLANNED,
        time__gte=start,
        time__lt=stop,
    )
    planned.exclude(external_id__in=[each.external_id for each in found.told]).delete()
    return kept


def _talk(name: str, talk: Talk) -> Found:
    until = time.monotonic() + settings.LOOKUP_SECONDS
    step = partial(next, talk)
    while True:
        try:
            ask = step()
        except StopIteration as end:
            found: Found = end.value
            return found
        try:
            body = fetch(name, ask, per_minute=PER_MINUTE, until=until)
        except LookUpFailedError as error:
            step = partial(talk.throw, error)
        else:
            step = partial(talk.send, body)


def _finish(
    query: PointingQuery,
    state: QueryState,
    *,
    reason: str = "",
    kept: Kept = NOTHING,
    left_out: int = 0,
) -> None:
    rows = PointingQuery.objects.filter(pk=query.pk, state=QueryState.ASKING)
    rows.update(
        state=state,
        reason=reason,
        added=kept.added,
        known=kept.known,
        left_out=left_out,
        finished=timezone.now(),
    )
