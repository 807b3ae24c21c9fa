"""Make plans, work on them, and say which are due."""

import logging
from datetime import timedelta
from functools import partial
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from tom.events.models import EventLocalization, Localization, NonLocalizedEvent
from tom.planning.host import PlanFailedError, work_apart
from tom.planning.models import UNDER_WAY, Plan, PlanState
from tom.planning.plain import Task, write_task

logger = logging.getLogger(__name__)

MOST_WAITING: Final = 5
"""So many plans of one person may be under way."""


def make_plan(
    event: NonLocalizedEvent,
    use: EventLocalization,
    task: Task,
    *,
    form: dict[str, str],
    by: User,
) -> Plan:
    """Store what is wanted; a worker makes the plan."""
    author = use.author or use.sender
    return Plan.objects.create(
        event=event,
        localization=use.localization,
        map_name=f"{author} {use.product} of {use.time:%Y-%m-%d %H:%M} UTC".strip()[:200],
        telescope=task.telescope.name,
        task=write_task(task),
        form=form,
        created_by=by,
    )


def has_too_many(user: User) -> bool:
    """Return whether a person has as many plans under way as one may have."""
    return Plan.objects.filter(created_by=user, state__in=UNDER_WAY).count() >= MOST_WAITING


def work_plan(plan_id: int) -> None:
    """Make one plan. Safe to call twice: who takes the row works on it, and nobody else."""
    taken = Plan.objects.filter(pk=plan_id, state=PlanState.WAITING)
    if not taken.update(state=PlanState.WORKING, begun=timezone.now()):
        return
    rows = Plan.objects.filter(pk=plan_id, state=PlanState.WORKING)
    plan = rows.only("task", "localization").get()
    packed = Localization.objects.values_list("packed", flat=True).get(pk=plan.localization_id)
    try:
        result = work_apart(
            plan.task,
            bytes(packed),
            seconds=settings.PLAN_SECONDS,
            tell=partial(_note_step, plan_id),
        )
    except PlanFailedError as error:
        logger.warning("A plan could not be made", extra={"plan": plan_id, "reason": str(error)})
        rows.update(state=PlanState.FAILED, reason=str(error), finished=timezone.now())
        return
    state = PlanState.REFUSED if result["faults"] else PlanState.DONE
    rows.update(state=state, result=result, step="", finished=timezone.now())


def _note_step(plan_id: int, step: str) -> None:
    Plan.objects.filter(pk=plan_id, state=PlanState.WORKING).update(step=step)


def due_plans() -> list[int]:
    """The plans that nobody has begun; those whose making was broken off have failed."""
    broken = timezone.now() - timedelta(seconds=2 * settings.PLAN_SECONDS)
    Plan.objects.filter(state=PlanState.WORKING, begun__lt=broken).update(
        state=PlanState.FAILED, reason="its making was broken off", finished=timezone.now()
    )
    return list(Plan.objects.filter(state=PlanState.WAITING).values_list("pk", flat=True))
