"""Targets that may be one: names that people give, and what else has the name or lies there."""

from collections.abc import Collection
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tom.sky import separation_arcsec
from tom.targets.models import GivenName
from tom.targets.names import find_holders
from tom.targets.newcomers import radius_of
from tom.targets.objects import LONGEST_NAME
from tom.targets.search import find_exactly, find_in_cone, read_near
from tom.targets.tns import tns_spellings

MOST = 10
NOT_FREE: Final = "This name cannot be given here: choose another, or ask an administrator."
"""What is said where another target has a name: who asks may not be allowed to see that target."""


class BadNameError(ValueError):
    """What was given is not a name, or is not free; the text says which."""


class NotFreeError(BadNameError):
    """Another target has the name. It may be hidden: the text tells nothing of it."""

    def __init__(self) -> None:
        super().__init__(NOT_FREE)


def give_name(target: BaseTarget, name: str, *, by: User | None = None) -> TargetName:
    """Give a target another name: an alias, which everybody who sees the target sees.

    TNS's name of an object may be several targets': they are offered for joining. As TOM Toolkit's
    names are unique, the second one has it in another of its spellings.

    Raises
    ------
    BadNameError
        If it is not a name, or another target has it (`NotFreeError`).
    """
    spelling = find_free(target, name)
    with transaction.atomic():
        alias = TargetName.objects.create(target=target, name=spelling)
        GivenName.objects.create(alias=alias, by=by)
    return alias


def find_free(target: BaseTarget, name: str) -> str:
    """Return how a name would be written among a target's; raises as `give_name` does."""
    spellings = _spellings(name)
    if not spellings:
        message = f"A name has 1 to {LONGEST_NAME} characters that can be printed."
        raise BadNameError(message)
    held = find_holders(spellings)
    if any(holder.target_id == target.pk for holder in held.values()):
        message = "The target has this name already."
        raise BadNameError(message)
    free = [each for each in spellings if each not in held]
    if not free:
        raise NotFreeError
    return free[0]


def _spellings(name: str) -> list[str]:
    """The ways to write a name, as it was written first; none where it is no name."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        return []
    return list(dict.fromkeys([name, *tns_spellings(name)]))


def find_named(
    name: str, target: BaseTarget, targets: QuerySet[BaseTarget], programs: Collection[int]
) -> list[BaseTarget]:
    """Find the other targets that have a name, of those that a reader of these programs may see."""
    spellings = _spellings(name)
    if not spellings:
        return []
    return list(find_exactly(targets.exclude(pk=target.pk), spellings, programs)[:MOST])


def find_same(
    target: BaseTarget, targets: QuerySet[BaseTarget], programs: Collection[int]
) -> list[BaseTarget]:
    """Find the targets that may be the same as this one: by a name of TNS, or by place.

    A place counts as a reader of these private programs knows it; `targets` are those that this
    reader may see, with their summaries.
    """
    others = targets.exclude(pk=target.pk)
    names = [target.name, *(alias.name for alias in target.aliases.all())]
    wanted = [each for name in names for each in tns_spellings(name)]
    found = {row.pk: row for row in find_exactly(others, wanted)[:MOST]} if wanted else {}
    if target.ra is not None and target.dec is not None:
        radius = radius_of(getattr(target.summary, "survey", ""))
        place = {"ra": target.ra, "dec": target.dec, "radius_arcsec": radius}
        # Mostly there is nothing: to ask who may be shown, and how far it is, takes longest.
        if read_near(programs, **place) - {target.pk}:
            found |= {row.pk: row for row in find_in_cone(others, programs, **place)[:MOST]}
    return list(found.values())


def degrees_apart(one: BaseTarget, two: BaseTarget) -> float | None:
    """How far apart two targets are, by the places that they were read with; None without one."""
    if one.ra is None or one.dec is None or two.ra is None or two.dec is None:
        return None
    return float(separation_arcsec(one.ra, one.dec, two.ra, two.dec)) / 3600


def joining_radius_arcsec(one: BaseTarget, two: BaseTarget) -> float:
    """Within which distance the site joins objects of the surveys that two targets are of."""
    return max(radius_of(getattr(each.summary, "survey", "")) for each in (one, two))


def are_far_apart(one: BaseTarget, two: BaseTarget) -> bool:
    """Whether two targets are too far apart for the site to join them by itself."""
    apart = degrees_apart(one, two)
    return apart is not None and 3600 * apart > joining_radius_arcsec(one, two)
