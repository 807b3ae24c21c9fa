"""The points of a light curve as a table: on the page in any order, and as CSV."""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, QuerySet
from tom_targets.base_models import BaseTarget

from tom.photometry import Magnitude, magnitude_of
from tom.sky.visibility import mjd_of
from tom.targets.models import (
    POINT_ORDER,
    LightCurvePoint,
    PointKind,
    ReplacedPoint,
    WithdrawnPoint,
    of_readable_programs,
)
from tom.targets.peaks import PointName
from tom.web.spreadsheets import cell

COLUMNS = (
    *("time_utc", "mjd", "band", "kind", "magnitude_ab", "magnitude_error", "limit_ab_5sigma"),
    *("flux_njy", "flux_error_njy", "survey", "program", "key", "at_peak"),
)
# What one may sort by. By magnitude, the bright come first, and limits last.
COLUMN_OF = {
    "time": "time",
    "band": "band",
    "kind": "kind",
    "magnitude": "flux",
    "flux": "flux",
    "survey": "survey",
    "program": "program__name",
}
NEWEST = "-time"
WITHDRAWN_SHOWN = 100


class Writable(Protocol):
    """What text is written to."""

    def write(self, text: str, /) -> object: ...


@dataclass(frozen=True)
class PointRow:
    """One point as the table shows it."""

    point: LightCurvePoint
    mjd: float
    told: Magnitude
    is_at_peak: bool


def find_points(target: BaseTarget, user: User, sort: str) -> "QuerySet[LightCurvePoint]":
    """The points that the user may see; `sort` is a key of `COLUMN_OF`, a minus turns it round."""
    if sort.removeprefix("-") not in COLUMN_OF:
        sort = NEWEST
    column = F(COLUMN_OF[sort.removeprefix("-")])
    is_up = sort.startswith("-") == sort.endswith("magnitude")
    order = column.asc(nulls_last=True) if is_up else column.desc(nulls_last=True)
    rows = LightCurvePoint.objects.visible_to(user).filter(target=target)
    return rows.select_related("program").order_by(order, *POINT_ORDER)


def withdrawn_points(target: BaseTarget, user: User) -> list[ReplacedPoint]:
    """The newest points that their survey withdrew, of those that the user may see; each once.

    `replaced` says since when they are gone. At most `WITHDRAWN_SHOWN`.
    """
    named = {name: OuterRef(name) for name in ("program", "kind", "key")}
    rows = ReplacedPoint.objects.filter(Exists(WithdrawnPoint.objects.filter(**named)))
    mine = rows.filter(of_readable_programs(user), target=target.pk).select_related("program")
    last = mine.order_by("program", "kind", "key", "-replaced").distinct("program", "kind", "key")
    return sorted(last, key=lambda row: row.time, reverse=True)[:WITHDRAWN_SHOWN]


def make_point_row(point: LightCurvePoint, peaks: Collection[PointName]) -> PointRow:
    """Give a point its modified Julian date (UTC), its magnitude, and whether it is a peak's."""
    told = magnitude_of(flux=point.flux, flux_error=point.flux_error)
    is_at_peak = point.kind == PointKind.ALERT and (point.survey, point.key) in peaks
    return PointRow(point, float(mjd_of(point.time)), told, is_at_peak)


def write_points(
    out: Writable, points: "QuerySet[LightCurvePoint]", peaks: Collection[PointName]
) -> None:
    """Write points as CSV; what is not known is empty. Those in `peaks` are at_peak: yes."""
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(make_point_row(point, peaks)) for point in points.iterator(2000))


def _cells(row: PointRow) -> Iterator[object]:
    point, told = row.point, row.told
    yield from (_utc(point.time), f"{row.mjd:.6f}", cell(point.band), point.kind)
    yield from (_digits(told.magnitude), _digits(told.error), _digits(told.limit))
    yield from (point.flux, point.flux_error)
    yield from (cell(point.survey), cell(point.program.name), cell(point.key))
    yield "yes" if row.is_at_peak else ""


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
