"""What a target is in the surveys, what may be the same, and what people joined and split."""

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.kept_queries import Given, kept_query
from tom.targets.audiences import show_targets
from tom.targets.joins import TargetJoin
from tom.targets.models import Audience, GivenName, Program, Visitor
from tom.targets.objects import BY_HAND, SurveyObject
from tom.targets.same import degrees_apart, find_named, find_same
from tom.targets.visible import visible_targets
from tom.web.known import programs_of

JOINS_SHOWN = 10


def objects_of(target: BaseTarget, programs: Collection[int]) -> QuerySet[SurveyObject]:
    """The objects of surveys that a target is, of which a reader of these programs may know."""
    return _objects(target.pk, programs)


def _objects(target: int | Given, programs: Collection[int]) -> QuerySet[SurveyObject]:
    readable = Program.objects.filter(Q(public=True) | Q(pk__in=list(programs))).values("pk")
    rows = SurveyObject.objects.filter(target=target).exclude(survey=BY_HAND)
    known = rows.filter(Q(programs__overlap=ArraySubquery(readable)) | Q(programs=[]))
    return known.order_by("survey", "pk")


@kept_query
def _known_objects(programs: Audience, *, target: Given) -> QuerySet[SurveyObject]:
    return _objects(target, programs)


def identity_of(target: BaseTarget, user: Visitor) -> dict[str, Any]:
    """What the page tells of a target's objects."""
    programs = programs_of(user)
    objects = _known_objects(tuple(programs), target=target.pk)
    joins = joins_of(target, user)
    return {
        "objects": objects,
        "given": _given_names(target, objects, joins),
        "same": _measured(target, find_same(target, _seen_by(user), programs), programs),
        "joins": joins[:JOINS_SHOWN],
    }


def given_names(target: BaseTarget, user: Visitor) -> list[TargetName]:
    """The names of a target that people gave it; whoever may name targets may take them back."""
    objects = _known_objects(tuple(programs_of(user)), target=target.pk)
    return _given_names(target, objects, joins_of(target, user))


def _given_names(
    target: BaseTarget, objects: Iterable[SurveyObject], joins: Iterable[TargetJoin]
) -> list[TargetName]:
    """Leave out of all aliases the names of objects and of joined targets that a reader knows of.

    The name of an object that a reader may not know of looks like any other: it tells nothing.
    """
    told = {name for row in objects for name in row.spellings}
    told |= {row.object_id for row in target.survey_objects.all() if row.survey == BY_HAND}
    told |= {row.other_name for row in joins}
    given = [alias for alias in target.aliases.all() if alias.name not in told]
    _name_givers(given)
    return given


def _name_givers(aliases: list[TargetName]) -> None:
    """Give each name who gave it; "": that was not kept."""
    rows = GivenName.objects.filter(alias__in=aliases).select_related("by") if aliases else ()
    givers = {row.alias_id: row.by.get_username() for row in rows if row.by is not None}
    for alias in aliases:
        alias.giver = givers.get(alias.pk, "")  # type: ignore[attr-defined]  # shown


def link_to(target: BaseTarget) -> SafeString:
    """The name of a target that the reader may see, as a link to its page."""
    address = reverse("targets:detail", args=[target.pk])
    return format_html('<a href="{}">{}</a>', address, target.name)


def others_named(name: str, target: BaseTarget, user: Visitor) -> list[BaseTarget]:
    """The other targets with a name that the user may see, each with how far away it is."""
    programs = programs_of(user)
    return _measured(target, find_named(name, target, _seen_by(user), programs), programs)


def _seen_by(user: Visitor) -> QuerySet[BaseTarget]:
    return visible_targets(user).filter(summary__isnull=False).select_related("summary")


def _measured(
    target: BaseTarget, others: list[BaseTarget], programs: Collection[int]
) -> list[BaseTarget]:
    """Give others their distance from a target, each where a reader of these programs knows it."""
    show_targets(others, programs)
    for other in others:
        other.degrees_apart = degrees_apart(target, other)  # type: ignore[attr-defined]  # shown
    return others


def joins_of(target: BaseTarget, user: Visitor) -> list[TargetJoin]:
    """What was joined to a target or split off it and stands, that a reader may know of."""
    joins = _standing_joins(target=target.pk)
    if not joins:
        return []
    programs = programs_of(user)
    objects = _known_objects(tuple(programs), target=target.pk)
    known = {name for row in objects for name in row.spellings}
    known |= {target.name, *target.aliases.values_list("name", flat=True)}
    split_off = visible_targets(user).filter(pk__in=[row.other_id for row in joins])
    seen = set(split_off.values_list("pk", flat=True))
    return [row for row in joins if row.other_name in known or row.other_id in seen]


@kept_query
def _standing_joins(*, target: Given) -> QuerySet[TargetJoin]:
    rows = TargetJoin.objects.filter(kept=target, undone=None)
    return rows.select_related("by").defer("changes")


def find_joined(pk: int, user: Visitor) -> BaseTarget | None:
    """The target that one was joined to, where the reader may know of it."""
    for row in TargetJoin.objects.filter(other=pk, hides_other=True).select_related("kept"):
        kept = visible_targets(user).filter(pk=row.kept_id).first()
        if kept is None:
            return find_joined(row.kept_id, user)
        if row.pk in {each.pk for each in joins_of(kept, user)}:
            return kept
    return None
