"""How long an alert was on its way, from its exposure to the page that shows its rank."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.kept_queries import Given, kept_query
from tom.ranking.models import RankedCandidate
from tom.records.alert import SAME_EPOCH
from tom.scoring.models import Score
from tom.strategies.models import Strategy
from tom.streams.models import AlertMessage, MessageState
from tom.targets.audiences import show_targets
from tom.targets.models import Arrival, Audience
from tom.targets.visible import Reader, reader_of, visible_targets
from tom.web.known import programs_of

# Of a message that brought many alerts, so many are shown.
ALERTS_SHOWN = 20
Times = tuple[datetime | None, datetime | None]
UNKNOWN: Times = (None, None)
# The steps of an alert.
LABELS = {
    "exposure": "Exposure",
    "broker": "Broker",
    "received": "Received",
    "stored": "Stored",
    "scored": "Scored",
    "ranked": "Ranked",
    "shown": "Shown",
}
# The steps that a notice of an event has in addition.
NOTICE_LABELS = {"event": "Event", "author": "Author", "matched": "Matched"}
MISSING = {
    "event": "not told",
    "matched": "no map yet",
    "broker": "not known",
    "stored": "not yet",
    "scored": "not since",
    "ranked": "not since",
    "shown": "not known",
}


@dataclass(frozen=True)
class Step:
    """One step of the way: when, and how long after the last step whose time is known.

    `time` is None where the step did not happen, or its time was not kept. A duration below zero
    says that two clocks differ.
    """

    name: str
    time: datetime | None
    after: timedelta | None = None

    @property
    def label(self) -> str:
        """The step in a word."""
        return (LABELS | NOTICE_LABELS)[self.name]

    @property
    def missing(self) -> str:
        """What to say where there is no time."""
        return MISSING.get(self.name, "not known")

    @property
    def seconds_after(self) -> float | None:
        """The duration as a number."""
        return None if self.after is None else self.after.total_seconds()


@dataclass(frozen=True)
class Timeline:
    """The way of an alert of a target, or of a notice of an event, which has no target.

    `list_name` names the list whose ranking it ends in, "" for none. Without a message none was
    kept, and there is no step.
    """

    target: BaseTarget | None
    message: AlertMessage | None = None
    list_name: str = ""
    steps: list[Step] = field(default_factory=list)

    @property
    def total(self) -> timedelta | None:
        """From the first step to the last one that is known."""
        known = [step.time for step in self.steps if step.time is not None]
        return known[-1] - known[0] if len(known) > 1 else None


def newest_timeline(
    target: BaseTarget, user: User, *, candidate: EventCandidate | None
) -> Timeline:
    """The way of a target's newest alert that the user may know of.

    Parameters
    ----------
    target
        One that the user may see, as `show_targets` shows it to them.
    user
        Who looks: only what they may read counts, its scores and places, too.
    candidate
        In whose event it was ranked; None: in the lists without an event.
    """
    arrival = next(iter(_newest_arrival(reader_of(user), target=target.pk)), None)
    return Timeline(target) if arrival is None else _follow(arrival, target, user, candidate)


@kept_query
def _newest_arrival(reader: Reader, *, target: Given) -> QuerySet[Arrival]:
    arrivals = Arrival.objects.visible_to(reader.user).filter(object__target=target)
    newest = arrivals.select_related("message").defer("message__payload")
    return newest.order_by("-time", "-message")[:1]


def timelines_of(message: AlertMessage, user: User) -> list[Timeline]:
    """The ways of the alerts that a message brought, of what the user may know of."""
    arrivals = Arrival.objects.visible_to(user).filter(message=message)
    arrivals = arrivals.filter(object__target__in=visible_targets(user))
    rows = arrivals.select_related("object__target__summary").order_by("pk")[:ALERTS_SHOWN]
    found = []
    for arrival in rows:
        target = arrival.object.target
        arrival.message = message
        show_targets([target], programs_of(user))
        found.append(_follow(arrival, target, user, newest_candidacy(target, user)))
    return found


def newest_candidacy(
    target: BaseTarget, user: User, *, event_id: str = ""
) -> EventCandidate | None:
    """The target's place in an event's list that the user may see; in the newest one's for ""."""
    seen = EventCandidate.objects.visible_to(user).filter(target=target)
    if event_id:
        seen = seen.filter(event__event_id=event_id)
    return seen.select_related("event").order_by("-event__time", "-pk").first()


def _follow(
    arrival: Arrival, target: BaseTarget, user: User, candidate: EventCandidate | None
) -> Timeline:
    message = arrival.message
    stored = message.finished if message.state == MessageState.STORED else None
    scored = _first_score(target, arrival) if stored else None
    ranked, shown = _first_place(target, user, candidate, scored or stored)
    times = (arrival.time, message.sent, message.received, stored, scored, ranked, shown)
    name = "" if candidate is None else candidate.event.event_id
    return Timeline(target, message, name, make_steps(dict(zip(LABELS, times, strict=True))))


def make_steps(times: Mapping[str, datetime | None]) -> list[Step]:
    """Make the steps of a way from their times in order."""
    steps: list[Step] = []
    last: datetime | None = None
    for name, time in times.items():
        after = time - last if time is not None and last is not None else None
        steps.append(Step(name, time, after))
        last = time or last
    return steps


def _first_score(target: BaseTarget, arrival: Arrival) -> datetime | None:
    """When the reader's audience had the first score that knew the alert."""
    scores = _first_scored(
        tuple(target.summary.audience),
        target=target.pk,
        until=arrival.time - SAME_EPOCH,  # scorers count days, in floating point
        since=arrival.message.received,
    )
    return next(iter(scores), None)


@kept_query
def _first_scored(
    audience: Audience, *, target: Given, until: Given, since: Given
) -> QuerySet[Score, datetime]:
    rows = Score.objects.filter(target=target, programs=list(audience))
    known = rows.filter(data_until__gte=until, created__gte=since)
    return known.order_by("created").values_list("created", flat=True)[:1]


def _first_place(
    target: BaseTarget, user: User, candidate: EventCandidate | None, since: datetime | None
) -> Times:
    """When a ranking of what the reader knows began that gave it a new place; when it was shown."""
    if since is None:
        return UNKNOWN
    of = target.pk if candidate is None else candidate.pk
    times = _first_placed(reader_of(user), candidate is None, of=of, since=since)
    return next(iter(times), UNKNOWN)


@kept_query
def _first_placed(
    reader: Reader, in_lists: bool, *, of: Given, since: Given
) -> QuerySet[RankedCandidate, Any]:
    lists = Strategy.objects.visible_to(reader.person).without_event()
    rows = RankedCandidate.objects.filter(
        Q(target=of, strategy__in=lists) if in_lists else Q(candidate=of)
    )
    mine = rows.filter(programs__contained_by=programs_of(reader.user), ranking__created__gte=since)
    in_turn = mine.order_by("ranking", "pk")
    return in_turn.values_list("ranking__created", "ranking__published")[:1]
