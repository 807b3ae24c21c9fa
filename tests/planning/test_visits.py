"""Plans that visit each field several times: found, checked, and said where they are wrong."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from tests.planning.nights import END, START, make_map, make_telescope
from tom.planning.checking import check_schedule
from tom.planning.plain import Task, read_schedule, read_task, work_task, write_task
from tom.planning.route import Route
from tom.planning.schedule import Pointing, Schedule, plan_night
from tom.planning.wanted import ONCE, Visits, Wanted
from tom.planning.windows import Windows, long_enough
from tom.sky import SkyMap
from tom.sky.arrays import FloatArray

TWICE = Visits(2, 1800.0)
GR = Visits(2, 1800.0, ("g", "r"))


@pytest.fixture(scope="module")
def skymap() -> SkyMap:
    return make_map()


def plan(skymap: SkyMap, visits: Visits, *, hours: float = 6, solver: float = 0, **figures: object):
    telescope = make_telescope(**figures)
    end = START + timedelta(hours=hours)
    wanted = Wanted(START, end, solver_seconds=solver, visits=visits)
    return plan_night(skymap, telescope, wanted), telescope


def faults(schedule: Schedule, skymap: SkyMap, telescope, visits: Visits) -> list[str]:
    return check_schedule(schedule, skymap, telescope, start=START, end=END, visits=visits)


def by_field(schedule: Schedule) -> dict[int, list[Pointing]]:
    found = defaultdict(list)
    for each in schedule.pointings:
        found[each.field].append(each)
    return found


@pytest.mark.parametrize("visits", [TWICE, GR, Visits(3, 1200.0), Visits(2, 0.0)])
def test_each_field_is_visited_as_often_and_as_far_apart_as_asked(skymap, visits):
    schedule, telescope = plan(skymap, visits, filter_change_s=100.0)

    fields = by_field(schedule)
    assert len(fields) > 10
    for found in fields.values():
        assert [each.visit for each in found] == list(range(1, visits.n + 1))
        assert tuple(each.band for each in found) == (visits.bands or ("r",) * visits.n)
        for one, other in pairwise(found):
            assert (other.start - one.start).total_seconds() >= visits.apart_s - 0.01
        assert [each.gain for each in found[1:]] == [0.0] * (visits.n - 1)
    assert faults(schedule, skymap, telescope, visits) == []


def test_the_time_between_two_visits_is_used_for_other_fields(skymap):
    """Two visits of each field in an hour: nothing is lost but what the moves take."""
    once, _ = plan(skymap, ONCE, hours=1)
    twice, _ = plan(skymap, Visits(2, 900.0), hours=1)

    assert len(twice.pointings) >= 0.85 * len(once.pointings)


def test_a_plan_near_its_end_still_finds_room_for_both_visits(skymap):
    schedule, telescope = plan(skymap, TWICE, hours=0.75)

    # The second visits begin 30 minutes later at the earliest: 14 minutes hold 11 first visits.
    assert len(by_field(schedule)) >= 9
    assert faults(schedule, skymap, telescope, TWICE) == []


def test_the_bound_of_the_programme_counts_each_visit(skymap):
    once, _ = plan(skymap, ONCE, hours=0.75, solver=5)
    twice, telescope = plan(skymap, Visits(2, 600.0), hours=0.75, solver=5)

    assert twice.probability <= twice.bound < once.bound
    assert twice.probability >= 0.8 * twice.bound
    assert faults(twice, skymap, telescope, Visits(2, 600.0)) == []


def changed(schedule: Schedule, at: int, **values: object) -> Schedule:
    rows = list(schedule.pointings)
    rows[at] = replace(rows[at], **values)
    return replace(schedule, pointings=tuple(rows))


def test_the_check_finds_what_is_wrong_with_visits(skymap):
    schedule, telescope = plan(skymap, GR, hours=1, filter_change_s=60.0)
    last = len(schedule.pointings) - 1
    second = schedule.pointings[last]
    first = next(p for p in schedule.pointings if p.field == second.field)
    fewer = replace(schedule, pointings=schedule.pointings[:-1])
    early = replace(GR, apart_s=(second.start - first.start).total_seconds() + 1)

    assert faults(schedule, skymap, telescope, GR) == []
    assert f"The field of pointing {first.number} has 1 visits, not 2." in faults(
        fewer, skymap, telescope, GR
    )
    wrong = faults(changed(schedule, last, band="g"), skymap, telescope, GR)
    assert any("in other bands than asked" in each for each in wrong)
    apart = faults(schedule, skymap, telescope, early)
    assert any(f"Pointings {first.number} and {second.number} are" in each for each in apart)
    slow = replace(telescope, filter_change_s=1000.0)
    assert any("does not fit" in each for each in faults(schedule, skymap, slow, GR))


def windows_of(spans: list[tuple[int, float, float]], n: int) -> Windows:
    field, opens, closes = (np.array(each) for each in zip(*spans, strict=True))
    return Windows(field.astype(np.int64), opens, closes.astype(float), ("",) * n)


def check_route(route: Route, windows: Windows, visits: Visits, exposure: float) -> None:
    begun: dict[int, list[float]] = defaultdict(list)
    free = -np.inf
    starts: FloatArray = route.starts
    for field, visit, at in zip(route.fields, route.visits, starts.tolist(), strict=True):
        assert at >= free - 1e-6
        free = at + exposure
        mine = windows.field == field
        assert np.any((windows.opens[mine] <= at + 1e-6) & (at <= windows.closes[mine] + 1e-6))
        assert visit == len(begun[field])
        begun[field].append(at)
    for times in begun.values():
        assert len(times) == visits.n
        assert np.all(np.diff(times) >= visits.apart_s - 1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_a_route_keeps_every_window_and_every_time_apart(seed):
    rng = np.random.default_rng(seed)
    n, telescope = 25, make_telescope(overhead_s=float(rng.choice([0.0, 30.0])))
    visits = Visits(int(rng.integers(2, 4)), float(rng.choice([0.0, 200.0, 900.0])), ())
    spans = []
    for field in range(n):
        opens = float(rng.uniform(0, 3000))
        spans.append((field, opens, opens + float(rng.uniform(0, 3000))))
        if rng.random() < 0.3:
            spans.append((field, opens + 4000, opens + 4500))
    windows = long_enough(windows_of(spans, n), visits)
    route = Route(telescope, windows, rng.uniform(0, 20, n), rng.uniform(-10, 10, n), visits)

    for field in rng.permutation(n).tolist():
        before = route.fields[:]
        if not route.insert(field):
            assert route.fields == before

    assert route.fields
    check_route(route, windows, visits, telescope.exposure_s)


def test_a_field_that_is_not_up_for_all_visits_is_left_out_and_says_so():
    windows = windows_of([(0, 0.0, 1799.0), (1, 0.0, 500.0), (1, 1500.0, 1800.0)], 3)
    windows = replace(windows, why_not=("", "", "too low"))

    left = long_enough(windows, TWICE)

    assert left.field.tolist() == [1, 1]
    assert left.why_not == ("not up long enough for 2 visits", "", "too low")


def test_a_task_keeps_its_visits_as_plain_data_and_old_ones_have_one(skymap):
    wanted = Wanted(START, START + timedelta(hours=1), solver_seconds=0, visits=GR)
    plain = write_task(Task(make_telescope(), wanted))

    done = work_task(skymap, read_task(plain), tell=lambda _: None)

    assert done["faults"] == []
    assert {each.visit for each in read_schedule(done).pointings} == {1, 2}
    assert read_task(plain).wanted.visits == GR
    assert read_task({**plain, "visits": {}}).wanted.visits == ONCE
    del plain["visits"], plain["telescope"]["filter_change_s"]
    assert read_task(plain).wanted.visits == ONCE
