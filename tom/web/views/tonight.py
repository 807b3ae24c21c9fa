"""The first page: what there is tonight, each part swapped by itself as things happen."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Count, F, Max, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tom.candidates.models import CandidateStanding, EventCandidate, Vetting
from tom.changes.demonstration import read_progress
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.kept_queries import AnyOf, Given, kept_query
from tom.scoring.health import scorers_at_fault
from tom.shifts.visits import away_since
from tom.strategies.services import lists_for
from tom.streams.models import AlertMessage, MessageState
from tom.targets.audiences import show_targets
from tom.targets.models import AudienceSummary, TargetSummary
from tom.targets.visible import Reader, reader_of
from tom.web.alarms import streams_for
from tom.web.candidate_rows import count_candidates, read_candidates
from tom.web.chances import scales_of
from tom.web.known import programs_of, rank_visible, seen_by, standing_of
from tom.web.lists import first_of, list_for, read_places
from tom.web.permissions import VIEW_MESSAGES
from tom.web.shift_log import read_log
from tom.web.target_order import first_targets
from tom.web.target_ranks import Standing
from tom.web.untaken import DEAD, UNTAKEN, untaken_of
from tom.web.vettings import told_vettings, vetted_privately

# How long an event counts as active after its own time, and how far back arrivals are counted.
ACTIVE_DAYS = 21
ARRIVALS_MINUTES = 15
SHOWN = 10
NEWEST_SHOWN = 8
AWAY_SHOWN = 6
# The best are sought among so many first places of each event, and of an event that has too few
# there among so many: the database reads all candidates for a thousand.
FEW_PLACES, PLACES_ASKED = 30, 1_000

Part = Callable[[User], dict[str, Any]]


@require_safe
def tonight(request: HttpRequest) -> HttpResponse:
    """The whole page, or the one part that `?part=` names."""
    user = request.user
    name = request.GET.get("part")
    if name is None:
        context: dict[str, Any] = {}
        for part in PARTS.values():
            context |= part(user)  # type: ignore[arg-type]  # the middleware let nobody else in
        return render(request, "tonight/page.html", context)
    if name not in PARTS:
        message = "no such part"
        raise Http404(message)
    return render(request, f"tonight/_{name}.html", PARTS[name](user))  # type: ignore[arg-type]


def _events(user: User) -> dict[str, Any]:
    return {"events": count_candidates(_newest_events(), user)}


@kept_query
def _newest_events() -> QuerySet[NonLocalizedEvent]:
    return NonLocalizedEvent.objects.order_by(F("time").desc(nulls_last=True), "-pk")[:SHOWN]


def _candidates(user: User) -> dict[str, Any]:
    since = timezone.now() - timedelta(days=ACTIVE_DAYS)
    scales = scales_of(_active(since=since), user)
    privately = vetted_privately([*scales])
    keys = _best_of([*scales], user, told_vettings(privately, user))
    best = rank_visible(read_candidates(keys), user, privately=privately)
    return {"candidates": best, "active_days": ACTIVE_DAYS}


@kept_query
def _active(*, since: Given) -> QuerySet[NonLocalizedEvent, int]:
    active = NonLocalizedEvent.objects.filter(retracted=False, time__gte=since)
    return active.values_list("pk", flat=True)


class _Placed(NamedTuple):
    """One of the first candidates of an event, as its reader knows it."""

    event: int
    log_weight: float
    vetting: str
    event_id: str
    name: str
    pk: int


def _best_of(events: Collection[int], user: User, told: Mapping[int, str]) -> list[int]:
    """The keys of the best candidates of several events. `told` are the user's `told_vettings`."""
    best = _not_rejected(events, FEW_PLACES, user, told)
    found = Counter(row.event for row in best)
    short = [event for event in events if found[event] < SHOWN]  # it has few, or most are rejected
    if short:
        rest = _not_rejected(short, PLACES_ASKED, user, told)
        best = [*(row for row in best if row.event not in short), *rest]
    scales = scales_of(events, user)
    best.sort(key=lambda row: (-scales[row.event].log_chance(row.log_weight), *row[3:]))
    return [row.pk for row in best[:SHOWN]]


def _not_rejected(
    events: Collection[int], places: int, user: User, told: Mapping[int, str]
) -> list[_Placed]:
    rows = _first_placed(reader_of(user), events=list(events), places=places)
    best = [_Placed(*row) for row in rows]
    return [row for row in best if told.get(row.pk, row.vetting) != Vetting.REJECTED]


