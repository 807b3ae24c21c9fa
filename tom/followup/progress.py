"""Write a facility's answer about a request into our rows."""

from django.db import transaction
from django.utils import timezone

from tom.followup.facilities.contract import Progress, Remote
from tom.followup.models import FacilityWatch, ObservationRequest, ObservationRequestQuerySet
from tom.followup.records import mirror
from tom.followup.states import LEGAL, RequestState
from tom.outbox.moves import move

_S = RequestState
_STATE_OF = {
    Progress.PENDING: _S.ACCEPTED,
    Progress.SCHEDULED: _S.SCHEDULED,
    Progress.IN_PROGRESS: _S.IN_PROGRESS,
    Progress.COMPLETED: _S.COMPLETED,
    Progress.EXPIRED: _S.EXPIRED,
    Progress.FAILED: _S.FAILED,
    Progress.CANCELED: _S.CANCELED,
}


def accept(request: ObservationRequest, remote: Remote, *, reason: str = "") -> None:
    """Store that the facility has the request, and its progress there."""
    with transaction.atomic():
        if move(
            request,
            _S.ACCEPTED,
            reason=reason,
            remote_id=remote.id,
            remote_state=remote.state,
            polled=timezone.now(),
            due_at=None,
        ):
            mirror(request)
            record_progress(request, remote)
        elif unknown := ObservationRequest.objects.filter(
            pk=request.pk, state=_S.UNKNOWN
        ).first():  # this worker was given up, but got the answer
            accept(unknown, remote, reason="The answer came late")
        else:  # a person cancelled the request meanwhile: the cancel needs the id
            _write(ObservationRequest.objects.filter(pk=request.pk, remote_id=""), request, remote)
        FacilityWatch.objects.filter(facility=request.facility).update(next_poll=timezone.now())


def record_progress(request: ObservationRequest, remote: Remote) -> bool:
    """Store the facility's answer; return whether the request's state changed."""
    old = RequestState(request.state)
    new = state_after(old, remote.progress)
    if new == old:
        _write(ObservationRequest.objects.filter(pk=request.pk, state=old), request, remote)
        return False
    with transaction.atomic():
        if changed := move(
            request,
            new,
            reason=_reason(old, new),
            remote_id=remote.id,
            remote_state=remote.state,
            polled=timezone.now(),
            due_at=None,
        ):
            mirror(request)
    return changed


def state_after(old: RequestState, progress: Progress) -> RequestState:
    """Return the state after the facility's answer; `old` if the table allows no such move."""
    new = _STATE_OF[progress]
    if new is _S.COMPLETED and old in {_S.CANCEL_REQUESTED, _S.CANCELED}:
        new = _S.COMPLETED_AFTER_CANCEL
    return new if new in LEGAL[old] else old


def _write(rows: ObservationRequestQuerySet, request: ObservationRequest, remote: Remote) -> None:
    """Write the facility's id and state, if they are new, into `rows`: the request's own row."""
    if (request.remote_id, request.remote_state) == (remote.id, remote.state):
        return
    with transaction.atomic():
        if rows.update(remote_id=remote.id, remote_state=remote.state):
            request.remote_id, request.remote_state = remote.id, remote.state
            mirror(request)


def _reason(old: RequestState, new: RequestState) -> str:
    if new is _S.CANCELED and old is not _S.CANCEL_REQUESTED:
        return "Cancelled at the facility"
    return ""
