"""All points of each member of a list since its event, as each audience knows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection

from tom.moments import known
from tom.photometry import LIMIT_SIGMA, magnitudes, shines
from tom.ranking.case import HIDDEN_TARGETS, Case
from tom.ranking.weighing import BoolArray, FloatArray, IntArray
from tom.sky.kilonovae import band_numbers
from tom.targets.copy import array_of
from tom.targets.models import Audience

_COLUMNS = "target_id, program_id, survey, kind, key, time, band, flux, flux_error"
# An alert, a forced measurement and a limit of one exposure are the same photons: one is kept.
VISITS = f"""
    SELECT DISTINCT ON (p.target_id, p.time, p.band) p.target_id, p.band, p.flux, p.flux_error,
        extract(epoch FROM p.time - %(event_time)s::timestamptz)::float8 / 86400, {shines("p")}
    FROM (
        SELECT {_COLUMNS}
        FROM targets_lightcurvepoint
        WHERE target_id = ANY({HIDDEN_TARGETS}) AND time > %(event_time)s AND {known()}
        UNION ALL
        SELECT {_COLUMNS}
        FROM targets_replacedpoint
        WHERE target_id = ANY({HIDDEN_TARGETS}) AND time > %(event_time)s AND {known()}
            AND NOT {known(time="replaced", xact="replaced_by")}
    ) p JOIN targets_program g ON g.id = p.program_id
    WHERE (g.public OR g.id = ANY(%(programs)s::bigint[]))
        AND ({shines("p")} OR p.flux_error > 0 AND p.flux_error < 'infinity')
    ORDER BY p.target_id, p.time, p.band, p.kind, p.survey, p.key
"""  # noqa: S608  of our own text alone


class Visits(NamedTuple):
    """Looks at the places of n entries since an event's time: m points, entry by entry, in time.

    Attributes
    ----------
    row : array of int, shape (m,)
        The entry, rising.
    band : array of int, shape (m,)
        Numbers of `tom.sky.kilonovae.BANDS`.
    days : array, shape (m,)
        After the event.
    magnitude, error : array, shape (m,)
        AB, of a detection; an error of 0 if none was given. NaN: nothing was detected.
    limit : array, shape (m,)
        The 5-sigma limit, AB; NaN: not known, of a detection alone.
    """

    row: IntArray
    band: IntArray
    days: FloatArray
    magnitude: FloatArray
    error: FloatArray
    limit: FloatArray

    @property
    def is_detection(self) -> BoolArray:
        """Whether each look detected something, shape (m,)."""
        return np.asarray(~np.isnan(self.magnitude))

    def take(self, points: IntArray) -> "Visits":
        """Return these points."""
        return Visits(
            row=self.row[points],
            band=self.band[points],
            days=self.days[points],
            magnitude=self.magnitude[points],
            error=self.error[points],
            limit=self.limit[points],
        )


def read_visits(case: Case, event_time: datetime | None) -> Visits:
    """Read the points of each entry since then; one query for each audience. None: no points."""
    found: list[tuple[int, str, float, float, float, bool]] = []
    for audience in sorted(set(case.audiences)) if event_time is not None else ():
        rows = {
            int(case.targets[row]): row
            for row, known_by in enumerate(case.audiences)
            if known_by == audience
        }
        points = _read(case, list(rows), audience, event_time)
        found += [(rows[target], *point) for target, *point in points]  # type: ignore[misc]
    found.sort(key=lambda each: each[0])  # stable: the points of an entry stay in order of time
    return _visits(found)


def _visits(found: Sequence[tuple[int, str, float, float, float, bool]]) -> Visits:
    row, names, flux, error, days, shone = zip(*found, strict=True) if found else [()] * 6
    flux_njy, sigma = np.array(flux, float), np.array(error, float)
    is_detection = np.array(shone, bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        magnitude = np.where(is_detection, magnitudes(flux_njy), np.nan)
        relative = 2.5 / np.log(10) * np.nan_to_num(sigma) / flux_njy
        limit = magnitudes(LIMIT_SIGMA * np.where(sigma > 0, sigma, np.nan))
    return Visits(
        row=np.array(row, np.int64),
        band=band_numbers(names),
        days=np.array(days, float),
        magnitude=magnitude,
        error=np.where(is_detection, relative, np.nan),
        limit=limit,
    )


def _read(
    case: Case, targets: Sequence[int], audience: Audience, event_time: datetime | None
) -> list[tuple[int, str, float, float, float, bool]]:
    """Read target, band, flux and error (nJy), days after the event, and whether it shines."""
    parameters = {
        "targets": array_of(targets),
        "programs": list(audience),
        "event_time": event_time,
        **case.moment.parameters(),
    }
    with connection.cursor() as cursor:
        cursor.execute(VISITS, parameters)
        return list(cursor.fetchall())
