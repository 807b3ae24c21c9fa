"""TOM Toolkit's observation records, kept in step with our requests.

Written in bulk, since the record's own `save` runs the hooks of TOM Toolkit's facilities.
"""

from django.utils import timezone
from tom_observations.models import ObservationRecord

from tom.followup.models import ObservationRequest


def mirror_accepted(request: ObservationRequest) -> None:
    """Write the record of a request that was accepted, in the caller's transaction."""
    if request.record_id is not None:
        return
    record = ObservationRecord(
        target_id=request.target_id,
        user_id=request.created_by_id,
        facility=request.facility,
        parameters=request.body,
        observation_id=request.remote_id,
        status=request.remote_state,
    )
    ObservationRecord.objects.bulk_create([record])
    ObservationRequest.objects.filter(pk=request.pk).update(record=record)
    request.record = record


def mirror_status(request: ObservationRequest) -> None:
    """Write what the facility now says into the record."""
    if request.record_id is not None:
        ObservationRecord.objects.filter(pk=request.record_id).update(
            status=request.remote_state, modified=timezone.now()
        )
