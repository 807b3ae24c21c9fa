"""What was observed for our requests, as pointings: so it counts in the coverage of an event."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.utils import timezone

from tom.followup.exchanges import facility_for, facility_for_many
from tom.followup.facilities.contract import Observed
from tom.followup.models import ObservationRequest
from tom.followup.states import RequestState
from tom.outbox.errors import LookUpFailedError
from tom.pointings.instruments import Instrument, find_instrument
from tom.pointings.keeping import Told, keep_pointings
from tom.pointings.models import Pointing, Source, Status
from tom.targets.photometry_table import plain_band

DONE = (RequestState.COMPLETED, RequestState.COMPLETED_AFTER_CANCEL)
# Of one facility, in one turn: each costs a call.
MOST_ASKED = 20


def keep_observed(name: str) -> int:
    """Ask a facility what it took for the requests that it completed; return how many pointings.

    Only what a real telescope took for a request that everybody here may see becomes pointings, and
    only if the camera's field of view is known. A request is asked for once. Whose data were judged
    bad later is taken back.
    """
    take_back(name)
    if not facility_for_many(name).is_real:
        return 0
    added = 0
    for request in _due(name)[:MOST_ASKED]:
        camera = find_instrument(request.instrument)
        try:
            observed = facility_for(request).observed(request.remote_id) if camera else []
        except LookUpFailedError:
            return added  # the next poll asks again
        if camera:
            added += _keep(request, camera, observed)
        ObservationRequest.objects.filter(pk=request.pk, state=request.state).update(
            observed_told=timezone.now()
        )
    return added


def take_back(name: str) -> None:
    """Cancel the pointings of requests that are no longer complete."""
    reopened = ObservationRequest.objects.filter(facility=name, observed_told__isnull=False)
    for request in reopened.exclude(state__in=DONE):
        own = Pointing.objects.filter(source=Source.OWN, event=request.event_id)
        own.filter(external_id__startswith=f"{request.key}:").update(status=Status.CANCELLED)
        ObservationRequest.objects.filter(pk=request.pk).update(observed_told=None)


def _due(name: str) -> QuerySet[ObservationRequest]:
    """The completed requests of which it was not asked yet what was taken, the oldest first."""
    rows = ObservationRequest.objects.filter(
        facility=name, state__in=DONE, is_public=True, observed_told=None
    )
    return rows.exclude(remote_id="").select_related("event").order_by("pk")


def _keep(request: ObservationRequest, camera: Instrument, observed: Sequence[Observed]) -> int:
    told = [
        Told(
            external_id=f"{request.key}:{each.id}"[:100],
            facility=f"{camera.facility} {each.site}".strip()[:100],
            instrument=camera.name,
            shape=camera.shape,
            ra=each.ra,
            dec=each.dec,
            time=each.start,
            exposure_s=each.seconds,
            band=plain_band(each.element)[:20],
            status=Status.COMPLETED,
        )
        for each in observed
    ]
    return keep_pointings(told, source=Source.OWN, event=request.event, group=None).added
