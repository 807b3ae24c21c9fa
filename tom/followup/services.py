"""The functions that other stages call: ask for an observation, send, follow, cancel, hold."""

from tom.followup.asking import (
    DuplicateRequestError,
    RefusedRequestError,
    request_observation,
)
from tom.followup.exchanges import forget_polls
from tom.followup.facilities import UnknownFacilityError, available_facilities, get_facility
from tom.followup.following import (
    DueRequests,
    due_facilities,
    due_requests,
    follow_facility,
    poll_requests,
)
from tom.followup.listing import due_listings, list_instruments
from tom.followup.sending import reconcile_request, send_cancel, submit_request
from tom.followup.spec import InvalidSpecError
from tom.followup.stopping import (
    cancel_request,
    going_on,
    is_sending,
    release_request,
    resume_sending,
    stop_requests,
    stop_sending,
    why_not_release,
)
from tom.outbox.table import IllegalMoveError

__all__ = [
    "DueRequests",
    "DuplicateRequestError",
    "IllegalMoveError",
    "InvalidSpecError",
    "RefusedRequestError",
    "UnknownFacilityError",
    "available_facilities",
    "cancel_request",
    "due_facilities",
    "due_listings",
    "due_requests",
    "follow_facility",
    "forget_polls",
    "get_facility",
    "going_on",
    "is_sending",
    "list_instruments",
    "poll_requests",
    "reconcile_request",
    "release_request",
    "request_observation",
    "resume_sending",
    "send_cancel",
    "stop_requests",
    "stop_sending",
    "submit_request",
    "why_not_release",
]
