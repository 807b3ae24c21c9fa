"""All points of each member of a list since its event, as each audience knows them."""

from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from django.db import connection

from tom.forms.images import ImageNumber
from tom.forms.registry import surveys
from tom.moments import known
from tom.photometry import LIMIT_SIGMA, magnitudes, shines
from tom.ranking.case import HIDDEN_TARGETS, Case
from tom.ranking.fields import fields_of
from tom.ranking.reread import read_anew
from tom.ranking.weighing import BoolArray, FloatArray, IntArray
from tom.sky.kilonovae import BANDS, USUAL_BAND
from tom.sky.looks import LEAST_ERROR
from tom.targets.copy import array_of, read_numbers
from tom.targets.models import Audience

_COLUMNS = "target_id, program_id, survey, kind, key, time, band, flux, flux_error"
# An alert, a forced measurement and a limit of one exposure are the same photons: one is kept.
VISITS = f"""
    SELECT DISTINCT ON (p.target_id, p.time, p.band) p.target_id AS target, p.band AS name, p.flux,
        p.flux_error, {shines("p")} AS shines,
        p.survey, {{number}} AS number,
        extract(epoch FROM p.time - %(event_time)s::timestamptz)::float8 / 86400 AS days
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
# A band that the family of kilonovae does not have counts as the usual one.
NUMBERED = f"""
    SELECT *, coalesce(array_position(%(bands)s::text[], name::text), %(usual)s) - 1 AS band,
        {{image}} AS image
    FROM ({VISITS}) v
"""  # noqa: S608  of our own text alone
# By a point's key, for one survey: the number of its image, and what makes it one. No two surveys
# have the same. A regular expression that finds it takes ten times as long.
NUMBER = """
    WHEN %(survey_{n})s THEN CASE strpos(p.key, %(separator_{n})s)
        WHEN 0 THEN left(p.key, -%(cut_{n})s)
        ELSE split_part(p.key, %(separator_{n})s, %(part_{n})s) END
"""
IMAGE = """
    WHEN %(survey_{n})s THEN CASE WHEN octet_length(number) BETWEEN %(least_{n})s AND %(most_{n})s
        AND number LIKE %(like_{n})s AND number !~ '[^0-9]'
        THEN left(number, -%(ends_{n})s)::float8 + {n}e13 END
"""
# Looks in one band in so many days say much the same.
ONE_LOOK_DAYS: Final = 0.5


# A rise counts from so many standard deviations on.
RISE_SIGMA: Final = 3.0


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
    field : array of int, shape (m,)
        A number of the survey's fixed field (`tom.ranking.fields`); -1: not known.
    """

    row: IntArray
    band: IntArray
    days: FloatArray
    magnitude: FloatArray
    error: FloatArray
    limit: FloatArray
    field: IntArray

    @property
    def is_detection(self) -> BoolArray:
        """Whether each look detected something, shape (m,)."""
        return np.asarray(~np.isnan(self.magnitude))

    def join(self, others: "Visits") -> "Visits":
        """Return these points, and then the others."""
        return Visits._make(np.concatenate(each) for each in zip(self, others, strict=True))

    def take(self, points: IntArray) -> "Visits":
        """Return these points."""
        return Visits(
            row=self.row[points],
            band=self.band[points],
            days=self.days[points],
            magnitude=self.magnitude[points],
            error=self.error[points],
            limit=self.limit[points],
            field=self.field[points],
        )


