"""TOM Toolkit's observation records, which repeat our requests.

They are written in bulk, because a record's own `save` runs the hooks of TOM Toolkit's facilities.
"""

from django.utils import timezone
from tom_observations.models import ObservationRecord

from tom.followup.models import ObservationRequest


def mirror(request: ObservationRequest) -> None:
    """Write the facility's state of a request into its record; make the record if it is missing.

    A request for fields has no record: TOM Toolkit's are about a target.

    Call it in a transaction that has written the request's row. The row's lock then keeps others
    from making a second record.
    """
    if request.target_id is None:
        return
    request.refresh_from_db(fields=["record"])
    if request.record_id is not None:
        ObservationRecord.objects.filter(pk=request.record_id).update(
            status=request.remote_state, modified=timezone.now()
        )
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
