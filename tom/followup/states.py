"""The states of a request, and which may follow which: data, not code."""

from django.db.models import TextChoices


class RequestState(TextChoices):
    """Where a request stands. The facility's own word for it is kept beside, unchanged."""

    PROPOSED = "proposed", "Proposed"
    APPROVED = "approved", "Approved"
    HELD = "held", "Held"
    SUBMITTING = "submitting", "Submitting"
    ACCEPTED = "accepted", "Accepted"
    REJECTED = "rejected", "Rejected"
    RETRY_AT = "retry_at", "Waiting to retry"
    UNKNOWN = "unknown", "Outcome unknown"
    SCHEDULED = "scheduled", "Scheduled"
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETED = "completed", "Completed"
    EXPIRED = "expired", "Expired"
    FAILED = "failed", "Failed"
    CANCEL_REQUESTED = "cancel_requested", "Cancel requested"
    CANCELED = "canceled", "Canceled"
    COMPLETED_AFTER_CANCEL = "completed_after_cancel", "Completed after cancel"


_S = RequestState
# Where the facility has it and says how it goes.
OBSERVED_BY_FACILITY = frozenset({_S.ACCEPTED, _S.SCHEDULED, _S.IN_PROGRESS})
ENDS = frozenset(
    {_S.REJECTED, _S.COMPLETED, _S.EXPIRED, _S.FAILED, _S.CANCELED, _S.COMPLETED_AFTER_CANCEL}
)
LIVE = frozenset(_S) - ENDS
# What the outbox may send, and what a retraction may hold back.
SENDABLE = frozenset({_S.APPROVED, _S.RETRY_AT})
UNSENT = frozenset({_S.PROPOSED, _S.APPROVED, _S.RETRY_AT})

_FACILITY_MAY_SAY = OBSERVED_BY_FACILITY | {_S.COMPLETED, _S.EXPIRED, _S.FAILED, _S.CANCELED}
LEGAL: dict[RequestState, frozenset[RequestState]] = {
    _S.PROPOSED: frozenset({_S.APPROVED, _S.HELD, _S.CANCELED, _S.EXPIRED}),
    # Cancelled through the facility where it was sent before, held and released.
    # Accepted where a call that was given up came through late, as below.
    _S.APPROVED: frozenset(
        {
            _S.SUBMITTING,
            _S.HELD,
            _S.ACCEPTED,
            _S.CANCEL_REQUESTED,
            _S.CANCELED,
            _S.EXPIRED,
        }
    ),
    _S.HELD: frozenset({_S.APPROVED, _S.ACCEPTED, _S.CANCEL_REQUESTED, _S.CANCELED, _S.EXPIRED}),
    _S.SUBMITTING: frozenset(
        {_S.ACCEPTED, _S.REJECTED, _S.RETRY_AT, _S.UNKNOWN, _S.CANCEL_REQUESTED}
    ),
    _S.RETRY_AT: frozenset(
        {
            _S.SUBMITTING,
            _S.HELD,
            _S.ACCEPTED,
            _S.CANCEL_REQUESTED,
            _S.CANCELED,
            _S.EXPIRED,
        }
    ),
    _S.UNKNOWN: frozenset({_S.ACCEPTED, _S.SUBMITTING, _S.HELD, _S.CANCEL_REQUESTED, _S.EXPIRED}),
    _S.ACCEPTED: _FACILITY_MAY_SAY - {_S.ACCEPTED} | {_S.CANCEL_REQUESTED},
    _S.SCHEDULED: _FACILITY_MAY_SAY - {_S.SCHEDULED} | {_S.CANCEL_REQUESTED},
    _S.IN_PROGRESS: _FACILITY_MAY_SAY - {_S.IN_PROGRESS} | {_S.CANCEL_REQUESTED},
    _S.CANCEL_REQUESTED: frozenset({_S.CANCELED, _S.COMPLETED_AFTER_CANCEL, _S.EXPIRED, _S.FAILED}),
    # Ends are soft: bad data reopens a completed request, a late exposure completes a dead one.
    _S.COMPLETED: OBSERVED_BY_FACILITY | {_S.EXPIRED, _S.FAILED},
    _S.EXPIRED: OBSERVED_BY_FACILITY | {_S.COMPLETED, _S.FAILED},
    _S.FAILED: OBSERVED_BY_FACILITY | {_S.COMPLETED, _S.EXPIRED},
    _S.CANCELED: frozenset({_S.COMPLETED_AFTER_CANCEL}),
    _S.COMPLETED_AFTER_CANCEL: frozenset(),
    _S.REJECTED: frozenset(),
}
