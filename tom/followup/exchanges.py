"""Keep every call to a facility."""

from datetime import datetime
from functools import partial

from tom.followup.facilities import get_facility
from tom.followup.facilities.contract import Call, Facility
from tom.followup.models import Exchange, ObservationRequest

KEPT_OF_POLL = 500


def facility_for(request: ObservationRequest) -> Facility:
    """Return the request's facility, whose calls are kept with the request."""
    keep = partial(keep_call, facility=request.facility, request=request)
    return get_facility(request.facility, record=keep)


def facility_for_many(name: str) -> Facility:
    """Return a facility whose calls are kept without a request: they concern many requests."""
    return get_facility(name, record=partial(keep_call, facility=name, request=None))


def forget_polls(before: datetime) -> int:
    """Delete calls about many requests from before this time; calls about one request are kept."""
    deleted, _ = Exchange.objects.filter(request=None, created__lt=before).delete()
    return deleted


def keep_call(call: Call, *, facility: str, request: ObservationRequest | None) -> None:
    """Add one call to the log."""
    Exchange.objects.create(
        request=request,
        facility=facility,
        method=call.method,
        url=call.url,
        sent=call.sent,
        status=call.status,
        # A good answer to a poll is long and frequent. Its content is written into the requests.
        received=call.received if request or call.status != 200 else call.received[:KEPT_OF_POLL],
        error=call.error,
        seconds=call.seconds,
    )
