"""Groups, whose members share what is private, and the private programs that groups read."""

import json
import re
from collections.abc import Collection
from functools import partial

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.utils import timezone
from guardian.models import GroupObjectPermission
from guardian.shortcuts import get_groups_with_perms
from tom_targets.base_models import BaseTarget

from tom.pipeline import nudge, settle
from tom.scoring.models import OwnScorer
from tom.strategies.models import Strategy
from tom.streams.models import Credential
from tom.targets.by_hand import SURVEY as BY_HAND
from tom.targets.models import Program
from tom.targets.owners import PROGRAM_GROUP
from tom.web.models import ChangeKind, Invitation, TeamChange
from tom.web.permissions import MANAGE_EVERYBODY, MANAGE_TEAM
from tom.web.refusals import LackingError
from tom.web.team.record import RefusedChangeError, record
from tom.web.team.roles import ROLE_GROUPS, groups_managed_by, keys_of, working_groups

LONGEST = 80
GONE = "deleted"
PUBLIC = "public"
# A group that intake makes for a program that nobody has told us of: no person takes its name.
_RESERVED = re.compile(PROGRAM_GROUP.format(survey=r"\S+", number=r"\d+"), re.IGNORECASE)


# --- Groups -----------------------------------------------------------------------------------
def groups_to_choose(user: User, target: BaseTarget | None = None) -> list[Group]:
    """Return the groups that a person may keep something for: of a private target, those it has.

    A role is not a group to keep anything for: everybody who gets it later would see it all.
    """
    groups = working_groups() if user.is_superuser else working_groups().filter(user=user)
    if target is not None and target.permissions == BaseTarget.Permissions.PRIVATE:
        groups = groups.filter(pk__in=get_groups_with_perms(target).values("pk"))
    return list(groups)


def make_group(name: str, *, by: User) -> Group:
    """Make a group; a lead is its first member.

    Raises
    ------
    RefusedChangeError
        If the name is none, or another group's.
    """
    if not by.has_perm(MANAGE_TEAM):
        raise LackingError(MANAGE_TEAM)
    name = _read_name(name)
    with transaction.atomic():
        group = _name(Group(), name)
        if not by.is_superuser:
            by.groups.add(group)
        record(ChangeKind.GROUP_MADE, f"made the group {name}", by=by, group=group, after=name)
    return group


def rename_group(group: Group, name: str, *, by: User) -> None:
    """Give a group another name; its members and its programs stay."""
    if not groups_managed_by(by).filter(pk=group.pk).exists():
        raise LackingError(MANAGE_EVERYBODY)
    before, name = group.name, _read_name(name, group)
    if name == before:
        return
    with transaction.atomic():
        _name(group, name)
        Program.objects.filter(survey=BY_HAND, number=group.pk).update(name=f"uploads of {name}")
        words = f"named the group {before} {name}"
        record(ChangeKind.GROUP_NAME, words, by=by, group=group, before=before, after=name)


def delete_group(group: Group, *, by: User) -> None:
    """Delete a group on which nothing private hangs; what it held stands in the record.

    Raises
    ------
    RefusedChangeError
        If something depends on it.
    """
    if not groups_managed_by(by).filter(pk=group.pk).exists():
        raise LackingError(MANAGE_EVERYBODY)
    why = _why_it_stays(group)
    if why:
        message = f"{group.name} was not deleted: {why}"
        raise RefusedChangeError(message)
    members = sorted(group.user_set.values_list("pk", flat=True))
    held = json.dumps({"name": group.name, "members": members})
    words = f"deleted the group {group.name}, which had {_count(len(members), 'member')}"
    try:
        with transaction.atomic():
            record(ChangeKind.GROUP_GONE, words, by=by, before=held, after=GONE)
            Program.objects.filter(group=group, public=True).update(group=None)
            group.delete()
    except IntegrityError as error:
        message = f"{group.name} was not deleted: something was kept for it just now."
        raise RefusedChangeError(message) from error


def may_bring_back(change: TeamChange, by: User) -> bool:
    """Whether somebody may bring a deleted group back: who deleted it, or an administrator."""
    return by.has_perm(MANAGE_TEAM) and (by.is_superuser or change.by_id == by.pk)


def bring_back_group(change: TeamChange, *, by: User) -> None:
    """Make a deleted group again, with the members that it had and that are still here."""
    if not may_bring_back(change, by):
        raise LackingError(MANAGE_EVERYBODY)
    held = json.loads(change.before)
    with transaction.atomic():
        rows = TeamChange.objects.filter(pk=change.pk, after=GONE)
        if not rows.update(after="brought back"):
            message = "This group was brought back already."
            raise RefusedChangeError(message)
        group = _name(Group(), _read_name(held["name"]))
        members = User.objects.filter(pk__in=held["members"])
        group.user_set.set(members)
        words = f"brought the group {group.name} back, with {_count(len(members), 'member')}"
        record(ChangeKind.GROUP_MADE, words, by=by, group=group, after=group.name)


