"""Send a request through the outbox, settle an unknown outcome, cancel a request."""

from collections.abc import Callable
from functools import partial

from django.utils import timezone

from tom.changes.addresses import RestingError, check_rest
from tom.followup.asking import why_not
from tom.followup.exchanges import facility_for
from tom.followup.facilities import UnknownFacilityError
from tom.followup.facilities.contract import Facility, Remote
from tom.followup.models import ObservationRequest
from tom.followup.progress import accept, record_progress
from tom.followup.states import SENDABLE, RequestState
from tom.followup.stopping import hold_request, is_sending
from tom.followup.strays import first_found
from tom.outbox import sending
from tom.outbox.errors import LookUpFailedError, OutcomeError, RejectedError
from tom.outbox.moves import move, note
from tom.outbox.sending import Words, is_settled

_WORDS = Words(
    not_asked="The facility could not be asked",
    not_there="The facility does not have it so far. We ask again before we send it again",
)


def submit_request(request: ObservationRequest) -> bool:
    """Send an approved request; return whether this call was the one that sent it.

    The key was stored when the request was made. Without a definite answer the request becomes
    UNKNOWN. Then only `reconcile_request` moves it on: it asks the facility for the key.
    """
    request = _read(request.pk)
    if request.state not in SENDABLE or not is_sending():
        return False
    return _send(request)


def reconcile_request(request: ObservationRequest) -> bool:
    """Settle a request whose outcome is unknown, by asking the facility for its key.

    If the facility has it, it is accepted. If the facility does not have it after the quiet time,
    it is sent again with the same key. If the facility cannot be asked, it stays unknown.

    Returns
    -------
    bool
        Whether the facility answers. If not, another question would wait in vain too.
    """
    request = _read(request.pk)
    if request.state != RequestState.UNKNOWN:
        return True
    sent_again: list[bool] = []
    answers = sending.settle(
        request,
        partial(_find, request),
        partial(accept, request, reason="Found at the facility by its key"),
        absent=lambda: sent_again.append(_send_again(request)),
        words=_WORDS,
        now=timezone.now(),
    )
    return answers and not (any(sent_again) and request.state == RequestState.UNKNOWN)


def send_cancel(request: ObservationRequest) -> None:
    """Cancel a request at its facility; if that fails, try again later."""
    request = _read(request.pk)
    if request.state != RequestState.CANCEL_REQUESTED:
        return
    try:
        _cancel_at_facility(request, facility_for(request))
    except (OutcomeError, UnknownFacilityError) as error:
        look_again(request, f"Not cancelled so far: {error}")


def look_again(request: ObservationRequest, reason: str) -> None:
    """Store why a request stays as it is, and look at it again later."""
    sending.look_again(request, reason, now=timezone.now())


def _read(pk: int) -> ObservationRequest:
    return ObservationRequest.objects.select_related("target", "event").get(pk=pk)


def _send(request: ObservationRequest) -> bool:
    facility = _allowed_facility(request)
    if facility is None or _is_resting(request, facility):
        return False
    call: Callable[[], Remote] = partial(facility.submit, request.body, key=request.key)
    return sending.send(request, call, partial(accept, request), now=timezone.now())


def _send_again(request: ObservationRequest) -> bool:
    if is_sending():
        return _send(request)
    look_again(request, "The facility does not have it, and sending is stopped")
    return False


def _find(request: ObservationRequest) -> Remote | None:
    try:
        facility = facility_for(request)
    except UnknownFacilityError as error:
        raise LookUpFailedError(str(error)) from error
    return first_found(request, facility.find(request.key))


def _is_resting(request: ObservationRequest, facility: Facility) -> bool:
    """Postpone a request if its facility's address rests; return whether it rests."""
    try:
        check_rest(facility.address)
    except RestingError as error:
        note(request, reason=str(error), due_at=error.until)
        return True
    return False


def _allowed_facility(request: ObservationRequest) -> Facility | None:
    """Return the facility if the request may be sent now; else hold or end the request."""
    try:
        facility = facility_for(request)
    except UnknownFacilityError as error:
        hold_request(request, reason=str(error))
        return None
    if request.event is not None:  # it may have changed while the facility was asked
        request.event.refresh_from_db()
    refusal = why_not(request.event, facility, target=request.target)
    if refusal:
        hold_request(request, reason=refusal)
        return None
    if request.window_end <= timezone.now():
        move(request, RequestState.EXPIRED, reason="Its window ended before it was sent")
        return None
    return facility


def _cancel_at_facility(request: ObservationRequest, facility: Facility) -> None:
    remote_id = request.remote_id or _find_id(request, facility)
    if not remote_id:
        return
    try:
        remote = facility.cancel(remote_id)
    except RejectedError:
        remote = facility.status(remote_id)
        if not remote.progress.is_end:
            raise
    record_progress(request, remote)


def _find_id(request: ObservationRequest, facility: Facility) -> str:
    settled = is_settled(request, now=timezone.now())
    remote = first_found(request, facility.find(request.key))
    if remote is not None:
        return remote.id
    if not settled:
        look_again(request, "The facility does not have it so far")
    else:
        move(request, RequestState.CANCELED, reason="The facility never had it")
    return ""
