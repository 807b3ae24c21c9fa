"""Ask for an observation: check the request, refuse a forbidden one, store it with its key."""

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from math import cos, radians
from typing import NotRequired, TypedDict, Unpack

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.followup.facilities import get_facility
from tom.followup.facilities.contract import Facility
from tom.followup.models import KEY_LENGTH, ObservationRequest, StateChange
from tom.followup.spec import Aim, InvalidSpecError, ObservationSpec, read_spec
from tom.followup.states import RequestState
from tom.kept_queries import Given, kept_query
from tom.outbox.moves import move
from tom.targets.models import TargetSummary, Visitor
from tom.targets.visible import Reader, reader_of

SAME_PLACE_ARCSEC = 3.0  # two surveys' positions of one transient differ by less
MOST_SHOWN = 20
KEY_BYTES = 10  # 80 random bits in hexadecimal digits
# The caller wakes the outbox at once. If it did not, the sweep sends the request after this time.
NUDGE = timedelta(seconds=10)


class RefusedRequestError(Exception):
    """This observation may not be requested; the message says why. A retry does not help."""


class DuplicateRequestError(Exception):
    """A request for the same target, facility and instrument is under way: `existing`."""

    def __init__(self, existing: ObservationRequest | None) -> None:
        self.existing = existing
        super().__init__("the same target is already asked for on this instrument")


class NewRequest(TypedDict):
    """What a person asks for, and who asks."""

    target: BaseTarget
    event: NonLocalizedEvent | None  # the event for which the target is observed; None: no event
    facility: str
    instrument: str
    spec: Mapping[str, object]  # the fields of `ObservationSpec`
    by: AbstractBaseUser
    cancel_if_retracted: NotRequired[bool]  # without a person, if the event is retracted


def request_observation(
    *, duplicate_of: int | None = None, **asked: Unpack[NewRequest]
) -> ObservationRequest:
    """Store a request, approved by the person who asks; the caller wakes the outbox.

    `duplicate_of` is the newest request under way for the same target, facility and instrument. A
    person names it to confirm that a second request is wanted. If the person confirms twice, one
    second request is made.

    Raises
    ------
    InvalidSpecError
        If it cannot be observed; `errors` names the fields at fault.
    RefusedRequestError
        If the event or the target must not reach this facility, or the target has no possible
        position.
    DuplicateRequestError
        If a request for the same target, facility and instrument is under way, and `duplicate_of`
        does not name the newest.
    UnknownFacilityError
        If no such facility is configured.
    """
    draft = _draft(**asked)
    existing = _same_request(draft, asked["by"])
    draft.guard = f"{draft.target_id}:{draft.facility}:{draft.instrument}"
    if not draft.is_public:  # the request stays hidden from others when the target becomes public
        draft.guard += ":private"
    if existing is not None:
        if existing.pk != duplicate_of:
            raise DuplicateRequestError(existing)
        draft.guard += f":{duplicate_of}"
    # If two people ask at the same moment, the database stores one request.
    try:
        return approve(draft, asked["by"])
    except IntegrityError as error:
        raise DuplicateRequestError(_same_request(draft, asked["by"])) from error


def requests_at_place(target: BaseTarget, user: Visitor) -> list[ObservationRequest]:
    """Return the requests under way for a target or another one at its place that a user may see.

    The same place: both coordinates differ by at most `SAME_PLACE_ARCSEC`. The newest request
    comes first. At most `MOST_SHOWN` are returned.
    """
    reader = reader_of(user)
    if target.ra is None or target.dec is None:
        return _under_way_at(reader, target=target.pk)
    height = SAME_PLACE_ARCSEC / 3600
    width = height / max(cos(radians(target.dec)), 1e-3)
    return _under_way_at(
        reader,
        target=target.pk,
        south=target.dec - height,
        north=target.dec + height,
        west=target.ra - width,
        east=target.ra + width,
        west_beyond=target.ra - width + 360,
        east_beyond=target.ra + width - 360,
    )


