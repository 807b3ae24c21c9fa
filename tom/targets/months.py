"""The partitions of light-curve points by month: made in advance, and dropped when old.

The month of a point is that of the time with which it was first stored, and stays: a better copy
may tell another time, and must meet the same row. See ADR 19.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.db import connection, transaction

# Two copies of a point tell times that are no farther apart.
APART = timedelta(days=2)
# How many months are made ahead, and how many before the present one.
AHEAD, BEHIND = 2, 2
PARTITION = "targets_point_%Y_%m"
ODD = "targets_point_odd"


def month_of(time: datetime) -> date:
    """The first day of the month of an aware time, in UTC."""
    return months_of(time)[0]


def months_of(time: datetime) -> tuple[date, date | None]:
    """The month of an aware time, in UTC, and the neighbouring one where a copy of it may be."""
    return _months_of((time if time.tzinfo is UTC else time.astimezone(UTC)).date())


@lru_cache(maxsize=4096)
def _months_of(day: date) -> tuple[date, date | None]:
    others = {moved.replace(day=1) for moved in (day - APART, day + APART)}
    month = day.replace(day=1)
    return month, next(iter(others - {month}), None)


def next_month(month: date) -> date:
    """The first day of the month after one."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def present_months() -> list[date]:
    """The months that have a partition, ascending."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'targets_lightcurvepoint'::regclass AND c.relname <> %s",
            [ODD],
        )
        names = [name for (name,) in cursor.fetchall()]
    return sorted(datetime.strptime(n, PARTITION).replace(tzinfo=UTC).date() for n in names)


def make_months(now: datetime) -> list[date]:
    """Make the partitions that are missing around the present month; return their months.

    A month of which points came already, into the partition for odd times, takes these over.
    """
    wanted = [month_of(now)]
    for _ in range(BEHIND):
        wanted.insert(0, month_of(_at(wanted[0]) - timedelta(days=1)))
    for _ in range(AHEAD):
        wanted.append(next_month(wanted[-1]))
    present = set(present_months())
    missing = [month for month in wanted if month not in present]
    for month in missing:
        _make(month)
    return missing


def _at(month: date) -> datetime:
    return datetime(month.year, month.month, month.day, tzinfo=UTC)


def _make(month: date) -> None:
    name = f"{month:{PARTITION}}"
    bounds = {"first": month, "stop": next_month(month)}
    with transaction.atomic(), connection.cursor() as cursor:
        # Nobody writes meanwhile; another sweep may have been faster.
        cursor.execute("LOCK TABLE targets_lightcurvepoint IN ACCESS EXCLUSIVE MODE")
        if month in present_months():
            return
        cursor.execute(f"CREATE TABLE {name} (LIKE targets_lightcurvepoint INCLUDING DEFAULTS)")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {ODD} WHERE month >= %(first)s AND month < %(stop)s"  # noqa: S608
            f" RETURNING *) INSERT INTO {name} SELECT * FROM moved",
            bounds,
        )
        cursor.execute(
            f"ALTER TABLE targets_lightcurvepoint ATTACH PARTITION {name}"
            " FOR VALUES FROM (%(first)s) TO (%(stop)s)",
            bounds,
        )


def drop_months(before: date) -> list[date]:
    """Drop the points of the months before one, except uploads of people; return the months.

    TOM Toolkit's copies of them go, too. What summaries tell stays until the next alert.
    """
    old = [month for month in present_months() if month < before]
    for month in old:
        _drop(f"{month:{PARTITION}}")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UNMIRROR.format(table=ODD), {"before": before})
        cursor.execute(
            f"DELETE FROM {ODD} WHERE month < %s AND survey <> 'BY HAND'",  # noqa: S608
            [before],
        )
        cursor.execute(FORGET_REPLACED, [before])
    return old


def _drop(name: str) -> None:
    """Remove a partition; the points that people brought go to the partition without bounds."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(UNMIRROR.format(table=name), {"before": date.max})
        cursor.execute(f"ALTER TABLE targets_lightcurvepoint DETACH PARTITION {name}")
        cursor.execute(
            f"INSERT INTO targets_lightcurvepoint SELECT * FROM {name} WHERE survey = 'BY HAND'"  # noqa: S608
        )
        cursor.execute(f"DROP TABLE {name}")


UNMIRROR = """
    DELETE FROM tom_dataproducts_photometryreduceddatum m USING {table} p
    WHERE m.target_id = p.target_id AND m.source_name = p.survey
        AND m.source_location = p.kind || ':' || p.key
        AND p.month < %(before)s AND p.survey <> 'BY HAND'
"""
FORGET_REPLACED = "DELETE FROM targets_replacedpoint WHERE time < %s AND survey <> 'BY HAND'"
