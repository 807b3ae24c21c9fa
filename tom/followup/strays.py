"""Second copies of a request at its facility: find them, keep one, cancel the others.

A call that we gave up may arrive long after the quiet time. By then the request may have been sent
again, cancelled or held. So after each lost answer we ask the facility for the key, with growing
waits, until the request's window is over. No facility accepts a request after its window.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.followup.exchanges import facility_for
from tom.followup.facilities import UnknownFacilityError
from tom.followup.facilities.contract import Facility, Remote
from tom.followup.models import ObservationRequest, ObservationRequestQuerySet, Stray
from tom.followup.patience import STRAYS
from tom.followup.progress import accept
from tom.followup.states import UNSENT, RequestState
from tom.outbox.errors import LookUpFailedError, OutcomeError

logger = logging.getLogger(__name__)

# A call that is under way when the window ends is answered within this time.
AFTER_THE_WINDOW = timedelta(minutes=10)
# The outcome of these requests is already being settled, by the same question.
_BEING_SETTLED = frozenset({RequestState.SUBMITTING, RequestState.UNKNOWN})
# We believe that the facility does not have these requests. If a copy appears, we keep it.
_NOWHERE = UNSENT | {RequestState.HELD}


def due_strays(now: datetime) -> ObservationRequestQuerySet:
    """Return the requests for which a search for copies is due."""
    return ObservationRequest.objects.filter(strays_due__lte=now)


def claim_strays(facility: str, now: datetime, *, lease: timedelta) -> list[ObservationRequest]:
    """Return one facility's requests for which a search is due; each goes to one caller only."""
    due = due_strays(now).filter(facility=facility)
    return [request for request in due if due.filter(pk=request.pk).update(strays_due=now + lease)]


def seek_strays(request: ObservationRequest) -> bool:
    """Ask the facility for every copy of a request; cancel all but the one that we follow.

    If we follow none and a person still wants the request, we follow the first copy from now on.

    Returns
    -------
    bool
        Whether the facility answers.
    """
    request = ObservationRequest.objects.select_related("target").get(pk=request.pk)
    _look_later(request)
    if request.state in _BEING_SETTLED:
        return True
    try:
        facility = facility_for(request)
        copies = facility.find(request.key)
    except (LookUpFailedError, UnknownFacilityError):
        return False
    if not request.remote_id and request.state in _NOWHERE:
        first = first_found(request, copies)
        if first is not None:
            accept(request, first, reason="It reached the facility late")
    _cancel_others(request, facility, copies)
    return True


def first_found(request: ObservationRequest, copies: Sequence[Remote]) -> Remote | None:
    """Return the copy to follow: the first that has not ended, else the first; never a stray."""
    strays = set(request.strays.values_list("remote_id", flat=True))
    ours = [copy for copy in copies if copy.id not in strays]
    return next((copy for copy in ours if not copy.progress.is_end), next(iter(ours), None))


def _cancel_others(
    request: ObservationRequest, facility: Facility, copies: Sequence[Remote]
) -> None:
    request.refresh_from_db(fields=["remote_id", "state"])
    if request.state == RequestState.CANCEL_REQUESTED and not request.remote_id:
        return  # the cancel finds the copy by itself
    for copy in copies:
        if copy.id != request.remote_id:
            _cancel(_keep(request, copy), facility, copy)


def _keep(request: ObservationRequest, copy: Remote) -> Stray:
    with transaction.atomic():
        stray, is_new = Stray.objects.update_or_create(
            request=request, remote_id=copy.id, defaults={"remote_state": copy.state}
        )
        if is_new:
            publish(Topic.REQUEST, request.pk)
    if is_new:
        logger.warning(
            "A facility has a second copy of a request",
            extra={"request_id": request.pk, "remote_id": copy.id},
        )
    return stray


def _cancel(stray: Stray, facility: Facility, copy: Remote) -> None:
    if copy.progress.is_end:
        return
    rows = Stray.objects.filter(pk=stray.pk)
    try:
        canceled = facility.cancel(copy.id)
    except OutcomeError as error:
        rows.update(reason=f"Not cancelled so far: {error}")
    else:
        rows.update(canceled=timezone.now(), remote_state=canceled.state, reason="")
    publish(Topic.REQUEST, stray.request_id)


def _look_later(request: ObservationRequest) -> None:
    """Set the next search: after a quarter of the time since sending; none after the window."""
    now = timezone.now()
    later = now + STRAYS.after(1, now - (request.tried_at or request.created))
    is_over = now >= request.window_end + AFTER_THE_WINDOW
    ObservationRequest.objects.filter(pk=request.pk).update(strays_due=None if is_over else later)