def apart(looks: Visits) -> IntArray:
    """The first, the middle and the last look at each member in each band and part of a day.

    What a template is off is about the same for all looks of some hours: the others are no
    evidence of their own.
    """
    part = np.floor(looks.days / ONE_LOOK_DAYS).astype(np.int64)
    order = np.lexsort((looks.days, looks.band, part, looks.row))
    columns = np.stack([looks.row, part, looks.band])[:, order]
    is_new = np.append(True, (columns[:, 1:] != columns[:, :-1]).any(0))[: len(order)]
    start = np.flatnonzero(is_new)
    last = np.append(start[1:], len(order))[: len(start)] - 1
    return np.asarray(np.unique(order[np.concatenate([start, (start + last) // 2, last])]))


def images() -> dict[str, ImageNumber]:
    """Return where a point's key has the number of its image, by the survey's name."""
    return {name: of.image for name, of in sorted(surveys().items()) if of.image is not None}


def image_of_key() -> tuple[str, str, dict[str, Any]]:
    """Return SQL of the `number` of a point `p`, of the image of such a row `v`, and parameters."""
    parameters: dict[str, Any] = {}
    found = images()
    for n, (name, of) in enumerate(found.items()):
        ends = len(of.end)
        given = {"survey": name, "least": of.digits[0] + ends, "most": of.digits[1] + ends}
        given |= {"like": f"%{of.end}", "ends": ends, "cut": of.cut}
        given |= {"separator": of.separator, "part": of.part}
        parameters |= {f"{key}_{n}": value for key, value in given.items()}
    number, image = (
        f"CASE {table}.survey {''.join(of.format(n=n) for n in range(len(found)))} END"
        if found
        else "NULL"
        for table, of in (("p", NUMBER), ("v", IMAGE))
    )
    return number, image, parameters


def read_visits(case: Case, event_time: datetime | None) -> Visits:
    """Read the points of each entry since then; one query for each audience. None: no points."""
    found = [np.zeros((0, 1 + len(POINT)))]
    for audience in sorted(set(case.audiences)) if event_time is not None else ():
        rows = np.array([known_by == audience for known_by in case.audiences]).nonzero()[0]
        targets, about = case.targets[rows], ("points since", event_time)
        read = partial(_read, case, audience, event_time)
        points, order = (
            read_anew(case.versions, about, audience, targets, read),
            np.argsort(targets),
        )
        row = rows[order][np.searchsorted(targets[order], points[:, 0])]
        found.append(np.column_stack([row, points[:, 1:]]))
    whole = np.concatenate(found)
    # Stable: the points of an entry stay in order of time.
    return _visits(whole[np.argsort(whole[:, 0], kind="stable")], case.seen_by_all)


def _visits(found: FloatArray, is_public: BoolArray) -> Visits:
    row, band, flux, error, days, shone, image = found.T
    is_detection = shone == 1
    with np.errstate(invalid="ignore", divide="ignore"):
        magnitude = np.where(is_detection, magnitudes(flux), np.nan)
        relative = 2.5 / np.log(10) * np.nan_to_num(error) / flux
        limit = magnitudes(LIMIT_SIGMA * np.where(error > 0, error, np.nan))
    return Visits(
        row=row.astype(np.int64),
        band=band.astype(np.int64),
        days=days.copy(),
        magnitude=magnitude,
        error=np.where(is_detection, relative, np.nan),
        limit=limit,
        field=fields_of(row.astype(np.int64), image, is_public),
    )


POINT: Final = ("band", "flux", "flux_error", "days", "shines::int", "image")


def _read(
    case: Case, audience: Audience, event_time: datetime | None, targets: IntArray
) -> FloatArray:
    """Read the points of these targets: the target, and `POINT` in nJy and days after the event."""
    number, image, at_image = image_of_key()
    parameters = {
        "targets": array_of(targets.tolist()),
        "programs": list(audience),
        "event_time": event_time,
        "bands": list(BANDS),
        "usual": BANDS.index(USUAL_BAND) + 1,
        **at_image,
        **case.moment.parameters(),
    }
    with connection.cursor() as cursor:
        query = NUMBERED.format(number=number, image=image)
        return read_numbers(cursor, query, parameters, ("target", *POINT))


def risen_again(visits: Visits, n: int) -> FloatArray:
    """Return how many magnitudes each of n entries rose after it was fainter, shape (n,).

    In the band where it is most: from its faintest detection to a later one. 0: it did not.
    """
    seen = np.flatnonzero(visits.is_detection)
    seen = seen[np.lexsort((visits.days[seen], visits.band[seen], visits.row[seen]))]
    row, band, magnitude = (column[seen] for column in (visits.row, visits.band, visits.magnitude))
    is_new = np.append(True, (row[1:] != row[:-1]) | (band[1:] != band[:-1]))[: len(seen)]
    # Each curve stands below the one before: so the faintest of a curve is its own. By places, not
    # by magnitudes: the same is found of the same points, to the last bit, among whichever others.
    place = np.argsort(np.argsort(magnitude, kind="stable"))
    curve = place + np.cumsum(is_new) * len(place)
    is_faintest = curve == np.maximum.accumulate(curve)
    faintest = np.maximum.accumulate(np.where(is_faintest, np.arange(len(curve)), 0))
    before = np.append(0, faintest[:-1])[: len(curve)]
    error = np.hypot(visits.error[seen], LEAST_ERROR)
    rise = np.where(is_new, 0.0, magnitude[before] - magnitude)
    rise[rise < RISE_SIGMA * np.hypot(error, error[before])] = 0.0
    most = np.zeros(n)
    np.maximum.at(most, row, rise)
    return most
