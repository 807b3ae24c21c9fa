"""Cancel requests, hold requests back, and stop all sending."""

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from tom.events.models import NonLocalizedEvent
from tom.followup.asking import RefusedRequestError, why_not
from tom.followup.facilities import UnknownFacilityError, get_facility
from tom.followup.models import ObservationRequest, ObservationRequestQuerySet, OutboxSwitch
from tom.followup.states import OBSERVED_BY_FACILITY, UNSENT, RequestState
from tom.outbox.moves import move

# A request in one of these states that was never sent ends at once. Any other one has to be
# cancelled at the facility.
_AT_OUR_SIDE = UNSENT | {RequestState.HELD}
_AT_THE_FACILITY = OBSERVED_BY_FACILITY | {RequestState.SUBMITTING, RequestState.UNKNOWN}


def cancel_request(
    request: ObservationRequest, by: AbstractBaseUser | None, *, reason: str = ""
) -> bool:
    """Cancel a request; return False if it changed meanwhile: read it again then.

    A request that was never sent ends now. For any other, the caller wakes `send_cancel`.

    Raises
    ------
    IllegalMoveError
        If the request has ended.
    """
    if request.state in _AT_OUR_SIDE and not request.attempts:
        return move(request, RequestState.CANCELED, reason="Never sent", by=by)
    return move(request, RequestState.CANCEL_REQUESTED, reason=reason, by=by, due_at=timezone.now())


def stop_requests(event: NonLocalizedEvent, *, reason: str) -> None:
    """Stop what is asked for a retracted event, in the caller's transaction.

    What was not sent is held. What a facility has is cancelled if whoever asked for it said so:
    `due_requests` has it then. The rest goes on until a person cancels it.
    """
    hold_unsent(event, reason=reason)
    for request in going_on(event).filter(cancel_if_retracted=True):
        cancel_request(request, None, reason=reason)


def hold_unsent(event: NonLocalizedEvent, *, reason: str) -> list[int]:
    """Hold the event's unsent requests, in the caller's transaction; return their keys."""
    unsent = ObservationRequest.objects.filter(event=event, state__in=UNSENT)
    return [request.pk for request in unsent if hold_request(request, reason=reason)]


def going_on(event: NonLocalizedEvent) -> ObservationRequestQuerySet:
    """Return a retracted event's requests that a facility has or may have and nobody cancelled."""
    if not event.retracted:
        return ObservationRequest.objects.none()
    return ObservationRequest.objects.filter(event=event, state__in=_AT_THE_FACILITY)


def hold_request(request: ObservationRequest, *, reason: str) -> bool:
    """Hold one unsent request until a person releases or cancels it."""
    return move(request, RequestState.HELD, reason=reason, due_at=None)


def why_not_release(request: ObservationRequest) -> str:
    """Say why a request has to stay held; "" if a person may release it."""
    try:
        facility = get_facility(request.facility)
    except UnknownFacilityError as error:
        return str(error)
    return why_not(request.event, facility, target=request.target)


def release_request(request: ObservationRequest, by: AbstractBaseUser) -> bool:
    """Let a held request be sent after all; the caller wakes the outbox.

    Raises
    ------
    IllegalMoveError
        If the request is not held.
    RefusedRequestError
        If the request would be held again at once; the message says why.
    """
    refusal = why_not_release(request)
    if refusal:
        raise RefusedRequestError(refusal)
    return move(request, RequestState.APPROVED, reason="Released", by=by, due_at=timezone.now())


def is_sending() -> bool:
    """Whether the outbox may send."""
    return not OutboxSwitch.objects.filter(sending=False).exists()


def stop_sending(by: AbstractBaseUser, *, reason: str) -> None:
    """Stop all sending of requests; cancels and questions still go to facilities."""
    _set_switch(sending=False, by=by, reason=reason)


def resume_sending(by: AbstractBaseUser) -> None:
    """Let the outbox send again."""
    _set_switch(sending=True, by=by, reason="")


def _set_switch(*, sending: bool, by: AbstractBaseUser, reason: str) -> None:
    OutboxSwitch.objects.update_or_create(
        pk=1, defaults={"sending": sending, "reason": reason, "changed_by_id": by.pk}
    )
