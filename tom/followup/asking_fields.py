"""Ask for fields of a plan: as many requests as the facility's form needs, stored together."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from tom.events.models import NonLocalizedEvent
from tom.followup.asking import (
    DuplicateRequestError,
    RefusedRequestError,
    approve,
    make_key,
    why_not,
)
from tom.followup.facilities import get_facility
from tom.followup.facilities.contract import Facility
from tom.followup.field_spec import FieldsSpec, read_fields_spec
from tom.followup.models import ObservationRequest

Plain = dict[str, Any]


class NewFields(TypedDict):
    """Which fields a person asks for, and who asks."""

    event: NonLocalizedEvent
    facility: str
    instrument: str
    fields: Sequence[Plain]  # each with the fields of `PlannedField`
    limits: Mapping[str, object]  # the other fields of `FieldsSpec`
    guard: str  # names what is asked for: of one name, one request is under way
    by: AbstractBaseUser
    cancel_if_retracted: bool  # without a person, if the event is retracted


def request_fields(**asked: Unpack[NewFields]) -> list[ObservationRequest]:
    """Store requests for fields, approved by the person who asks; the caller wakes the outbox.

    They are as few as the facility takes, and everybody here may see them. All are stored or none.

    Raises
    ------
    InvalidSpecError
        If they cannot be observed; `errors` names the fields at fault.
    RefusedRequestError
        If the event must not reach this facility, or the facility takes no fields.
    DuplicateRequestError
        If a request of the same guard is under way.
    UnknownFacilityError
        If no such facility is configured.
    """
    facility = get_facility(asked["facility"])
    refusal = why_not(asked["event"], facility, target=None) or _why_no_fields(facility)
    if refusal:
        raise RefusedRequestError(refusal)
    drafts = [
        _draft(asked, facility, read_fields_spec({**asked["limits"], "pointings": part}), number)
        for number, part in enumerate(_parts(asked["fields"], facility))
    ]
    # If two people ask at the same moment, the database stores the requests of one.
    try:
        with transaction.atomic():
            return [approve(draft, asked["by"]) for draft in drafts]
    except IntegrityError as error:
        raise DuplicateRequestError(_under_way(drafts)) from error


def requests_needed(fields: int, facility: Facility) -> int:
    """Count the requests for so many fields; 0: the facility takes none."""
    most = facility.capabilities.most_fields
    return -(-fields // most) if most else 0


def _why_no_fields(facility: Facility) -> str:
    return "" if facility.capabilities.most_fields else f"{facility.label} takes no plans"


def _parts(fields: Sequence[Plain], facility: Facility) -> list[Sequence[Plain]]:
    """Split fields into requests of about the same size; one empty part: there are none."""
    n = max(requests_needed(len(fields), facility), 1)
    size = -(-len(fields) // n)
    return [fields[part * size : (part + 1) * size] for part in range(n)]


def _draft(
    asked: NewFields, facility: Facility, spec: FieldsSpec, number: int
) -> ObservationRequest:
    key = make_key(asked["event"].event_id)
    return ObservationRequest(
        event=asked["event"],
        facility=facility.name,
        instrument=asked["instrument"],
        spec=spec.model_dump(mode="json"),
        body=facility.build_fields(spec, instrument=asked["instrument"], key=key),
        key=key,
        guard=f"{asked['guard']}:{number}",
        window_start=spec.start,
        window_end=spec.end,
        cancel_if_retracted=asked["cancel_if_retracted"],
        created_by_id=asked["by"].pk,
    )


def _under_way(drafts: Sequence[ObservationRequest]) -> ObservationRequest | None:
    rows = ObservationRequest.objects.filter(guard__in=[draft.guard for draft in drafts])
    return rows.order_by("pk").first()
