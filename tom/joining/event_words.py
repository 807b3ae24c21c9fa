"""What people said and asked of a joined event's candidates: it follows, and goes back."""

from typing import Any

from django.db.models import Exists, OuterRef

from tom.candidates.models import EventCandidate, Verdict
from tom.candidates.services import adopt_candidates
from tom.candidates.verdicts import show_newest
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.planning.models import Plan
from tom.reports.alarms.models import Alarm
from tom.reports.gcn.models import CircularDraft
from tom.reports.hermes.models import Report
from tom.reports.notifications.models import Follow, FollowKind

# By table: each row's key, and the candidate that it named before.
Moved = dict[str, list[Any]]


def move_words(other: NonLocalizedEvent, kept: NonLocalizedEvent) -> Moved:
    """Move verdicts, requests, reports, plans, drafts, alarms and follows to another event.

    Return what moved. A target with a verdict or a request is a candidate of the kept event,
    wherever its map is.
    """
    said = Exists(Verdict.objects.filter(candidate=OuterRef("pk")))
    asked = Exists(ObservationRequest.objects.filter(candidate=OuterRef("pk")))
    spoken = EventCandidate.objects.filter(said | asked, event=other)
    theirs = dict(spoken.values_list("target", "pk"))
    adopt_candidates(other, kept, theirs)
    mine = EventCandidate.objects.filter(event=kept, target__in=theirs)
    twins = {theirs[target]: pk for target, pk in mine.values_list("target", "pk")}
    moved: Moved = {
        "verdicts": _move_verdicts(twins),
        "requests": _move_requests(other, kept, twins),
        "reports": _move_all(Report, other, kept),
        "plans": _move_all(Plan, other, kept),
        "drafts": _move_all(CircularDraft, other, kept),
        "alarms": _move_alarms(other, kept),
        "follows": _copy_follows(other, kept),
    }
    _show([*twins.values(), *twins])
    return moved


def give_back_words(moved: Moved, other: NonLocalizedEvent) -> None:
    """Give back what moved; what came since then stays with the kept event."""
    touched: set[int] = set()
    for pk, candidate in moved.get("verdicts", []):
        rows = Verdict.objects.filter(pk=pk)
        touched |= {candidate, *rows.values_list("candidate", flat=True)}
        rows.update(candidate=candidate)
    for pk, candidate in moved.get("requests", []):
        ObservationRequest.objects.filter(pk=pk).update(event=other, candidate=candidate)
    Report.objects.filter(pk__in=moved.get("reports", [])).update(event=other)
    Plan.objects.filter(pk__in=moved.get("plans", [])).update(event=other)
    CircularDraft.objects.filter(pk__in=moved.get("drafts", [])).update(event=other)
    Alarm.objects.filter(pk__in=moved.get("alarms", [])).update(event=other)
    Follow.objects.filter(pk__in=moved.get("follows", [])).delete()
    _show(touched)


def _move_verdicts(twins: dict[int, int]) -> list[Any]:
    rows = Verdict.objects.filter(candidate__in=twins)
    found = list(rows.order_by("pk").values_list("pk", "candidate"))
    for was, now in twins.items():
        rows.filter(candidate=was).update(candidate=now)
    return [list(pair) for pair in found]


def _move_requests(
    other: NonLocalizedEvent, kept: NonLocalizedEvent, twins: dict[int, int]
) -> list[Any]:
    rows = ObservationRequest.objects.filter(event=other)
    found = list(rows.order_by("pk").values_list("pk", "candidate"))
    for pk, was in found:
        now = twins.get(was, was) if was is not None else None
        ObservationRequest.objects.filter(pk=pk).update(event=kept, candidate=now)
    return [list(pair) for pair in found]


def _move_all(
    model: type[Report | Plan | CircularDraft], other: NonLocalizedEvent, kept: NonLocalizedEvent
) -> list[Any]:
    rows = model._base_manager.filter(event=other)
    found = list(rows.order_by("pk").values_list("pk", flat=True))
    rows.update(event=kept)
    return found


def _move_alarms(other: NonLocalizedEvent, kept: NonLocalizedEvent) -> list[Any]:
    """Move the alarms but those that the kept event raised, too: these call nobody any more."""
    raised = set(kept.alarms.values_list("cause", "rule", "turn"))
    theirs = other.alarms.order_by("pk").values_list("pk", "cause", "rule", "turn")
    found = [pk for pk, *what in theirs if tuple(what) not in raised]
    Alarm.objects.filter(pk__in=found).update(event=kept)
    return found


def _copy_follows(other: NonLocalizedEvent, kept: NonLocalizedEvent) -> list[Any]:
    """Who follows the one follows the other, too."""
    follows = Follow.objects.filter(kind=FollowKind.EVENT)
    known = follows.filter(value=kept.event_id).values("user")
    users = follows.filter(value=other.event_id).exclude(user__in=known).values_list("user")
    made = Follow.objects.bulk_create(
        Follow(user_id=user, kind=FollowKind.EVENT, value=kept.event_id) for (user,) in users
    )
    return [row.pk for row in made]


def _show(candidates: Any) -> None:
    rows = EventCandidate.objects.filter(pk__in=list(candidates)).select_related("event")
    for candidate in rows.order_by("pk"):
        show_newest(candidate)
