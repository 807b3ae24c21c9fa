"""What a target is in the surveys, what may be the same, and what people joined and split."""

from collections.abc import Collection
from typing import Any

from django.db.models import Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.targets.audiences import show_targets
from tom.targets.joins import TargetJoin
from tom.targets.models import Program, Visitor
from tom.targets.objects import BY_HAND, SurveyObject
from tom.targets.same import find_same
from tom.targets.visible import visible_targets
from tom.web.known import programs_of

JOINS_SHOWN = 10


def objects_of(target: BaseTarget, programs: Collection[int]) -> QuerySet[SurveyObject]:
    """The objects of surveys that a target is, of which a reader of these programs may know."""
    public = Program.objects.filter(public=True).values_list("pk", flat=True)
    readable = [*public, *programs]
    rows = SurveyObject.objects.filter(target=target.pk).exclude(survey=BY_HAND)
    return rows.filter(Q(programs__overlap=readable) | Q(programs=[])).order_by("survey", "pk")


def identity_of(target: BaseTarget, user: Visitor) -> dict[str, Any]:
    """What the page tells of a target's objects."""
    programs = programs_of(user)
    seen = visible_targets(user).filter(summary__isnull=False).select_related("summary")
    same = find_same(target, seen, programs)
    show_targets(same, programs)
    return {
        "objects": list(objects_of(target, programs)),
        "same": same,
        "joins": joins_of(target, user)[:JOINS_SHOWN],
    }


def joins_of(target: BaseTarget, user: Visitor) -> list[TargetJoin]:
    """What was joined to a target or split off it and stands, that a reader may know of."""
    rows = (
        TargetJoin.objects.filter(kept=target.pk, undone=None).select_related("by").defer("changes")
    )
    joins = list(rows)
    if not joins:
        return []
    programs = programs_of(user)
    known = {name for row in objects_of(target, programs) for name in row.spellings}
    known |= {target.name, *target.aliases.values_list("name", flat=True)}
    split_off = visible_targets(user).filter(pk__in=[row.other_id for row in joins])
    seen = set(split_off.values_list("pk", flat=True))
    return [row for row in joins if row.other_name in known or row.other_id in seen]


def find_joined(pk: int, user: Visitor) -> BaseTarget | None:
    """The target that one was joined to, where the reader may know of it."""
    for row in TargetJoin.objects.filter(other=pk, hides_other=True).select_related("kept"):
        kept = visible_targets(user).filter(pk=row.kept_id).first()
        if kept is None:
            return find_joined(row.kept_id, user)
        if row.pk in {each.pk for each in joins_of(kept, user)}:
            return kept
    return None
