"""What nobody may miss, on every page.

Alarms without an answer, alerts that could not be read, and streams that are down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet, Value
from django.utils import timezone

from tom.changes.heartbeat import last_beat
from tom.forms.registry import event_forms
from tom.kept_queries import Given, kept_query
from tom.reports.alarms.models import Alarm
from tom.streams.models import StreamHealth
from tom.streams.pulse import misses_heartbeat
from tom.streams.reading import topics_read_now
from tom.web.dead_alerts import TOLD, DeadAlerts, count_dead_alerts, read_dead_alerts
from tom.web.templatetags.streams import lasting

# Alarms on the bar. Of more, the bar says only how many.
SHOWN = 3
OF_NO_TOPIC = ""
USED = ("title", "cause", "rule", "next_at", "created", "event__event_id")
# A listener writes every few seconds; one that is silent for so long has stopped.
SILENT_SECONDS = 120


@dataclass(frozen=True)
class Alarms:
    """Unanswered alarms, the newest first, how many more there are, and what is down.

    `unread` are the alerts that could not be read.
    """

    unanswered: Sequence[Alarm] = ()
    more: int = 0
    down: Sequence[str] = ()
    unread: Sequence[DeadAlerts] = ()

    @property
    def n(self) -> int:
        """How many lines the bar would have, with each alarm that it only counts."""
        return len(self.unanswered) + self.more + len(self.unread) + len(self.down)

    @property
    def first(self) -> str:
        """What stands in the line to which a small screen folds them: the most urgent one."""
        titles = [row.title for row in self.unanswered] + [row.title for row in self.unread]
        return next(iter([*titles, *self.down]), "")


def read_streams() -> list[StreamHealth]:
    """The health of the topics that are to be read; `silent` where nothing is heard of one.

    `misses_heartbeat` is said of one that is heard.
    """
    now = timezone.now()
    late = now - timedelta(seconds=SILENT_SECONDS)
    read = topics_read_now()
    if not read:
        return []
    rows = StreamHealth.objects.order_by("topic", "stream")
    streams = [row for row in rows if (row.stream, row.topic) in read]
    for stream in streams:
        is_silent = stream.last_heard is None or stream.last_heard < late
        is_read = stream.connected and not is_silent and stream.waits_for is None
        stream.silent = is_silent  # type: ignore[attr-defined]
        stream.misses_heartbeat = is_read and misses_heartbeat(stream, now=now)  # type: ignore[attr-defined]
    return streams


def streams_for(user: User | AnonymousUser) -> list[StreamHealth]:
    """`read_streams` for the person behind a request; asked for once a request."""
    known: list[StreamHealth] | None = getattr(user, "_streams_read", None)
    if known is None:
        known = read_streams()
        user._streams_read = known  # type: ignore[union-attr]  # of this request's own user
    return known


def alarms_for(user: User | AnonymousUser) -> Alarms:
    """What this person must not miss."""
    if not user.is_authenticated:
        return Alarms()
    waiting = _what_waits(kinds=list(event_forms()), since=timezone.now() - TOLD)
    newest = _read_alarms([pk for topic, pk, _ in waiting if topic == OF_NO_TOPIC])
    more = Alarm.objects.unacknowledged().count() - SHOWN if len(newest) > SHOWN else 0
    streams = streams_for(user)
    down = [*_down(streams), *_without_heartbeat(streams), *_idle(last_beat())]
    unread = read_dead_alerts(row for row in waiting if row[0] != OF_NO_TOPIC)
    return Alarms(newest[:SHOWN], more, down, unread)


@kept_query
def _what_waits(*, kinds: Given, since: Given) -> QuerySet[Any, Any]:
    """The newest unanswered alarms and the dead alerts, in one question: mostly there are none.

    An alarm has no topic. Alarms are everybody's to know who is logged in.
    """
    alarms = Alarm.objects.unacknowledged().values_list(Value(OF_NO_TOPIC), "pk", Value(1))
    dead = count_dead_alerts(kinds=kinds, since=since)
    return alarms[: SHOWN + 1].union(dead, all=True)


def _read_alarms(keys: Sequence[int]) -> list[Alarm]:
    if not keys:
        return []
    rows = Alarm.objects.filter(pk__in=keys).select_related("event").only(*USED)
    return list(rows.prefetch_related("sends"))


def _down(streams: Sequence[StreamHealth]) -> list[str]:
    """One sentence for each broker that is not heard, with the reason it gave."""
    said: dict[tuple[str, str], list[str]] = {}
    for row in streams:
        if row.connected and not row.silent:  # type: ignore[attr-defined]
            continue
        if not row.connected and row.detail == "starting":
            continue
        reason = row.detail or "its listener has stopped"
        said.setdefault((row.stream, reason), []).append(row.topic)
    return [
        f"Nothing comes from {', '.join(topics)} of {broker}: {reason}."
        for (broker, reason), topics in said.items()
    ]


def _without_heartbeat(streams: Sequence[StreamHealth]) -> list[str]:
    """One sentence for each heartbeat that has stopped, though its broker answers."""
    return [
        f"No heartbeat comes from {row.topic} of {row.stream}"
        f"{f' for {lasting(row.last_message)}' if row.last_message else ''}: "
        "its alerts may be late or missing, too."
        for row in streams
        if row.misses_heartbeat  # type: ignore[attr-defined]
    ]


def _idle(beat: datetime | None) -> list[str]:
    if beat is None:  # a site that has just started
        return []
    silence = (timezone.now() - beat).total_seconds()
    if silence < 2 * settings.WORKER_SILENCE_SECONDS:
        return []
    return [
        f"The workers have not answered for {silence / 60:.0f} min: "
        "what comes is kept, and nothing is scored or sent. Start them again."
    ]
