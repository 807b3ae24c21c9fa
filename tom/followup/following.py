"""Follow requests: find due and interrupted ones, and ask the facilities for their progress."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from tom.followup.exchanges import facility_for_many
from tom.followup.facilities import UnknownFacilityError
from tom.followup.facilities.contract import Facility, RemoteChanges, Sent
from tom.followup.models import (
    FacilityWatch,
    ObservationRequest,
    ObservationRequestQuerySet,
)
from tom.followup.observed import keep_observed
from tom.followup.progress import record_progress
from tom.followup.sending import look_again, reconcile_request
from tom.followup.states import OBSERVED_BY_FACILITY, SENDABLE, RequestState
from tom.followup.stopping import is_sending
from tom.followup.strays import claim_strays, due_strays, seek_strays
from tom.outbox.errors import LookUpFailedError
from tom.outbox.models import due
from tom.outbox.sending import claim_look, give_up
from tom.outbox.waits import Waits

logger = logging.getLogger(__name__)

NUDGED_AGAIN_AFTER = timedelta(seconds=30)
# Much longer than it takes to ask each facility. After it, the worker that asked counts as lost.
LEASE = timedelta(minutes=2)
IDLE_POLL = timedelta(minutes=10)
AFTER_A_FAILED_POLL = Waits(timedelta(seconds=10), timedelta(minutes=10))
# Some days after the window, data may be judged bad, or a late exposure may come.
SOFT_END = timedelta(days=7)
# Our clock and a facility's may differ by this much.
CLOCKS_APART = timedelta(days=1)
# States in which a facility has more to do.
OPEN = OBSERVED_BY_FACILITY | {RequestState.CANCEL_REQUESTED}


@dataclass(frozen=True)
class DueRequests:
    """Primary keys of the requests that the sweep should hand to the outbox."""

    submit: list[int]
    cancel: list[int]


def due_requests(now: datetime) -> DueRequests:
    """Return the due requests, and postpone each so that the next sweep does not return it too."""
    cancel = _hand_out([RequestState.CANCEL_REQUESTED], now)
    submit = _hand_out(SENDABLE, now) if is_sending() else []
    return DueRequests(submit=submit, cancel=cancel)


def due_facilities(now: datetime) -> list[str]:
    """Name the facilities with something due: a poll, an interrupted or unknown request, copies."""
    waiting = FacilityWatch.objects.filter(next_poll__gt=now).values("facility")
    to_poll = followed(now).exclude(facility__in=waiting)
    rows = to_poll | _interrupted(now) | _due([RequestState.UNKNOWN], now) | due_strays(now)
    return list(rows.order_by("facility").values_list("facility", flat=True).distinct())


def follow_facility(facility: str, now: datetime) -> None:
    """Settle the unknown requests of one facility and ask for its progress, if these are due.

    Everything due is claimed before the first question. So a facility that does not answer delays
    this call only: calls that come meanwhile find nothing due.
    """
    mark_interrupted(facility, now)
    unknown = _claim_unknown(facility, now)
    doubtful = claim_strays(facility, now, lease=LEASE)
    is_polled = followed(now).filter(facility=facility).exists() and _claim_poll(facility, now)
    if _settle(unknown):
        _seek_strays(doubtful)  # else they are due again when the lease ends
    if is_polled:
        _poll(facility, now)


def mark_interrupted(facility: str, now: datetime) -> None:
    """Mark as unknown the requests that a dead worker was sending: each may have arrived or not."""
    for request in _interrupted(now).filter(facility=facility):
        give_up(request, "Interrupted while it was sent", now=now)


def followed(now: datetime) -> ObservationRequestQuerySet:
    """Return the requests that a facility has and whose state may still change there."""
    return ObservationRequest.objects.exclude(remote_id="").filter(
        Q(state__in=OPEN) | Q(window_end__gt=now - SOFT_END)
    )


def poll_requests(facility: str, now: datetime) -> int:
    """Ask one facility in bulk what changed; return how many requests changed their state."""
    watch, _ = FacilityWatch.objects.get_or_create(facility=facility, defaults={"next_poll": now})
    # Read before the question: the answer knows nothing of later changes here.
    ours = list(followed(now).filter(facility=facility))
    sent = [Sent(each.remote_id, each.body, is_open=each.state in OPEN) for each in ours]
    try:
        place = facility_for_many(facility)
        changes = place.changes(_since(watch, ours, now), sent=sent)
    except (LookUpFailedError, UnknownFacilityError) as error:
        _note_failure(watch, error)
        return 0
    changed = _record_changes(ours, changes)
    _note_answer(watch, changes, place, busy=any(each.is_open for each in sent))
    keep_observed(facility)
    return changed


def _interrupted(now: datetime) -> ObservationRequestQuerySet:
    return _due([RequestState.SUBMITTING], now)


def _due(states: Iterable[RequestState], now: datetime) -> ObservationRequestQuerySet:
    return ObservationRequest.objects.filter(due(now), state__in=states)


def _hand_out(states: Iterable[RequestState], now: datetime) -> list[int]:
    rows = _due(states, now)
    keys = list(rows.values_list("pk", flat=True))
    rows.filter(pk__in=keys).update(due_at=now + NUDGED_AGAIN_AFTER)
    return keys


def _claim_unknown(facility: str, now: datetime) -> list[ObservationRequest]:
    rows = _due([RequestState.UNKNOWN], now).filter(facility=facility)
    return [request for request in rows if claim_look(request, now=now, lease=LEASE)]


def _settle(requests: Iterable[ObservationRequest]) -> bool:
    """Settle one facility's requests while it answers; return whether it answered every time."""
    answers = True
    for request in requests:
        if answers:
            answers = _reconcile(request)
        else:
            look_again(request, "The facility could not be asked: it did not answer for another")
    return answers


