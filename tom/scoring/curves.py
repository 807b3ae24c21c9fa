"""Read light curves from the database in the form that scorers take."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from tom_targets.base_models import BaseTarget

from tom.scoring.contract import Curve
from tom.targets.models import POINT_ORDER, LightCurvePoint, TargetSummary

MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
SECONDS_PER_DAY = 86_400.0
IDENTITY = ("survey", "key")


def mjd_of(time: datetime) -> float:
    """Modified Julian date (UTC) of an aware time."""
    return (time - MJD_EPOCH).total_seconds() / SECONDS_PER_DAY


def time_of(mjd: float) -> datetime:
    """Aware time, to some microseconds, of a modified Julian date (UTC)."""
    return MJD_EPOCH + timedelta(days=mjd)


def curves_of(summaries: Iterable[TargetSummary]) -> dict[int, Curve]:
    """Each target's light curve; targets without a point are left out.

    Scores are shown to whoever may see the target, so a public target's private points are left
    out. The moment of the score is that of the newest point: the same points, the same score.
    """
    wanted = {summary.pk: summary for summary in summaries}
    rows: dict[int, list[list[Any]]] = defaultdict(list)
    for pk, *values in (
        LightCurvePoint.objects.filter(target_id__in=wanted)
        .shown_with_target()
        .order_by("target_id", *POINT_ORDER)
        .values_list(
            "target_id", "time", "flux", "flux_error", "band", "kind", "real_bogus", *IDENTITY
        )
    ):
        rows[pk].append(values)
    places = BaseTarget.objects.filter(pk__in=rows).values_list("pk", "ra", "dec")
    return {pk: _curve(wanted[pk], rows[pk], place) for pk, *place in places}


def _curve(summary: TargetSummary, points: list[list[Any]], place: Sequence[float | None]) -> Curve:
    time, flux, error, band, kind, real_bogus, survey, key = map(list, zip(*points, strict=True))
    mjd = [mjd_of(moment) for moment in time]
    ra, dec = _numbers(place)
    return Curve(
        object_id=str(summary.pk),
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
    )


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]
