"""What of the record can be taken back: a change that still stands, by making its opposite."""

from collections.abc import Collection

from django.contrib.auth.models import Group, User

from tom.targets.models import Program
from tom.web.models import ChangeKind, TeamChange
from tom.web.team import groups, people
from tom.web.team.record import RefusedChangeError
from tom.web.team.roles import (
    BY_KEY,
    may_give,
    may_manage,
    role_of,
)


def can_undo(change: TeamChange, *, by: User, managed: Collection[int]) -> bool:
    """Whether a change still stands, and this person may take it back.

    Ask with the change's rows, and the person's groups, fetched; `managed` are the keys of the
    groups whose members this person chooses.
    """
    return _stands(change) and _may(change, by, managed)


def undo(change: TeamChange, *, by: User) -> None:
    """Take a change back; the opposite is recorded as a change of its own.

    Raises
    ------
    LackingError
        If `by` may not.
    RefusedChangeError
        If it was changed again, or its opposite is not allowed.
    """
    if not _stands(change):
        message = "This was changed again since: look at how it stands now."
        raise RefusedChangeError(message)
    if change.person:
        _undo_of_person(change, change.person, by=by)
    else:
        _undo_of_group(change, by=by)


def _undo_of_person(change: TeamChange, person: User, *, by: User) -> None:
    group = change.group
    match ChangeKind(change.kind):
        case ChangeKind.ROLE:
            people.give_role(person.pk, BY_KEY[change.before], by=by)
        case ChangeKind.ACTIVE:
            switch = people.switch_on if change.before == "on" else people.switch_off
            switch(person.pk, by=by)
        case ChangeKind.MEMBER if group:
            move = people.join if change.before == "in" else people.leave
            move(person.pk, group, by=by)


def _undo_of_group(change: TeamChange, *, by: User) -> None:
    group, program = change.group, change.program
    match ChangeKind(change.kind):
        case ChangeKind.GROUP_NAME if group:
            groups.rename_group(group, change.before, by=by)
        case ChangeKind.GROUP_GONE:
            groups.bring_back_group(change, by=by)
        case ChangeKind.PROGRAM if program:
            groups.give_program(program.pk, _readers(change.before), by=by)


def _stands(change: TeamChange) -> bool:
    person, group, program = change.person, change.group, change.program
    match ChangeKind(change.kind):
        case ChangeKind.ROLE if person and change.before in BY_KEY:
            return role_of(person).key == change.after
        case ChangeKind.ACTIVE if person:
            return ("on" if person.is_active else "off") == change.after
        case ChangeKind.MEMBER if person and group:
            is_in = group.pk in {each.pk for each in person.groups.all()}
            return ("in" if is_in else "out") == change.after
        case ChangeKind.GROUP_NAME if group:
            return group.name == change.after
        case ChangeKind.GROUP_GONE:
            return change.after == groups.GONE
        case ChangeKind.PROGRAM if program:
            return program.standing == change.after
    return False


def _may(change: TeamChange, by: User, managed: Collection[int]) -> bool:
    match ChangeKind(change.kind):
        case ChangeKind.ROLE if change.person:
            return may_manage(by, change.person) and may_give(by, BY_KEY[change.before])
        case ChangeKind.ACTIVE if change.person:
            return may_manage(by, change.person)
        case ChangeKind.MEMBER if change.person:
            return may_manage(by, change.person) and change.group_id in managed
        case ChangeKind.GROUP_NAME:
            return change.group_id in managed
        case ChangeKind.GROUP_GONE:
            return groups.may_bring_back(change, by)
        case ChangeKind.PROGRAM if change.program:
            return groups.may_give_program(by, change.program, managed)
    return False


def _readers(standing: str) -> Group | None:
    """The group of a program's standing; None where everybody reads it."""
    if standing == Program(public=True).standing:
        return None
    found = Group.objects.filter(pk=standing.removeprefix("group ")).first()
    if found is None:
        message = "The group that read it is no longer here."
        raise RefusedChangeError(message)
    return found
