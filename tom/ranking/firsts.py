"""The first detection of each member of a list since its event, as each audience knows it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection

from tom.moments import known
from tom.photometry import magnitudes, shines
from tom.ranking.case import HIDDEN_TARGETS, Case
from tom.ranking.weighing import FloatArray, IntArray
from tom.sky.kilonovae import band_numbers
from tom.targets.copy import array_of
from tom.targets.models import Audience

FIRSTS = f"""
    SELECT DISTINCT ON (p.target_id) p.target_id, p.band, p.flux, p.flux_error,
        extract(epoch FROM p.time - %(event_time)s::timestamptz)::float8 / 86400
    FROM (
        SELECT target_id, program_id, survey, kind, key, time, band, flux, flux_error
        FROM targets_lightcurvepoint
        WHERE target_id = ANY({HIDDEN_TARGETS}) AND time > %(event_time)s AND {known()}
        UNION ALL
        SELECT target_id, program_id, survey, kind, key, time, band, flux, flux_error
        FROM targets_replacedpoint
        WHERE target_id = ANY({HIDDEN_TARGETS}) AND time > %(event_time)s AND {known()}
            AND NOT {known(time="replaced", xact="replaced_by")}
    ) p JOIN targets_program g ON g.id = p.program_id
    WHERE {shines("p")} AND (g.public OR g.id = ANY(%(programs)s::bigint[]))
    ORDER BY p.target_id, p.time, p.kind, p.survey, p.key
"""  # noqa: S608  of our own text alone


class Firsts(NamedTuple):
    """The first detections since an event's time; every array has shape (n,).

    `band` numbers `tom.sky.kilonovae.BANDS`. `days` are after the event, `magnitude` (AB) and
    `error` as measured, an error of 0 if none was given; NaN: there is no such detection.
    """

    band: IntArray
    names: Sequence[str]
    days: FloatArray
    magnitude: FloatArray
    error: FloatArray


def read_firsts(case: Case, event_time: datetime | None) -> Firsts:
    """Read the first detection of each entry since then; one query for each audience."""
    n = len(case)
    names, numbers = [""] * n, np.full((3, n), np.nan)
    if event_time is not None:
        for audience in sorted(set(case.audiences)):
            rows = [row for row, known_by in enumerate(case.audiences) if known_by == audience]
            found = _read(case, case.targets[rows].tolist(), audience, event_time)
            for row in rows:
                names[row], *numbers[:, row] = found.get(int(case.targets[row]), NOTHING)
    flux, flux_error, days = numbers
    error = 2.5 / np.log(10) * np.nan_to_num(flux_error) / flux
    return Firsts(band_numbers(names), names, days, magnitudes(flux), error)


NOTHING = ("", np.nan, np.nan, np.nan)


def _read(
    case: Case, targets: Sequence[int], audience: Audience, event_time: datetime
) -> dict[int, tuple[str, float, float, float]]:
    """Return by target the band, flux and error (nJy), and days after the event."""
    parameters = {
        "targets": array_of(targets),
        "programs": list(audience),
        "event_time": event_time,
        **case.moment.parameters(),
    }
    with connection.cursor() as cursor:
        cursor.execute(FIRSTS, parameters)
        return {target: tuple(row) for target, *row in cursor.fetchall()}
