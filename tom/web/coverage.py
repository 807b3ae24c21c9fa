"""What the coverage page of an event shows: pointings, and what they cover."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import QueryDict

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.photometry import magnitude_of
from tom.pointings.coverage import Coverage, Look, Step, looks_of
from tom.pointings.limits import Limit, deeper, limits_at
from tom.pointings.models import Footprint, Pointing, Status
from tom.targets.models import LightCurvePoint, PointKind
from tom.web.plots.paper import Ring

# About that of AT2017gfo at its brightest, and what may be asked for.
USUAL_MAGNITUDE: Final = -16.0
MAGNITUDES: Final = (-30.0, -5.0)
STATUSES: Final[Mapping[str, Sequence[str]]] = {
    "completed": (Status.COMPLETED,),
    "planned": (Status.PLANNED,),
    "both": (Status.COMPLETED, Status.PLANNED),
}
WITHIN_DAYS: Final = ("1", "3", "7", "14", "30")
# When after the event the table says how much was covered, in hours.
MILESTONES: Final = ((1, "1 hour"), (6, "6 hours"), (24, "1 day"), (72, "3 days"), (168, "7 days"))
FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a status, a camera ("": all), days after the event, a source."""

    status: str
    instrument: str
    days: str
    magnitude: float


@dataclass(frozen=True)
class Milestone:
    """How much was covered so long after the event; None: nothing yet."""

    after: str
    probability: float
    within_reach: float | None


@dataclass(frozen=True)
class Depths:
    """The deepest limits at a candidate's place, by pointings and by its own light curve."""

    candidate: EventCandidate
    before: Limit | None
    after: Limit | None
    looks: int


def read_asked(query: QueryDict) -> Asked:
    """Read what is asked for; what is no such thing counts as not said."""
    status, days = query.get("status", ""), query.get("days", "")
    return Asked(
        status=status if status in STATUSES else "completed",
        instrument=query.get("instrument", "")[:100],
        days=days if days in WITHIN_DAYS else "",
        magnitude=_magnitude(query.get("magnitude", "")),
    )


def _magnitude(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return USUAL_MAGNITUDE
    return value if MAGNITUDES[0] <= value <= MAGNITUDES[1] else USUAL_MAGNITUDE


def find_pointings(event: NonLocalizedEvent, user: User, asked: Asked) -> QuerySet[Pointing]:
    """The pointings that the user may see and that the page's filters ask for."""
    rows = Pointing.objects.about(event).visible_to(user).filter(status__in=STATUSES[asked.status])
    if asked.instrument:
        rows = rows.filter(instrument=asked.instrument)
    if asked.days and event.time:
        rows = rows.filter(time__lt=event.time + timedelta(days=int(asked.days)))
    return rows


def looks_after(event: NonLocalizedEvent, looks: Sequence[Look]) -> list[Look]:
    """Those from the event's own time on: what was seen before cannot cover it."""
    return [look for look in looks if event.time is None or look.time >= event.time]


def rings_of(looks: Sequence[Look], telescopes: Sequence[str]) -> list[list[Ring]]:
    """The outlines of each telescope's fields, each field once."""
    rings = dict(
        Footprint.objects.filter(pk__in={look.footprint for look in looks}).values_list(
            "pk", "rings"
        )
    )
    fields: dict[str, set[int]] = {name: set() for name in telescopes}
    for look in looks:
        fields.setdefault(look.telescope, set()).add(look.footprint)
    return [[ring for pk in sorted(own) for ring in rings[pk]] for own in fields.values()]


def find_milestones(event: NonLocalizedEvent, coverage: Coverage) -> list[Milestone]:
    """How much was covered at some times after the event."""
    if event.time is None or not coverage.steps:
        return []
    times = [step.time for step in coverage.steps]
    return [
        _milestone(label, coverage.steps, bisect_right(times, event.time + timedelta(hours=hours)))
        for hours, label in MILESTONES
    ]


def _milestone(label: str, steps: Sequence[Step], number: int) -> Milestone:
    if not number:
        return Milestone(label, 0.0, 0.0)
    return Milestone(label, steps[number - 1].probability, steps[number - 1].within_reach)


def find_depths(
    event: NonLocalizedEvent, candidates: Sequence[EventCandidate], user: User
) -> list[Depths]:
    """The deepest limits at each candidate's place before and after the event."""
    since = event.time
    known = [
        (row, row.target.ra, row.target.dec)
        for row in candidates
        if row.target.ra is not None and row.target.dec is not None
    ]
    if since is None or not known:
        return []
    pointings = Pointing.objects.about(event).visible_to(user).filter(status=Status.COMPLETED)
    rows, ra, dec = zip(*known, strict=True)
    places = limits_at(ra, dec, looks_of(pointings), since=since)
    targets = [row.target_id for row in rows]
    before = _own_limits(targets, user, until=since)
    after = _own_limits(targets, user, since=since)
    return [
        Depths(
            row,
            deeper(place.before, before.get(row.target_id)),
            deeper(place.after, after.get(row.target_id)),
            place.looks,
        )
        for row, place in zip(rows, places, strict=True)
    ]


def _own_limits(
    targets: Sequence[int],
    user: User,
    *,
    since: datetime = FIRST,
    until: datetime = LAST,
) -> dict[int, Limit]:
    """The deepest limit of each target's light curve that the user may see, in one query."""
    points = LightCurvePoint.objects.visible_to(user).filter(
        target__in=targets,
        kind=PointKind.LIMIT,
        time__gte=since,
        time__lt=until,
        flux_error__gt=0,
    )
    deepest = points.order_by("target", "flux_error", "pk").distinct("target")
    columns = deepest.values_list("target_id", "flux_error", "band", "survey", "time")
    return {
        target: Limit(limit, band, survey, time)
        for target, error, band, survey, time in columns
        if (limit := magnitude_of(flux=None, flux_error=error).limit) is not None
    }
