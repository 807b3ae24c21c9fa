"""Write what a facility says of a request into our rows."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from tom.followup.facilities.contract import Progress, Remote
from tom.followup.models import FacilityWatch, ObservationRequest
from tom.followup.records import mirror_accepted, mirror_status
from tom.followup.states import LEGAL, RequestState
from tom.followup.transitions import transition

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
    """Keep that the facility has the request."""
    with transaction.atomic():
        if transition(
            request,
            _S.ACCEPTED,
            reason=reason,
            remote_id=remote.id,
            remote_state=remote.state,
            polled=timezone.now(),
            retry_at=None,
        ):
            mirror_accepted(request)
        else:  # a person cancelled meanwhile: the cancel needs the id
            unnamed = ObservationRequest.objects.filter(pk=request.pk, remote_id="")
            unnamed.update(remote_id=remote.id, remote_state=remote.state)
        FacilityWatch.objects.filter(facility=request.facility).update(next_poll=timezone.now())


def record_progress(request: ObservationRequest, remote: Remote) -> bool:
    """Keep what the facility says; return whether the request's state changed."""
    told: dict[str, Any] = {
        "remote_id": remote.id,
        "remote_state": remote.state,
        "polled": timezone.now(),
    }
    old = RequestState(request.state)
    new = state_after(old, remote.progress)
    with transaction.atomic():
        if new != old:
            changed = transition(request, new, reason=_reason(old, new), retry_at=None, **told)
        else:
            ObservationRequest.objects.filter(pk=request.pk).update(**told)
            changed = False
        request.remote_state = remote.state
        mirror_status(request)
    return changed


def state_after(old: RequestState, progress: Progress) -> RequestState:
    """Return the state that the facility's word leads to; `old` where it leads nowhere."""
    new = _STATE_OF[progress]
    if new is _S.COMPLETED and old in {_S.CANCEL_REQUESTED, _S.CANCELED}:
        new = _S.COMPLETED_AFTER_CANCEL
    return new if new in LEGAL[old] else old


def _reason(old: RequestState, new: RequestState) -> str:
    if new is _S.CANCELED and old is not _S.CANCEL_REQUESTED:
        return "Cancelled at the facility"
    return ""
