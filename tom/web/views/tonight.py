"""The first page: what there is tonight, each part swapped by itself as things happen."""

from collections.abc import Callable
from datetime import timedelta
from operator import attrgetter
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, F, Max, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tom.changes.demonstration import read_progress
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.scoring.health import scorers_at_fault
from tom.streams.models import AlertMessage, MessageState
from tom.targets.audiences import summaries_for
from tom.targets.models import AudienceSummary, TargetSummary
from tom.targets.visible import visible_targets
from tom.web.alarms import streams_for
from tom.web.candidate_rows import count_candidates, read_candidates
from tom.web.known import (
    LARGEST_FIRST,
    programs_of,
    rank_visible,
    seen_by,
    standing_of,
)
from tom.web.permissions import VIEW_MESSAGES
from tom.web.vettings import not_rejected, vetting_of

# How long an event counts as active after its own time, and how far back arrivals are counted.
ACTIVE_DAYS = 21
ARRIVALS_MINUTES = 15
SHOWN = 10
NEWEST_SHOWN = 8

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
    events = NonLocalizedEvent.objects.order_by(F("time").desc(nulls_last=True), "-pk")
    return {"events": count_candidates(events[:SHOWN], user)}


def _candidates(user: User) -> dict[str, Any]:
    since = timezone.now() - timedelta(days=ACTIVE_DAYS)
    programs = programs_of(user)
    active = NonLocalizedEvent.objects.filter(retracted=False, time__gte=since)
    rows = (
        seen_by(user)
        .alias(chance=standing_of("posterior", programs))
        .filter(event__in=active, chance__isnull=False)
        .filter(not_rejected(vetting_of(user, active)))
        .order_by("-chance", "event__event_id", "target__name")
        .values_list("pk", flat=True)
    )
    best = rank_visible(read_candidates(list(rows[:SHOWN])), user)
    return {"candidates": best, "active_days": ACTIVE_DAYS}


def _arrivals(user: User) -> dict[str, Any]:
    since = timezone.now() - timedelta(minutes=ARRIVALS_MINUTES)
    context: dict[str, Any] = {
        "newest": _newest_detections(user),
        "arrivals_minutes": ARRIVALS_MINUTES,
    }
    if user.has_perm(VIEW_MESSAGES):
        context["topics"] = list(
            AlertMessage.objects.filter(received__gte=since)
            .values("topic")
            .annotate(
                n=Count("pk"), dead=Count("pk", filter=Q(state="dead")), newest=Max("received")
            )
            .order_by("-newest")[:6]
        )
    return context


def _newest_detections(user: User) -> list[TargetSummary | AudienceSummary]:
    """The summaries of the targets seen last, each as the user knows it."""
    seen = {"target__in": visible_targets(user), "last_detection__isnull": False}
    public = TargetSummary.objects.filter(**seen).select_related("target")
    newest: dict[int, TargetSummary | AudienceSummary] = {}
    newest_first = ("-last_detection", "target__name")
    newest |= {row.target_id: row for row in public.order_by(*newest_first)[:NEWEST_SHOWN]}
    programs = programs_of(user)
    mine = AudienceSummary.objects.filter(programs__contained_by=programs, **seen)
    fullest = mine.order_by("target", *LARGEST_FIRST).distinct("target")
    narrower = AudienceSummary.objects.filter(pk__in=fullest.values("pk")).select_related("target")
    if programs:
        rows = narrower.order_by(*newest_first)[:NEWEST_SHOWN]
        newest |= summaries_for(programs, list(newest)) | {row.target_id: row for row in rows}
    by_name = sorted(newest.values(), key=lambda row: row.target.name)
    by_time = sorted(by_name, key=attrgetter("last_detection"), reverse=True)
    return by_time[:NEWEST_SHOWN]


def _requests(user: User) -> dict[str, Any]:
    rows = ObservationRequest.objects.visible_to(user).select_related("target", "event")
    return {"requests": rows.under_way()[:SHOWN]}


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


PARTS: dict[str, Part] = {
    "events": _events,
    "candidates": _candidates,
    "arrivals": _arrivals,
    "requests": _requests,
    "streams": _streams,
    "progress": _progress,
}
