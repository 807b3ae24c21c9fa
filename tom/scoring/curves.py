"""Read light curves from the database in the form that scorers take."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from tom_targets.base_models import BaseTarget

from tom.scoring.contract import Curve
from tom.targets.models import (
    POINT_ORDER,
    Audience,
    AudienceSummary,
    LightCurvePoint,
    TargetSummary,
)

MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
SECONDS_PER_DAY = 86_400.0
COLUMNS = ("time", "flux", "flux_error", "band", "kind", "real_bogus", "survey", "key")
Summary = TargetSummary | AudienceSummary
Key = tuple[int, Audience]


def name_of(key: Key) -> str:
    """Return the name by which scorers know a light curve."""
    return ":".join(map(str, (key[0], *key[1])))


def mjd_of(time: datetime) -> float:
    """Return the modified Julian date (UTC) of an aware time."""
    return (time - MJD_EPOCH).total_seconds() / SECONDS_PER_DAY


def time_of(mjd: float) -> datetime:
    """Return the aware time of a modified Julian date (UTC), to some microseconds."""
    return MJD_EPOCH + timedelta(days=mjd)


def key_of(summary: Summary) -> Key:
    """Return the key of a light curve: its target, and the audience that sees it."""
    return summary.target_id, summary.audience


def curves_of(summaries: Iterable[Summary]) -> dict[Key, Curve]:
    """Return the light curve of each summary by its key; a summary without a point is left out.

    All who may see a summary see its score. So the curve has the points of public programs and of
    the summary's own programs. The moment of the score is the time of the newest point: so the
    same points give the same score.
    """
    wanted = {key_of(summary): summary for summary in summaries}
    audiences: dict[int, list[Audience]] = defaultdict(list)
    for target_id, audience in wanted:
        audiences[target_id].append(audience)
    private = {program for _, audience in wanted for program in audience}
    rows: dict[Key, list[list[Any]]] = defaultdict(list)
    for pk, program, public, *values in (
        LightCurvePoint.objects.filter(target_id__in=list(audiences))
        .shown_to(private)
        .order_by("target_id", *POINT_ORDER)
        .values_list("target_id", "program_id", "program__public", *COLUMNS)
    ):
        for audience in audiences[pk]:
            if public or program in audience:
                rows[pk, audience].append(values)
    places = _places(key[0] for key in rows)
    return {key: _curve(wanted[key], points, places[key[0]]) for key, points in rows.items()}


def _places(target_ids: Iterable[int]) -> dict[int, tuple[float | None, float | None]]:
    rows = BaseTarget.objects.filter(pk__in=set(target_ids)).values_list("pk", "ra", "dec")
    return {pk: (ra, dec) for pk, ra, dec in rows}


def _curve(summary: Summary, points: list[list[Any]], place: Sequence[float | None]) -> Curve:
    time, flux, error, band, kind, real_bogus, survey, key = map(list, zip(*points, strict=True))
    mjd = [mjd_of(moment) for moment in time]
    if isinstance(summary, AudienceSummary):
        place = (summary.ra, summary.dec)
    ra, dec = _numbers(place)
    return Curve(
        object_id=name_of(key_of(summary)),
        mjd=mjd,
        flux=_numbers(flux),
        flux_error=_numbers(error),
        band=band,
        kind=kind,
        as_of_mjd=mjd[-1],
        ra=ra,
        dec=dec,
        ebv=np.nan if summary.ebv is None else summary.ebv,
        ebv_sigma=np.nan if summary.ebv_error is None else summary.ebv_error,
        alert_values=summary.alert_values,
        point_values={"rb": _numbers(real_bogus)},
        key=[f"{of} {name}" for of, name in zip(survey, key, strict=True)],
        survey=survey,
    )


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]
