"""The states of a request, and the table of allowed moves."""

from django.db.models import TextChoices

from tom.outbox.table import Table


class RequestState(TextChoices):
    """The state of a request. The facility's own word for its state is kept too, unchanged."""

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
# The facility has the request and gives its progress.
OBSERVED_BY_FACILITY = frozenset({_S.ACCEPTED, _S.SCHEDULED, _S.IN_PROGRESS})
ENDS = frozenset(
    {_S.REJECTED, _S.COMPLETED, _S.EXPIRED, _S.FAILED, _S.CANCELED, _S.COMPLETED_AFTER_CANCEL}
)
UNDER_WAY = frozenset(_S) - ENDS
# States that the outbox may send, and states that a retraction may hold back.
SENDABLE = frozenset({_S.APPROVED, _S.RETRY_AT})
UNSENT = frozenset({_S.PROPOSED, _S.APPROVED, _S.RETRY_AT})

_FACILITY_MAY_SAY = OBSERVED_BY_FACILITY | {_S.COMPLETED, _S.EXPIRED, _S.FAILED, _S.CANCELED}
# A request that was sent once and is now held or due again. A call that was given up may arrive
# late (accepted), and a cancel goes to the facility.
_MAYBE_THERE = frozenset({_S.ACCEPTED, _S.CANCEL_REQUESTED, _S.CANCELED, _S.EXPIRED})
_OTHERS: dict[str, frozenset[str]] = {
    _S.PROPOSED: frozenset({_S.APPROVED, _S.HELD, _S.CANCELED, _S.EXPIRED}),
    _S.APPROVED: _MAYBE_THERE | {_S.HELD},
    _S.RETRY_AT: _MAYBE_THERE | {_S.HELD},
    _S.HELD: _MAYBE_THERE | {_S.APPROVED},
    _S.SUBMITTING: frozenset({_S.CANCEL_REQUESTED}),
    # It is sent again if the facility surely does not have it.
    _S.UNKNOWN: frozenset({_S.SUBMITTING, _S.HELD, _S.CANCEL_REQUESTED, _S.EXPIRED}),
    _S.ACCEPTED: _FACILITY_MAY_SAY - {_S.ACCEPTED} | {_S.CANCEL_REQUESTED},
    _S.SCHEDULED: _FACILITY_MAY_SAY - {_S.SCHEDULED} | {_S.CANCEL_REQUESTED},
    _S.IN_PROGRESS: _FACILITY_MAY_SAY - {_S.IN_PROGRESS} | {_S.CANCEL_REQUESTED},
    _S.CANCEL_REQUESTED: frozenset({_S.CANCELED, _S.COMPLETED_AFTER_CANCEL, _S.EXPIRED, _S.FAILED}),
    # An end may change: bad data reopen a completed request, a late exposure completes another.
    _S.COMPLETED: OBSERVED_BY_FACILITY | {_S.EXPIRED, _S.FAILED},
    _S.EXPIRED: OBSERVED_BY_FACILITY | {_S.COMPLETED, _S.FAILED},
    _S.FAILED: OBSERVED_BY_FACILITY | {_S.COMPLETED, _S.EXPIRED},
    _S.CANCELED: frozenset({_S.COMPLETED_AFTER_CANCEL}),
    _S.COMPLETED_AFTER_CANCEL: frozenset(),
    _S.REJECTED: frozenset(),
}
TABLE = Table(
    due=_S.APPROVED,
    again=_S.RETRY_AT,
    sending=_S.SUBMITTING,
    sent=_S.ACCEPTED,
    refused=_S.REJECTED,
    unknown=_S.UNKNOWN,
    ends=ENDS,
    others=_OTHERS,
    at_end={"guard": None},
)
LEGAL = TABLE.legal
