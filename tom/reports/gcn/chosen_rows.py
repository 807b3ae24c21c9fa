"""Which rows of a long light curve a circular has: those that tell of the event's transient."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final

from tom.photometry import SHINING_SIGMA
from tom.targets.models import LightCurvePoint, PointKind

Measured = tuple[dict[str, Any], LightCurvePoint]
ROWS_EACH: Final = 12
"""Rows of photometry of one candidate, at most."""
FIRST: Final = 5
"""So many of them are the first detections since the event."""


def choose_rows(rows: Sequence[Measured], *, since: datetime | None) -> list[Measured]:
    """Choose of too many rows, in order of time.

    They are the last limit before the first detection since the event, the first detections, the
    brightest one, and the newest rows. Without a time of the event all detections are since it.
    """
    rows = sorted(rows, key=lambda row: row[1].time)
    if len(rows) <= ROWS_EACH:
        return rows
    seen = [
        at for at, row in enumerate(rows) if _shines(row) and (not since or row[1].time >= since)
    ]
    wanted = chain(
        _last_limit(rows[: seen[0]]) if seen else (),
        seen[:FIRST],
        [max(seen, key=lambda at: rows[at][1].flux or 0.0)] if seen else (),
        reversed(range(len(rows))),
    )
    return [rows[at] for at in sorted(list(dict.fromkeys(wanted))[:ROWS_EACH])]


def _last_limit(rows: Sequence[Measured]) -> Iterable[int]:
    """The place of the last limit, if there is one."""
    return [at for at, (told, _) in enumerate(rows) if told.get("brightness") is None][-1:]


def _shines(row: Measured) -> bool:
    """Whether a row is a detection: a survey's own, or a forced point of many flux errors."""
    told, point = row
    if told.get("brightness") is None or point.flux is None or point.flux_error is None:
        return False
    is_strong = point.flux >= SHINING_SIGMA * point.flux_error
    return point.kind == PointKind.ALERT or is_strong