@kept_query
def _under_way_at(reader: Reader, *, target: Given, **sides: Given) -> QuerySet[ObservationRequest]:
    near = Q(target=target)
    if sides:
        beside = Q(target__ra__gte=sides["west"], target__ra__lte=sides["east"])
        beside |= Q(target__ra__gte=sides["west_beyond"])
        beside |= Q(target__ra__lte=sides["east_beyond"])
        near |= Q(target__dec__gte=sides["south"], target__dec__lte=sides["north"]) & beside
    rows = ObservationRequest.objects.visible_to(reader.user).under_way().filter(near)
    return rows.select_related("target", "created_by").order_by("-pk")[:MOST_SHOWN]


def why_not(
    event: NonLocalizedEvent | None, facility: Facility, *, target: BaseTarget | None
) -> str:
    """Say why a request for this event and target must not reach the facility; "" if it may.

    Parameters
    ----------
    target
        None: the request is for fields.
    """
    if target and facility.is_real and _is_test(target):
        return f"{target.name} is known only from a test, and {facility.label} is a real facility"
    if event is None:
        return ""
    if event.retracted:
        return f"{event.event_id} is retracted"
    if event.test_reasons and facility.is_real:
        return f"{event.event_id} is a test event, and {facility.label} is a real facility"
    return ""


def make_key(name: str) -> str:
    """Return a new random key that carries as much of the name as fits."""
    random_part = f"|T{secrets.token_hex(KEY_BYTES)}"
    plain = re.sub(r"[^A-Za-z0-9+._-]", "", name)
    return plain[: KEY_LENGTH - len(random_part)] + random_part


def _draft(**asked: Unpack[NewRequest]) -> ObservationRequest:
    target, event, instrument = asked["target"], asked["event"], asked["instrument"]
    facility = get_facility(asked["facility"])
    refusal = why_not(event, facility, target=target)
    if refusal:
        raise RefusedRequestError(refusal)
    spec = _read_spec(asked["spec"], facility)
    key = make_key(target.name)
    candidate = EventCandidate.objects.filter(event=event, target=target).first()
    return ObservationRequest(
        target=target,
        event=event,
        candidate=candidate,
        is_public=_is_public(target, candidate),
        facility=facility.name,
        instrument=instrument,
        spec=spec.model_dump(mode="json"),
        body=facility.build(spec, instrument=instrument, aim=_aim(target), key=key),
        key=key,
        window_start=spec.start,
        window_end=spec.end,
        cancel_if_retracted=asked.get("cancel_if_retracted", False),
        created_by_id=asked["by"].pk,
    )


def _read_spec(fields: Mapping[str, object], facility: Facility) -> ObservationSpec:
    spec = read_spec(fields, facility.spec)
    if spec.end <= timezone.now():
        raise InvalidSpecError({"end": ["the window has already ended"]})
    return spec


def _aim(target: BaseTarget) -> Aim:
    if target.ra is None or target.dec is None:
        msg = f"{target.name} has no position"
        raise RefusedRequestError(msg)
    if not (0 <= target.ra < 360 and -90 <= target.dec <= 90):
        msg = f"{target.name} has an impossible position: RA {target.ra}, Dec {target.dec}"
        raise RefusedRequestError(msg)
    return Aim(name=target.name, ra=target.ra, dec=target.dec)


def approve(draft: ObservationRequest, by: AbstractBaseUser) -> ObservationRequest:
    """Store a new request, approved.

    Raises
    ------
    IntegrityError
        If one with the same guard is under way.
    """
    with transaction.atomic():
        draft.save(force_insert=True)
        StateChange.objects.create(request=draft, new=RequestState.PROPOSED, by_id=by.pk)
        publish(Topic.REQUEST, draft.pk)
        move(draft, RequestState.APPROVED, by=by, due_at=timezone.now() + NUDGE)
    return draft


def _same_request(draft: ObservationRequest, by: AbstractBaseUser) -> ObservationRequest | None:
    """Return the newest visible request for the same target, facility and instrument, or None."""
    rows = ObservationRequest.objects.visible_to(by).filter(
        target=draft.target, facility=draft.facility, instrument=draft.instrument
    )
    return rows.under_way().first()


def _is_test(target: BaseTarget) -> bool:
    return TargetSummary.objects.filter(pk=target.pk, is_test=True).exists()


def _is_public(target: BaseTarget, candidate: EventCandidate | None) -> bool:
    if candidate is None:
        return BaseTarget.objects.filter(pk=target.pk).exclude(permissions="PRIVATE").exists()
    return EventCandidate.objects.known_publicly().filter(pk=candidate.pk).exists()