def _why_it_stays(group: Group) -> str:
    """What depends on a group, as a sentence; empty where nothing does."""
    programs = Program.objects.filter(group=group, public=False)
    if programs:
        names = ", ".join(str(program) for program in programs)
        return f"it alone reads what is private of {names}."
    targets = GroupObjectPermission.objects.filter(group=group).count()
    if targets:
        return f"{_count(targets, 'private target')} was or is shared with it."
    invitations = Invitation.objects.filter(groups=group, used=None, revoked=None)
    if invitations.filter(expires__gt=timezone.now()).exists():
        return "an open invitation names it. Take that back first."
    strategy = Strategy.objects.filter(group=group).first()
    if strategy is not None:
        return f"it alone sees the list {strategy}. Give that to others first: change its settings."
    credential = Credential.objects.filter(group=group).defer("secret").first()
    if credential is not None:
        return f"it alone uses the credential {credential} of the streams. Delete that first."
    scorer = OwnScorer.objects.filter(group=group).first()
    if scorer is not None:
        return f"the scorer {scorer} is its own."
    if group.permissions.exists():
        return "the administration gave it rights of its own. Take them away there first."
    return ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _read_name(text: str, group: Group | None = None) -> str:
    name = " ".join(text.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        message = f"A group's name has 1 to {LONGEST} characters."
        raise RefusedChangeError(message)
    others = Group.objects.filter(name__iexact=name)
    if group is not None:
        others = others.exclude(pk=group.pk)
    is_role = name.lower() in {role.lower() for role in ROLE_GROUPS}
    if is_role or _RESERVED.fullmatch(name) or others.exists():
        message = f"The name {name} is taken."
        raise RefusedChangeError(message)
    return name


def _name(group: Group, name: str) -> Group:
    group.name = name
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError as error:  # somebody was quicker
        message = f"The name {name} is taken."
        raise RefusedChangeError(message) from error
    return group


# --- Programs ---------------------------------------------------------------------------------
def may_give_program(by: User, program: Program, managed: Collection[int]) -> bool:
    """Whether somebody, who manages these groups, chooses who reads a program.

    What people upload for a group is the group's: nobody gives that on.
    """
    if program.survey == BY_HAND:
        return False
    return by.is_superuser or program.group_id in managed


def make_program(
    *, survey: str, number: int, name: str, readers: Group | None, by: User
) -> Program:
    """Make a private program of a group's, or a public one (`readers` None).

    Raises
    ------
    RefusedChangeError
        If there is one of that survey and number.
    """
    _may_read_for(by, readers)
    if survey == BY_HAND or Program.objects.filter(survey=survey, number=number).exists():
        message = f"There is a program {number} of {survey} already."
        raise RefusedChangeError(message)
    program = Program(
        survey=survey, number=number, name=name, public=readers is None, group=readers
    )
    program.settled = program.standing
    with transaction.atomic():
        program.save()
        words = f"made the program {program}, read by {readers_of(program)}"
        record(ChangeKind.PROGRAM_MADE, words, by=by, program=program, after=program.standing)
    return program


def give_program(pk: int, readers: Group | None, *, by: User) -> None:
    """Let a group alone read a program, or everybody (`readers` None).

    What depends on its targets is computed again for each audience, by a worker.
    """
    with transaction.atomic():
        program = Program.objects.select_for_update(no_key=True).get(pk=pk)
        if not may_give_program(by, program, keys_of(groups_managed_by(by))):
            raise LackingError(MANAGE_EVERYBODY)
        _may_read_for(by, readers)
        before, had = program.standing, readers_of(program)
        program.public = readers is None
        program.group = readers or program.group
        if program.standing == before:
            return
        program.save(update_fields=["public", "group"])
        words = f"gave the program {program} to {readers_of(program)}; it was read by {had}"
        record(
            ChangeKind.PROGRAM, words, by=by, program=program, before=before, after=program.standing
        )
        transaction.on_commit(partial(nudge, settle, program.pk))


def readers_of(program: Program) -> str:
    """Say who reads a program."""
    return "everybody" if program.public or program.group is None else program.group.name


def _may_read_for(by: User, readers: Group | None) -> None:
    if not by.has_perm(MANAGE_TEAM):
        raise LackingError(MANAGE_TEAM)
    if readers is not None and not groups_managed_by(by).filter(pk=readers.pk).exists():
        raise LackingError(MANAGE_EVERYBODY)
