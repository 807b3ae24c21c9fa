"""A light curve as the plot's script reads it."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Prefetch
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.models import EventLocalization
from tom.forms.registry import colours
from tom.photometry import magnitude_of
from tom.targets.models import POINT_ORDER, LightCurvePoint, PointKind
from tom.targets.peaks import PointName, peaks_of
from tom.targets.template_changes import template_changes_of
from tom.web.distances import distances_of, map_distance, redshift_of
from tom.web.kilonova import kilonova_data

# The newest points; a light curve longer than this is drawn from here on.
MOST_POINTS = 20_000
MOST_EVENTS = 10
Row = tuple[datetime, str, str, float | None, float | None, str, str]


def plot_data(target: BaseTarget, user: User) -> dict[str, Any]:
    """Group the points that the user may see by kind and band.

    Times are UTC, fluxes signed nJy, magnitudes AB. A point that is not a detection of 3 sigma
    has a limit instead of a magnitude.
    """
    newest_first = [f"-{name}" for name in POINT_ORDER]
    visible = LightCurvePoint.objects.visible_to(user)
    rows = visible.filter(target=target).order_by(*newest_first)
    columns = rows.values_list("time", "band", "kind", "flux", "flux_error", "survey", "key")
    series: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in reversed(columns[:MOST_POINTS]):
        series[(_kind(row[2]), row[1])].append(row)
    candidacies = _candidacies(target, user)
    peaks = peaks_of(target.pk)
    distances = distances_of(target, candidacies, redshift_of(target))
    return {
        "name": target.name,
        "colours": {**colours()},
        "series": [
            _series(kind, band, points, peaks) for (kind, band), points in sorted(series.items())
        ],
        "events": [_event(candidacy) for candidacy in candidacies],
        "template_changes": [
            {"band": band, "time": _text(time)}
            for band, time in template_changes_of(target, user).values_list("band", "time")
        ],
        "distances": [distance.told() for distance in distances],
        "kilonova": kilonova_data(),
    }


def _candidacies(target: BaseTarget, user: User) -> list[EventCandidate]:
    """The events that the target is a candidate of, the newest first, with their maps' figures."""
    maps = EventLocalization.objects.select_related("localization").defer(
        "localization__fits", "localization__packed", "localization__contours"
    )
    visible = EventCandidate.objects.visible_to(user).filter(target=target)
    rows = visible.select_related("event").filter(event__time__isnull=False)
    newest = rows.order_by("-event__time", "-pk")[:MOST_EVENTS]
    return list(newest.prefetch_related(Prefetch("event__localizations", maps)))


def _event(candidacy: EventCandidate) -> dict[str, Any]:
    time = candidacy.event.time
    return {
        "name": candidacy.event.event_id,
        "time": _text(time) if time else None,
        "distance_mpc": map_distance(candidacy),
    }


def _kind(kind: str) -> str:
    return "forced" if kind == PointKind.FORCED else "survey"


def _series(
    kind: str, band: str, points: list[Row], peaks: Collection[PointName]
) -> dict[str, Any]:
    told = [magnitude_of(flux=point[3], flux_error=point[4]) for point in points]
    return {
        "kind": kind,
        "band": band,
        "time": [_text(point[0]) for point in points],
        "flux": [point[3] for point in points],
        "flux_error": [point[4] for point in points],
        "magnitude": [each.magnitude for each in told],
        "error": [each.error for each in told],
        "limit": [each.limit for each in told],
        "at_peak": [point[2] == PointKind.ALERT and point[5:7] in peaks for point in points],
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