def _reconcile(request: ObservationRequest) -> bool:
    try:
        return reconcile_request(request)
    except OperationalError:
        raise  # the database is away
    # An error of one request must not stop the others.
    except Exception as error:
        logger.exception("A request could not be settled", extra={"request_id": request.pk})
        look_again(request, f"It could not be settled: {type(error).__name__}")
        return True


def _seek_strays(requests: Iterable[ObservationRequest]) -> None:
    """Look for second copies while the facility answers; the lease postpones the rest."""
    for request in requests:
        try:
            if not seek_strays(request):
                return
        except OperationalError:
            raise
        # An error of one request must not stop the others. Its lease stays.
        except Exception:
            logger.exception("Looking for copies failed", extra={"request_id": request.pk})


def _poll(name: str, now: datetime) -> None:
    try:
        poll_requests(name, now)
    except OperationalError:
        raise
    # An error of one facility must not stop the others. It is asked again when its lease ends.
    except Exception as error:
        logger.exception("A facility could not be followed", extra={"facility": name})
        FacilityWatch.objects.filter(facility=name).update(detail=type(error).__name__)


def _claim_poll(name: str, now: datetime) -> bool:
    FacilityWatch.objects.get_or_create(facility=name, defaults={"next_poll": now})
    due = FacilityWatch.objects.filter(facility=name, next_poll__lte=now)
    return bool(due.update(next_poll=now + LEASE))


def _since(watch: FacilityWatch, ours: Sequence[ObservationRequest], now: datetime) -> datetime:
    """Return the time from which to ask for changes: before it, none of ours had been sent."""
    first = min((request.tried_at or now for request in ours), default=now) - CLOCKS_APART
    return max(first, watch.read_until or first)


def _record_changes(ours: Iterable[ObservationRequest], changes: RemoteChanges) -> int:
    told = {remote.id: remote for remote in changes.remotes}
    known = [
        request
        for request in ours
        if request.remote_id in told and told[request.remote_id].key in {"", request.key}
    ]
    ObservationRequest.objects.filter(pk__in=[request.pk for request in known]).update(
        polled=timezone.now()
    )
    return sum(record_progress(request, told[request.remote_id]) for request in known)


def _note_failure(watch: FacilityWatch, error: Exception) -> None:
    _poll_next(watch, AFTER_A_FAILED_POLL.after(watch.failures + 1))
    FacilityWatch.objects.filter(pk=watch.pk).update(failures=watch.failures + 1, detail=str(error))


def _note_answer(
    watch: FacilityWatch, changes: RemoteChanges, place: Facility, *, busy: bool
) -> None:
    _poll_next(watch, timedelta(seconds=place.poll_seconds) if busy else IDLE_POLL)
    FacilityWatch.objects.filter(pk=watch.pk).update(
        failures=0, detail=changes.unread, last_answer=timezone.now(), read_until=changes.read_until
    )


def _poll_next(watch: FacilityWatch, wait: timedelta) -> None:
    """Poll again after `wait`, or sooner if a request was accepted meanwhile."""
    same = FacilityWatch.objects.filter(pk=watch.pk, next_poll=watch.next_poll)
    same.update(next_poll=timezone.now() + wait)
