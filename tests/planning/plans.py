"""Stored plans for tests."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from tests.planning.nights import END, START, make_map, make_telescope
from tom.events.models import NonLocalizedEvent
from tom.planning.models import Plan
from tom.planning.plain import Task, write_schedule, write_task
from tom.planning.schedule import Pointing, Schedule, Wanted, plan_night


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


def keep_coming(
    event: NonLocalizedEvent, places: Sequence[tuple[float, float]], *, by: User
) -> Plan:
    """A checked plan for tomorrow: five minutes for each place, in this order."""
    start = timezone.now().replace(microsecond=0) + timedelta(days=1)
    telescope = make_telescope(shape={"kind": "rectangle", "width_deg": 0.44, "height_deg": 0.44})
    pointings = [
        Pointing(
            number=i + 1,
            field=i,
            ra=ra,
            dec=dec,
            start=start + timedelta(minutes=5 * i),
            end=start + timedelta(minutes=5 * i + 1),
            gain=0.01,
            probability=0.01,
        )
        for i, (ra, dec) in enumerate(places)
    ]
    schedule = Schedule(tuple(pointings), 0.1, 0.1, 0.1, 0.0, len(places), "greedy", ())
    wanted = Wanted(start, start + timedelta(hours=8))
    return Plan.objects.create(
        event=event,
        localization=event.localizations.latest("time").localization,
        map_name="bayestar skymap",
        telescope=telescope.name,
        task=write_task(Task(telescope, wanted)),
        state="done",
        result=write_schedule(schedule) | {"faults": []},
        created_by=by,
    )
