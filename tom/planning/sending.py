"""A checked plan as requests: each pointing becomes a field with a window around its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tom.followup.asking import RefusedRequestError
from tom.followup.asking_fields import request_fields
from tom.followup.models import ObservationRequest
from tom.planning.models import Plan, PlanState

Plain = dict[str, Any]
MOST_AIRMASS = 3.0  # no facility takes more


@dataclass(frozen=True)
class Way:
    """How a plan is sent.

    Attributes
    ----------
    elements
        The facility's filter for each band of the plan.
    seconds
        Of each exposure.
    leeway
        Within such a time around its planned one an exposure may begin.
    """

    facility: str
    instrument: str
    elements: Mapping[str, str]
    seconds: float
    leeway: timedelta
    mode: str = "NORMAL"
    cancel_if_retracted: bool = False


def send_plan(plan: Plan, way: Way, *, by: User) -> list[ObservationRequest]:
    """Store a plan's requests, approved by the person who sends it; the caller wakes the outbox.

    Pointings whose windows are over are left out. While one of its requests is under way at an
    instrument, a plan is not sent there again.

    Raises
    ------
    InvalidSpecError, RefusedRequestError, DuplicateRequestError, UnknownFacilityError
        As `request_fields` does; refused is also what the check did not pass, and what is over.
    """
    if plan.state != PlanState.DONE:
        message = "only a plan that passed its check is sent"
        raise RefusedRequestError(message)
    fields = fields_to_send(plan, way, now=timezone.now())
    if not fields:
        message = "the window of every pointing is over: make a plan for a coming night"
        raise RefusedRequestError(message)
    with transaction.atomic():
        requests = request_fields(
            event=plan.event,
            facility=way.facility,
            instrument=way.instrument,
            fields=fields,
            limits={"mode": way.mode, **_limits(plan)},
            guard=f"plan-{plan.pk}:{way.facility}:{way.instrument}",
            by=by,
            cancel_if_retracted=way.cancel_if_retracted,
        )
        plan.requests.add(*requests)
    return requests


def fields_to_send(plan: Plan, way: Way, *, now: datetime) -> list[Plain]:
    """Return the pointings whose windows are not over, as a facility is asked for them."""
    rows: Sequence[Plain] = plan.result["pointings"]
    fields = [_field(plan, row, way, visits=_visits(plan)) for row in rows]
    length = timedelta(seconds=way.seconds)
    return [each for each in fields if each["end"] - now > length]


def _visits(plan: Plan) -> int:
    return int(plan.task.get("visits", {}).get("n", 1))


def _field(plan: Plan, row: Plain, way: Way, *, visits: int) -> Plain:
    """Give a pointing its window.

    Visits of one field keep their least time apart wherever in its window each begins: the window
    of each later visit is shifted by the leeway against that of the earlier one.
    """
    band = row.get("band") or plan.task["telescope"]["band"]
    shift = row.get("visit", 1) - 1 - visits / 2
    first = datetime.fromisoformat(row["start"]) + shift * way.leeway
    return {
        "name": f"{plan.event.event_id} plan {plan.pk} field {row['number']}",
        "ra": row["ra"] % 360,
        "dec": row["dec"],
        "element": way.elements.get(band, ""),
        "seconds": way.seconds,
        "start": first,
        "end": first + way.leeway + timedelta(seconds=way.seconds),
    }


def _limits(plan: Plan) -> Plain:
    telescope = plan.task["telescope"]
    return {
        "max_airmass": min(telescope["airmass_max"], MOST_AIRMASS),
        "min_moon_separation_deg": telescope["moon_separation_min_deg"],
    }
