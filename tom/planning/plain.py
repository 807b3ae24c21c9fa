"""A plan's task and its result as plain data, which JSON and a row of the database hold."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from tom.planning.checking import check_schedule
from tom.planning.faces import row_weights
from tom.planning.schedule import Pointing, Refused, Schedule, Tell, plan_night
from tom.planning.telescope import Telescope, shape_of, telescope_of
from tom.planning.wanted import Visits, Wanted
from tom.sky import SkyMap, footprint_ranges, merge_ranges
from tom.sky.arrays import IntArray

Plain = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """What is planned, and with which telescope.

    `covered` are the fields that others observed deep enough, each as `{"shape", "ra", "dec",
    "position_angle_deg"}`.
    """

    telescope: Telescope
    wanted: Wanted
    covered: tuple[Plain, ...] = ()


def write_task(task: Task) -> Plain:
    """Return a task as plain data."""
    wanted = task.wanted
    return {
        "telescope": task.telescope.as_dict(),
        "start": wanted.start.isoformat(),
        "end": wanted.end.isoformat(),
        "most": wanted.most,
        "grid": None if wanted.grid is None else [each.tolist() for each in wanted.grid],
        "overlap": wanted.overlap,
        "level": wanted.level,
        "reach_mpc": None if wanted.reach_mpc == float("inf") else wanted.reach_mpc,
        "solver_seconds": wanted.solver_seconds,
        "visits": asdict(wanted.visits),
        "covered": list(task.covered),
    }


def read_task(values: Mapping[str, Any]) -> Task:
    """Make a task of what `write_task` returned.

    Raises
    ------
    KeyError, TypeError, ValueError
        If that is no task.
    """
    grid = values["grid"]
    reach = values["reach_mpc"]
    wanted = Wanted(
        start=datetime.fromisoformat(values["start"]),
        end=datetime.fromisoformat(values["end"]),
        most=values["most"],
        grid=None if grid is None else (np.array(grid[0], float), np.array(grid[1], float)),
        overlap=values["overlap"],
        level=values["level"],
        reach_mpc=float("inf") if reach is None else reach,
        solver_seconds=values["solver_seconds"],
        visits=_read_visits(values.get("visits", {})),
    )
    return Task(telescope_of(values["telescope"]), wanted, tuple(values["covered"]))


def _read_visits(values: Mapping[str, Any]) -> Visits:
    """Make visits of plain data; plans that were made before there were some have none."""
    given = dict(values)
    return Visits(**{**given, "bands": tuple(given.get("bands", ()))})


def work_task(skymap: SkyMap, task: Task, *, tell: Tell) -> Plain:
    """Plan, check the plan, and return it as plain data with its faults.

    Returns
    -------
    dict
        The fields of `Schedule`, moments as ISO 8601 text; `more_possible` (None: there is no
        pointing); `faults`, the sentences of `check_schedule`.
    """
    wanted, telescope = task.wanted, task.telescope
    if task.covered:
        tell("Reading what others have covered")
        wanted = replace(wanted, covered=covered_ranges(task.covered))
    schedule = plan_night(skymap, telescope, wanted, tell=tell)
    tell("Checking the plan")
    faults = check_schedule(
        schedule,
        skymap,
        telescope,
        start=wanted.start,
        end=wanted.end,
        most=wanted.most,
        visits=wanted.visits,
        weights=row_weights(skymap, wanted.reach_mpc),
        covered=task.covered,
    )
    return write_schedule(schedule) | {"faults": faults}


def covered_ranges(fields: Sequence[Mapping[str, Any]]) -> IntArray:
    """Return the union of fields as ranges of nested order-29 ids, sorted and apart."""
    found = [
        footprint_ranges(
            shape_of(each["shape"]),
            ra=each["ra"],
            dec=each["dec"],
            position_angle_deg=each["position_angle_deg"],
        )
        for each in fields
    ]
    return merge_ranges(np.concatenate([np.empty((0, 2), dtype=np.int64), *found]))


def write_schedule(schedule: Schedule) -> Plain:
    """Return a schedule as plain data."""
    more = schedule.more_possible
    values = asdict(schedule)
    for row in values["pointings"]:
        row["start"], row["end"] = row["start"].isoformat(), row["end"].isoformat()
    return values | {"more_possible": None if np.isnan(more) else more}


def read_schedule(values: Mapping[str, Any]) -> Schedule:
    """Make a schedule of what `write_schedule` returned."""
    pointings = tuple(
        Pointing(
            **{
                **row,
                "start": datetime.fromisoformat(row["start"]),
                "end": datetime.fromisoformat(row["end"]),
            }
        )
        for row in values["pointings"]
    )
    refused = tuple(Refused(**row) for row in values["refused"])
    names = ("probability", "bound", "reachable", "covered", "fields", "by")
    figures = {name: values[name] for name in names}
    return Schedule(pointings=pointings, refused=refused, **figures)