def _ranked(user: User) -> dict[str, Any]:
    """The first of the list that the person chose, without what was rejected in it."""
    strategy = list_for(user)
    context: dict[str, Any] = {"chosen": strategy, "lists": lists_for(user), "ranked": []}
    if strategy is not None:
        ranks = first_of(strategy, user, most=NEWEST_SHOWN)
        places = read_places(list(ranks), user)
        context["ranked"] = [(row.target, Standing(ranks[row.pk], row)) for row in places]
    return context


@kept_query
def _first_placed(reader: Reader, *, events: Given, places: Given) -> QuerySet[EventCandidate, Any]:
    """The candidates in the first places of each event's ranking, for whichever audience.

    Indexes have the ranks: the best of all candidates would be found by sorting 100,000.
    """
    first = Q(AnyOf("event", events), rank__lte=places)
    public = EventCandidate.objects.filter(first).values("pk")
    placed = public.union(CandidateStanding.objects.filter(first).values("candidate"))
    weight = standing_of("log_weight", programs_of(reader.user))
    rows = seen_by(reader.user).filter(pk__in=placed).annotate(weight=weight)
    known = rows.filter(weight__isnull=False)
    return known.values_list("event", "weight", "vetting", "event__event_id", "target__name", "pk")


def _arrivals(user: User) -> dict[str, Any]:
    since = timezone.now() - timedelta(minutes=ARRIVALS_MINUTES)
    context: dict[str, Any] = {
        "newest": _newest_detections(user),
        "arrivals_minutes": ARRIVALS_MINUTES,
    }
    if user.has_perm(VIEW_MESSAGES):
        context["topics"] = _newest_topics(since)
    return context


def _newest_topics(since: datetime) -> list[dict[str, Any]]:
    """The topics of the newest messages: how many each had, are dead, and no parser takes."""
    topics = AlertMessage.objects.filter(received__gte=since).values("topic")
    counted = topics.annotate(
        n=Count("pk"),
        dead=Count("pk", filter=DEAD),
        unhandled=Count("pk", filter=UNTAKEN),
        newest=Max("received"),
    )
    return [
        {**row, "unhandled": untaken_of(row["topic"], row["unhandled"])}
        for row in counted.order_by("-newest")[:6]
    ]


def _newest_detections(user: User) -> list[TargetSummary | AudienceSummary]:
    """The summaries of the targets seen last, each as the user knows it."""
    newest = first_targets(user, "seen", first=0, last=NEWEST_SHOWN)
    show_targets(newest, programs_of(user))
    for target in newest:
        target.summary.target = target
    return [target.summary for target in newest if target.summary.last_detection is not None]


def _requests(user: User) -> dict[str, Any]:
    return {"requests": _under_way(reader_of(user))}


@kept_query
def _under_way(reader: Reader) -> QuerySet[ObservationRequest]:
    rows = ObservationRequest.objects.visible_to(reader.user).under_way()
    return rows.select_related("target", "event")[:SHOWN]


def _streams(user: User) -> dict[str, Any]:
    return {"streams": streams_for(user), "faulty": scorers_at_fault()}


def _progress(_user: User) -> dict[str, Any]:
    """How far the demonstration night is, and the work on what came in the last hour."""
    demonstration = read_progress()
    waiting = AlertMessage.objects.filter(state=MessageState.RECEIVED).count()
    if not waiting:
        return {"demonstration": demonstration, "waiting": 0}
    since = timezone.now() - timedelta(hours=1)
    total = AlertMessage.objects.filter(received__gte=since).count()
    done = max(total - waiting, 0)
    return {
        "demonstration": demonstration,
        "waiting": waiting,
        "total": total,
        "done": done,
        "fraction": done / max(total, 1),
    }


def _away(user: User) -> dict[str, Any]:
    """What happened since the person was last here, the newest of it."""
    now = timezone.now()
    since = away_since(user, now=now)
    if since is None:
        return {"away_since": None}
    entries = read_log(user, since, now)
    return {"away_since": since, "away": entries[:AWAY_SHOWN], "n_away": len(entries)}


PARTS: dict[str, Part] = {
    "away": _away,
    "events": _events,
    "candidates": _candidates,
    "ranked": _ranked,
    "arrivals": _arrivals,
    "requests": _requests,
    "streams": _streams,
    "progress": _progress,
}
