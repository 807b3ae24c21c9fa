"""Which rows of a long light curve a circular has."""

from datetime import timedelta

from tests.factories import MERGER
from tom.reports.gcn.chosen_rows import ROWS_EACH, Measured, choose_rows
from tom.targets.models import LightCurvePoint


def row(days: float, *, flux: float | None = 1e4, kind: str = "alert") -> Measured:
    """A point some days after MERGER, with a magnitude where it has a flux."""
    told = {"limiting_brightness": 20.8} if flux is None else {"brightness": 21.0}
    point = LightCurvePoint(
        time=MERGER + timedelta(days=days), flux=flux, flux_error=1e3, kind=kind
    )
    return told, point


def days_of(rows: list[Measured]) -> list[float]:
    return [round((point.time - MERGER) / timedelta(days=1), 1) for _, point in rows]


def test_few_rows_stay_in_order_of_time() -> None:
    assert days_of(choose_rows([row(2), row(-3, flux=None), row(1)], since=MERGER)) == [-3, 1, 2]


def test_the_last_limit_the_first_detections_the_brightest_and_the_newest_are_chosen() -> None:
    history = [row(-days, flux=None, kind="limit") for days in range(30, 0, -1)]
    rise = [row(0.5 + 0.1 * n) for n in range(6)]
    late = [row(2 + n) for n in range(20)]
    late[7] = row(9, flux=9e4)
    faint = row(-0.2, flux=3.5e3, kind="forced")

    chosen = choose_rows([*late, *history, faint, *rise], since=MERGER)

    first = [0.5, 0.6, 0.7, 0.8, 0.9]
    assert days_of(chosen) == [-1, *first, 9, 17, 18, 19, 20, 21]
    assert len(chosen) == ROWS_EACH


def test_light_before_the_event_and_weak_forced_points_are_no_first_detection() -> None:
    before = [row(-20 + n) for n in range(10)]
    between = [row(-1, flux=None, kind="limit"), row(0.1, flux=4e3, kind="forced")]
    after = [row(1 + n, flux=6e3, kind="forced") for n in range(20)]

    chosen = choose_rows([*before, *between, *after], since=MERGER)

    assert days_of(chosen) == [-1, 1, 2, 3, 4, 5, 15, 16, 17, 18, 19, 20]


def test_without_a_detection_since_the_event_the_newest_rows_are_chosen() -> None:
    rows = [row(-20 + n) for n in range(15)]

    assert days_of(choose_rows(rows, since=MERGER)) == [-17 + n for n in range(12)]


def test_without_a_time_of_the_event_all_detections_count() -> None:
    rows = [row(n) for n in range(20)]

    assert days_of(choose_rows(rows, since=None)) == [0, 1, 2, 3, 4, 13, 14, 15, 16, 17, 18, 19]
