"""The names of targets and TOM Toolkit's aliases, kept consistent with their objects.

TOM Toolkit's names are unique, and all who see a target see all of them. So an object that not
everybody may know of, who may see the target, has no alias there; and where two surveys use one
name, the second object's target is named with its survey.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.targets.models import Program, TargetSummary
from tom.targets.newcomers import Newcomer
from tom.targets.objects import BY_HAND, LONGEST_NAME, SurveyObject, spellings_of

PRIVATE = BaseTarget.Permissions.PRIVATE


@dataclass(frozen=True, slots=True)
class Holder:
    """The target that has a name, as its own or as an alias."""

    target_id: int
    is_private: bool
    is_alias: bool


def find_holders(names: Collection[str]) -> dict[str, Holder]:
    """Return the target that has each of these names."""
    found: dict[str, Holder] = {}
    aliases = TargetName.objects.filter(name__in=names)
    for name, pk, kind in aliases.values_list("name", "target_id", "target__permissions"):
        found[name] = Holder(pk, kind == PRIVATE, is_alias=True)
    targets = BaseTarget.objects.filter(name__in=names)
    for name, pk, kind in targets.values_list("name", "pk", "permissions"):
        found[name] = Holder(pk, kind == PRIVATE, is_alias=False)
    return found


def choose_names(founders: Sequence[Newcomer]) -> list[str]:
    """A name for each new target: its object's id, with its survey if the id is taken.

    A private target gives its name up to a public object: else the public one's name would tell
    that there is something private.
    """
    spellings = [spellings_of(*founder.key) for founder in founders]
    held = find_holders({name for pair in spellings for name in pair})
    given: list[str] = []
    for founder, pair in zip(founders, spellings, strict=True):
        free = [name for name in pair if name not in held]
        yielding = [name for name in pair if name in held and held[name].is_private]
        if founder.is_public and yielding and free[:1] != [pair[0]]:
            _set_aside(yielding[0], held.pop(yielding[0]))
            free = [yielding[0]]
        name = (free or [f"{pair[1][:60]} {founder.alert.alert_id}"[:LONGEST_NAME]])[0]
        held[name] = Holder(0, not founder.is_public, is_alias=False)
        given.append(name)
    return given


def _set_aside(name: str, holder: Holder) -> None:
    """Give a private target, or its alias, another name."""
    summary = TargetSummary.objects.filter(pk=holder.target_id).first()
    other = f"{summary.survey if summary else ''} {name}".strip()[:LONGEST_NAME]
    if find_holders([other]):
        other = f"{name[:80]} ({holder.target_id})"
    rows = TargetName.objects if holder.is_alias else BaseTarget.objects
    rows.filter(name=name).update(name=other)


def name_targets(target_ids: Iterable[int]) -> None:
    """Update the aliases of targets from their objects; give up names that reveal too much.

    Names that people gave stay.
    """
    ids = sorted(set(target_ids))
    if not ids:
        return
    public = set(Program.objects.filter(public=True).values_list("pk", flat=True))
    objects: dict[int, list[SurveyObject]] = defaultdict(list)
    for row in SurveyObject.objects.filter(target__in=ids).exclude(survey=BY_HAND).order_by("pk"):
        objects[row.target_id].append(row)
    targets = list(BaseTarget.objects.filter(pk__in=objects))
    open_objects = {
        target.pk: [
            row
            for row in objects[target.pk]
            if target.permissions == PRIVATE or row.is_known_to(public)
        ]
        for target in targets
    }
    _drop_names(targets, objects, open_objects)
    _add_aliases(targets, open_objects)


def _drop_names(
    targets: Sequence[BaseTarget],
    objects: Mapping[int, Sequence[SurveyObject]],
    told: Mapping[int, Sequence[SurveyObject]],
) -> None:
    """Remove the names of objects that not everybody may know, and of objects that moved away."""
    for target in targets:
        open_names = {name for row in told[target.pk] for name in row.spellings}
        hidden = {name for row in objects[target.pk] for name in row.spellings} - open_names
        if not hidden:
            continue
        TargetName.objects.filter(target=target, name__in=hidden).delete()
        if target.name in hidden and told[target.pk]:
            rename(target, told[target.pk][0])


def rename(target: BaseTarget, row: SurveyObject) -> None:
    """Name a target by an object of it that everybody may know."""
    held = find_holders(row.spellings)
    mine = [name for name in row.spellings if name not in held or held[name].target_id == target.pk]
    target.name = (mine or [f"{row.spellings[1][:80]} ({target.pk})"])[0]
    TargetName.objects.filter(target=target, name=target.name).delete()
    BaseTarget.objects.filter(pk=target.pk).update(name=target.name)


def _add_aliases(targets: Sequence[BaseTarget], told: Mapping[int, Sequence[SurveyObject]]) -> None:
    held = find_holders({name for rows in told.values() for row in rows for name in row.spellings})
    missing: list[TargetName] = []
    for target in targets:
        for row in told[target.pk]:
            holders = [held.get(name) for name in row.spellings]
            if any(holder and holder.target_id == target.pk for holder in holders):
                continue
            free = [name for name in row.spellings if name not in held]
            if free:
                held[free[0]] = Holder(target.pk, target.permissions == PRIVATE, is_alias=True)
                missing.append(TargetName(target=target, name=free[0]))
    TargetName.objects.bulk_create(missing, ignore_conflicts=True)
