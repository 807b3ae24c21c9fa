"""Points in partitions by month: each row is found again, and a batch touches only its months."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tom_dataproducts.models import PhotometryReducedDatum

from tests.factories import make_target
from tests.targets.alerts import make_alert, make_point
from tom import sweeping
from tom.candidates.by_hand import upload_points
from tom.records.alert import ObjectAlert, PointKind
from tom.targets.by_hand import Measured, program_of
from tom.targets.models import LightCurvePoint
from tom.targets.months import (
    drop_months,
    make_months,
    month_of,
    months_of,
    next_month,
    present_months,
)
from tom.targets.store import store_alerts

pytestmark = pytest.mark.django_db
EDGE = datetime(2026, 11, 1, tzinfo=UTC)
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def alert_at(time: datetime, *more: datetime, trigger: bool = True) -> ObjectAlert:
    """An alert of one object; its point of a time has the key of how it is told here."""
    points = tuple(
        replace(make_point(f"p{n}", trigger=trigger and n == 0), time=each)
        for n, each in enumerate((time, *more))
    )
    alert = make_alert("ZTF26a", *points)
    return replace(alert, time=time, alert_id="p0")


def partition_of(point: LightCurvePoint) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM targets_lightcurvepoint WHERE id = %s", [point.pk]
        )
        return str(cursor.fetchone()[0])


def settle_checks() -> None:
    """Check foreign keys now: a table with checks that wait cannot be changed."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("time", "other"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), OCTOBER),
        (datetime(2026, 10, 31, 23, 59, tzinfo=UTC), NOVEMBER),
        (datetime(2026, 11, 2, 23, tzinfo=UTC), OCTOBER),
        (datetime(2026, 11, 3, 1, tzinfo=UTC), None),
        (datetime(2026, 11, 15, tzinfo=UTC), None),
        (datetime(2026, 2, 27, 1, tzinfo=UTC), date(2026, 3, 1)),
        (datetime(2026, 2, 26, 1, tzinfo=UTC), None),
        (datetime(2026, 12, 31, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_only_near_the_end_of_a_month_a_copy_may_stand_in_another(time, other) -> None:
    assert months_of(time) == (month_of(time), other)


def test_every_copy_within_two_days_is_looked_for_in_its_month() -> None:
    for hours in range(0, 24 * 400, 5):
        time = EDGE + timedelta(hours=hours)
        for apart in (-48, -1, 1, 48):
            copy = time + timedelta(hours=apart)
            assert month_of(copy) in months_of(time)


@pytest.mark.parametrize("apart", [timedelta(microseconds=1), timedelta(hours=20)])
@pytest.mark.parametrize("rounded_first", [True, False])
def test_a_rounded_copy_across_the_end_of_a_month_meets_the_same_row(apart, rounded_first) -> None:
    exact, rounded = EDGE - apart, EDGE
    alerts = [alert_at(exact), alert_at(rounded + timedelta(days=0), trigger=False)]
    alerts[1] = replace(alerts[1], alert_id="later")
    for alert in alerts[::-1] if rounded_first else alerts:
        store_alerts([alert])

    point = LightCurvePoint.objects.get()
    assert point.time == exact  # the trigger's own copy stays
    assert point.month == month_of(rounded if rounded_first else exact)  # of the first one
    assert PhotometryReducedDatum.objects.get().timestamp == exact


def test_odd_times_are_kept_and_found_again() -> None:
    for year in (1950, 2090):
        alert = alert_at(datetime(year, 6, 15, tzinfo=UTC))
        point = replace(alert.points[0], key=f"of {year}")
        for _ in range(2):
            store_alerts([replace(alert, points=(point,), alert_id=point.key)])

    points = list(LightCurvePoint.objects.order_by("time"))
    assert [point.key for point in points] == ["of 1950", "of 2090"]
    assert {partition_of(point) for point in points} == {"targets_point_odd"}


def test_a_batch_writes_into_its_months_alone_and_looks_into_no_other() -> None:
    now = datetime.now(UTC).replace(day=15)
    before = now - timedelta(days=30)
    hour = timedelta(hours=1)
    store_alerts([alert_at(now - hour, before - hour)])
    with CaptureQueriesContext(connection) as queries:
        store_alerts([alert_at(now, before)])
    wanted = {f"targets_point_{month_of(time):%Y_%m}" for time in (now, before)}

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT relation::regclass::text FROM pg_locks WHERE pid = pg_backend_pid()"
            " AND mode = 'RowExclusiveLock' AND relation::regclass::text ~ '^targets_point_[0-9o]'"
            " AND relation IN (SELECT oid FROM pg_class WHERE relkind = 'r')"
        )
        written = {name for (name,) in cursor.fetchall()}
        assert written == wanted
    told = [q["sql"] for q in queries if "targets_lightcurvepoint" in q["sql"]]
    assert not [sql for sql in told if "other_month IS NOT NULL" in sql]  # no month's end is near
    assert not [sql for sql in told if "photometryreduceddatum" in sql]


def test_near_a_months_end_the_neighbouring_month_alone_is_looked_into() -> None:
    first = datetime.now(UTC).replace(day=1, hour=12)
    with CaptureQueriesContext(connection) as queries:
        store_alerts([alert_at(first)])

    (looked,) = [q["sql"] for q in queries if "other_month IS NOT NULL" in q["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {looked}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    before = month_of(first - timedelta(days=1))
    assert tables_of(plan) == {f"targets_point_{before:%Y_%m}"}, plan


def tables_of(plan: str) -> set[str]:
    words = plan.replace("(", " ").split()
    names = {f"targets_point_{month:%Y_%m}" for month in present_months()} | {"targets_point_odd"}
    return names.intersection(words)


def test_points_that_the_models_make_know_their_month() -> None:
    target = make_target()

    assert all(point.month == month_of(point.time) for point in target.points.all())
    assert {partition_of(point) for point in target.points.all()} <= {
        f"targets_point_{month:%Y_%m}" for month in present_months()
    }


def test_a_month_takes_over_what_came_before_it_had_a_partition() -> None:
    store_alerts([alert_at(datetime(2031, 3, 15, tzinfo=UTC))])
    assert partition_of(LightCurvePoint.objects.get()) == "targets_point_odd"
    settle_checks()

    made = make_months(datetime(2031, 2, 10, tzinfo=UTC))

    assert (made[0], made[-1], len(made)) == (date(2030, 12, 1), date(2031, 4, 1), 5)
    assert make_months(datetime(2031, 2, 28, 23, tzinfo=UTC)) == []
    assert partition_of(LightCurvePoint.objects.get()) == "targets_point_2031_03"
    store_alerts([alert_at(datetime(2031, 3, 15, tzinfo=UTC))])
    assert LightCurvePoint.objects.count() == 1


def test_the_sweep_makes_the_coming_months() -> None:
    coming = next_month(next_month(month_of(datetime.now(UTC))))
    settle_checks()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE targets_point_{coming:%Y_%m}")

    sweeping._make_months()

    assert coming in present_months()


def test_old_months_are_dropped_but_for_what_people_brought(settings, django_user_model) -> None:
    old = datetime.now(UTC) - timedelta(days=65)
    recent = datetime.now(UTC) - timedelta(hours=1)
    store_alerts([alert_at(recent, old, old - timedelta(days=4000))])
    target = LightCurvePoint.objects.first().target
    person = django_user_model.objects.create_user("p")
    brought = Measured(PointKind.FORCED, old, "r", flux_njy=3000.0, flux_error_njy=100.0)
    upload_points(
        target, [brought], program=program_of(None), name="t", by=person, now=datetime.now(UTC)
    )
    settle_checks()
    assert (LightCurvePoint.objects.count(), PhotometryReducedDatum.objects.count()) == (4, 4)

    settings.POINT_DAYS = 31
    sweeping.prune()

    left = LightCurvePoint.objects.order_by("time")
    assert [point.survey for point in left] == ["BY HAND", "ZTF"]
    assert PhotometryReducedDatum.objects.count() == 2
    assert month_of(old) not in present_months()
    assert drop_months(month_of(old)) == []
