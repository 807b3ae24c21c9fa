"""Stored plans for tests."""

from typing import Any

from django.contrib.auth.models import User

from tests.planning.nights import END, START, make_map, make_telescope
from tom.events.models import NonLocalizedEvent
from tom.planning.models import Plan
from tom.planning.plain import Task, write_schedule, write_task
from tom.planning.schedule import Wanted, plan_night


def keep_plan(event: NonLocalizedEvent, *, by: User, **figures: Any) -> Plan:
    """A plan of three pointings that was made and passed its check."""
    telescope = make_telescope(**figures)
    wanted = Wanted(START, END, most=3, solver_seconds=0)
    schedule = plan_night(make_map(), telescope, wanted)
    return Plan.objects.create(
        event=event,
        localization=event.localizations.latest("time").localization,
        map_name="bayestar skymap",
        telescope=telescope.name,
        task=write_task(Task(telescope, wanted)),
        form={"name": telescope.name},
        state="done",
        result=write_schedule(schedule) | {"faults": []},
        created_by=by,
    )
