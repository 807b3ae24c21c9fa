"""A plan's task and result as plain data, and the process that works on it."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.planning.nights import END, START, make_map, make_telescope
from tom.planning.host import PlanFailedError, work_apart
from tom.planning.nights import next_dark
from tom.planning.plain import Task, read_schedule, read_task, work_task, write_schedule, write_task
from tom.planning.schedule import Wanted, plan_night
from tom.planning.telescopes import TELESCOPES
from tom.sky import pack, sun_altitude
from tom.sky.visibility import mjd_of

WANTED = Wanted(START, END, most=4, solver_seconds=1)


@pytest.mark.parametrize("telescope", TELESCOPES, ids=lambda each: each.name)
def test_a_task_survives_json(telescope):
    grid = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    task = Task(telescope, replace(WANTED, grid=grid, reach_mpc=50.0))

    again = read_task(json.loads(json.dumps(write_task(task))))

    assert again.telescope == telescope
    assert replace(again.wanted, grid=None) == replace(task.wanted, grid=None)
    np.testing.assert_array_equal(again.wanted.grid, grid)


def test_a_telescope_without_a_depth_survives_json():
    task = Task(make_telescope(depth=math.nan), WANTED)

    again = read_task(json.loads(json.dumps(write_task(task), allow_nan=False)))

    assert math.isnan(again.telescope.depth)


def test_a_schedule_survives_json():
    schedule = plan_night(make_map(), make_telescope(), WANTED)

    assert read_schedule(json.loads(json.dumps(write_schedule(schedule)))) == schedule


def test_the_same_task_and_map_give_the_same_plan_in_another_process():
    skymap, task, steps = make_map(), Task(make_telescope(), WANTED), []
    told = json.loads(json.dumps(work_task(skymap, task, tell=lambda _: None)))

    apart = work_apart(write_task(task), pack(skymap), seconds=120, tell=steps.append)

    assert apart == told
    assert apart["faults"] == []
    assert steps[0] == "Laying fields over the map"
    assert steps[-1] == "Checking the plan"


def test_fields_of_another_plan_are_left_out():
    skymap, telescope = make_map(), make_telescope()
    first = work_task(skymap, Task(telescope, WANTED), tell=lambda _: None)
    done = tuple(
        {"shape": telescope.shape, "position_angle_deg": 0.0, "ra": row["ra"], "dec": row["dec"]}
        for row in first["pointings"]
    )

    second = work_task(skymap, Task(telescope, WANTED, done), tell=lambda _: None)

    assert second["covered"] == pytest.approx(first["probability"])
    assert second["faults"] == []
    places = {(row["ra"], row["dec"]) for row in second["pointings"]}
    assert not places & {(row["ra"], row["dec"]) for row in first["pointings"]}


def test_a_plan_that_takes_too_long_is_ended():
    task = write_task(Task(make_telescope(), WANTED))

    with pytest.raises(PlanFailedError, match=r"it took longer than 0\.2 s"):
        work_apart(task, pack(make_map()), seconds=0.2, tell=lambda _: None)


def test_a_process_that_ends_without_a_plan_is_told():
    with pytest.raises(PlanFailedError, match="its process ended by itself"):
        work_apart({"telescope": None}, pack(make_map()), seconds=60, tell=lambda _: None)


@pytest.mark.parametrize("telescope", TELESCOPES, ids=lambda each: each.name)
def test_the_next_dark_span_is_dark(telescope):
    begin, end = next_dark(telescope.site, now=START, sun_altitude_max_deg=-12.0)

    inside = mjd_of(begin) + np.linspace(0, (end - begin) / timedelta(days=1), 20)
    assert sun_altitude(telescope.site, inside).max() < -11.5
    assert timedelta(hours=5) < end - begin < timedelta(hours=14)


def test_where_the_sun_does_not_set_there_is_no_dark_span():
    from tom.sky import Site

    summer = START.replace(month=6, day=21)

    assert next_dark(Site("Tromso", 69.65, 18.96), now=summer, sun_altitude_max_deg=-12.0) is None
