"""The outbox: send a request exactly once, settle what is not known, cancel."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from tom.followup.asking import why_not
from tom.followup.exchanges import facility_for
from tom.followup.facilities import UnknownFacilityError
from tom.followup.facilities.contract import (
    Facility,
    LookUpFailedError,
    NothingSentError,
    RejectedError,
    UnknownOutcomeError,
)
from tom.followup.models import ObservationRequest
from tom.followup.progress import accept, record_progress
from tom.followup.states import SENDABLE, RequestState
from tom.followup.stopping import hold_request, is_sending
from tom.followup.strays import FIRST_LOOK, first_found
from tom.followup.transitions import note, transition
from tom.live.addresses import RestingError, check_rest

logger = logging.getLogger(__name__)

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=10)


def submit_request(request: ObservationRequest) -> bool:
    """Send an approved request; return whether this call was the one that sent it.

    The key was stored when the request was made. Whatever is not a definite answer leaves the
    request UNKNOWN: only `reconcile_request`, which asks the facility for the key, moves it on.
    """
    request = _read(request.pk)
    if request.state not in SENDABLE or not is_sending():
        return False
    return _send(request)


def reconcile_request(request: ObservationRequest) -> bool:
    """Settle a request whose outcome is unknown, by asking the facility for its key.

    Found: it is accepted. Surely not there once the quiet time is over: it is sent again with
    the same key. The facility cannot be asked: it stays unknown, and says so.

    Returns
    -------
    bool
        Whether the facility answers: where not, another question would only wait as long.
    """
    request = _read(request.pk)
    if request.state != RequestState.UNKNOWN:
        return True
    settled = is_settled(request)
    try:
        remote = first_found(request, facility_for(request).find(request.key))
    except (LookUpFailedError, UnknownFacilityError) as error:
        look_again(request, f"The facility could not be asked: {error}")
        return False
    if remote is not None:
        accept(request, remote, reason="Found at the facility by its key")
    elif not settled:
        look_again(request, "Not at the facility so far; asked again before it is sent again")
    elif not is_sending():
        look_again(request, "Not at the facility; sending is stopped")
    elif _send(request):
        return request.state != RequestState.UNKNOWN
    return True


def send_cancel(request: ObservationRequest) -> None:
    """Tell the facility of a cancel; what is not answered is asked again later."""
    request = _read(request.pk)
    if request.state != RequestState.CANCEL_REQUESTED:
        return
    try:
        _cancel_at_facility(request, facility_for(request))
    except (
        NothingSentError,
        RejectedError,
        UnknownOutcomeError,
        LookUpFailedError,
        UnknownFacilityError,
    ) as error:
        look_again(request, f"Not cancelled so far: {error}")


def lose_answer(request: ObservationRequest, *, reason: str, retry_at: datetime) -> None:
    """Call unknown what was still being sent until now: from now on it may turn up.

    One that a person cancelled meanwhile may too, and stays as it is.
    """
    ObservationRequest.objects.filter(
        pk=request.pk,
        attempts=request.attempts,
        state__in=[RequestState.SUBMITTING, RequestState.CANCEL_REQUESTED],
    ).update(sent=timezone.now(), strays_due=timezone.now() + FIRST_LOOK)
    transition(request, RequestState.UNKNOWN, reason=reason, retry_at=retry_at)


def look_again(request: ObservationRequest, reason: str) -> None:
    """Say why a request stays as it is, and look at it again in a while."""
    note(request, reason=reason, retry_at=_back_off(request))


def is_settled(request: ObservationRequest) -> bool:
    """Whether a request that the facility, asked from now on, does not have was never taken."""
    quiet = timedelta(seconds=settings.REQUEST_QUIET_SECONDS)
    return timezone.now() >= (request.sent or request.created) + quiet


def _read(pk: int) -> ObservationRequest:
    return ObservationRequest.objects.select_related("target", "event").get(pk=pk)


def _send(request: ObservationRequest) -> bool:
    facility = _allowed_facility(request)
    if facility is None or _is_resting(request, facility) or not _claim(request):
        return False
    try:
        remote = facility.submit(request.body, key=request.key)
    except NothingSentError as error:  # refused connection, 429
        retry_at = error.retry_at or _back_off(request)
        transition(request, RequestState.RETRY_AT, reason=str(error), retry_at=retry_at)
    except RejectedError as refusal:  # a definite 4xx
        transition(request, RequestState.REJECTED, reason=str(refusal))
    except UnknownOutcomeError as error:  # timeout, reset, 5xx, unreadable
        lose_answer(request, reason=str(error), retry_at=_back_off(request))
    except OperationalError:
        raise  # the database is away
    # Whatever else came of it, it may have been taken.
    except Exception as error:
        logger.exception("A request broke while it was sent", extra={"request_id": request.pk})
        reason = f"It broke while it was sent: {type(error).__name__}"
        lose_answer(request, reason=reason, retry_at=_back_off(request))
    else:
        accept(request, remote)
    return True


def _is_resting(request: ObservationRequest, facility: Facility) -> bool:
    """Leave a request for later where its facility is silent."""
    try:
        check_rest(facility.address)
    except RestingError as error:
        note(request, reason=str(error), retry_at=error.until)
        return True
    return False


def _claim(request: ObservationRequest) -> bool:
    return transition(
        request,
        RequestState.SUBMITTING,
        attempts=request.attempts + 1,
        sent=timezone.now(),
        retry_at=None,
    )


def _allowed_facility(request: ObservationRequest) -> Facility | None:
    """Return the facility where the request may go there now, else put it aside."""
    try:
        facility = facility_for(request)
    except UnknownFacilityError as error:
        hold_request(request, reason=str(error))
        return None
    if request.event is not None:  # it may have said more while the facility was asked
        request.event.refresh_from_db()
    refusal = why_not(request.event, facility, target=request.target)
    if refusal:
        hold_request(request, reason=refusal)
        return None
    if request.window_end <= timezone.now():
        transition(request, RequestState.EXPIRED, reason="Its window ended before it was sent")
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
    settled = is_settled(request)
    remote = first_found(request, facility.find(request.key))
    if remote is not None:
        return remote.id
    if not settled:
        look_again(request, "Not at the facility so far")
    else:
        transition(request, RequestState.CANCELED, reason="The facility never had it")
    return ""


def _back_off(request: ObservationRequest) -> datetime:
    """Return when to try again: later with every attempt, and with the time since the last."""
    now = timezone.now()
    since = now - (request.sent or request.created)
    wait = max(FIRST_RETRY * float(2 ** min(request.attempts, 8)) / 2, since / 4)
    return now + min(wait, LONGEST_RETRY)
