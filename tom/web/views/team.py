"""The page of the team: people, roles, groups, programs, invitations, and what changed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from guardian.conf.settings import ANONYMOUS_USER_NAME

from tom.forms.registry import surveys
from tom.targets.audiences import private_programs_of
from tom.targets.models import Program
from tom.web.models import TeamChange
from tom.web.pagination import page_of
from tom.web.people import person
from tom.web.permissions import MANAGE_EVERYBODY, MANAGE_TEAM, WORDS
from tom.web.refusals import LackingError, needs
from tom.web.team.groups import may_give_program, readers_of
from tom.web.team.invitations import DAYS, may_revoke, open_invitations
from tom.web.team.record import changes_shown_to
from tom.web.team.roles import (
    BY_KEY,
    ROLE_GROUPS,
    ROLES,
    Role,
    groups_managed_by,
    keys_of,
    lacks_by_role,
    managers,
    may_manage,
    names_of,
    rights_of_roles,
    role_of,
    roles_to_give,
    table_of_rights,
    whom_to_ask,
    working_groups,
)
from tom.web.team.undo import can_undo

CHANGES_SHOWN = 30


@dataclass(frozen=True)
class Member:
    """A person as the page shows them."""

    person: User
    role: Role
    groups: list[str]
    besides: list[str]  # what they may beyond their role
    may_manage: bool


@dataclass(frozen=True)
class GroupRow:
    """A group, its members, and what the reader may do with it."""

    group: Group
    members: list[str]
    is_mine: bool
    is_managed: bool
    ask: str


@dataclass(frozen=True)
class ProgramRow:
    """A program, who reads it, and whether the reader may change that."""

    program: Program
    readers: str
    is_managed: bool


@never_cache
@require_safe
def team(request: HttpRequest) -> HttpResponse:
    """Show who is here, what each role may do, and what the reader may not do."""
    return show_team(request)


def show_team(request: HttpRequest, *, link: str = "") -> HttpResponse:
    """Show the page, once with the link of an invitation that was just made."""
    user = person(request)
    managed = list(groups_managed_by(user))
    keys = {group.pk for group in managed}
    changes = page_of(request, changes_shown_to(user), per_page=CHANGES_SHOWN)
    context = {
        "link": link,
        "mine": _standing(user),
        "people": _people(user),
        "roles": ROLES,
        "rights": table_of_rights(),
        "groups": _groups(user, keys),
        "programs": _programs(user, keys),
        "surveys": list(surveys()),
        "managed": managed,
        "manages": user.has_perm(MANAGE_TEAM),
        "page": changes,
        "changes": with_undo(changes, by=user, managed=keys),
        **(_inviting(user, keys) if user.has_perm(MANAGE_TEAM) else {}),
    }
    return render(request, "team/page.html", context)


@never_cache
@require_safe
def welcome(request: HttpRequest) -> HttpResponse:
    """Show a new person what to do first."""
    return render(request, "team/welcome.html", {"mine": _standing(person(request))})


@never_cache
@require_safe
@needs(MANAGE_TEAM)
def team_person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one person, with what can be changed of them."""
    user = person(request)
    found = get_object_or_404(User.objects.prefetch_related("groups"), pk=pk)
    if not may_manage(user, found):
        raise LackingError(MANAGE_EVERYBODY)
    managed = list(groups_managed_by(user))
    mine = {group.pk for group in found.groups.all()}
    keys = keys_of(groups_managed_by(user))
    changes = page_of(request, changes_shown_to(user).filter(person=found), per_page=CHANGES_SHOWN)
    context = {
        "found": found,
        "role": role_of(found),
        "roles": roles_to_give(user),
        "groups": [group for group in found.groups.all() if group.name not in ROLE_GROUPS],
        "managed": keys,
        "addable": [group for group in managed if group.pk not in mine],
        "page": changes,
        "changes": with_undo(changes, by=user, managed=keys),
    }
    return render(request, "team/person.html", context)


def with_undo(
    changes: Iterable[TeamChange], *, by: User, managed: Collection[int]
) -> list[tuple[TeamChange, bool]]:
    """Pair changes with whether the reader may undo each."""
    return [(change, can_undo(change, by=by, managed=managed)) for change in changes]


def _standing(user: User) -> dict[str, object]:
    """What somebody is, may and lacks."""
    return {
        "role": role_of(user),
        "groups": working_groups().filter(user=user),
        "may": [words for name, words in WORDS.items() if user.has_perm(name)],
        "lacks": lacks_by_role(user),
    }


def _people(user: User) -> list[Member]:
    rights = rights_of_roles()
    rows = User.objects.exclude(username=ANONYMOUS_USER_NAME).order_by("-is_active", "username")
    rows = rows.prefetch_related(
        "groups__permissions__content_type", "user_permissions__content_type"
    )
    return [_member(row, rights[role_of(row).key], user) for row in rows]


def _member(row: User, rights: Collection[str], user: User) -> Member:
    given = [*row.user_permissions.all()]
    given += [each for group in row.groups.all() for each in group.permissions.all()]
    names = {f"{each.content_type.app_label}.{each.codename}" for each in given}
    return Member(
        row,
        role_of(row),
        sorted(group.name for group in row.groups.all() if group.name not in ROLE_GROUPS),
        [words for name, words in WORDS.items() if name in names and name not in rights],
        may_manage(user, row),
    )


def _groups(user: User, managed: Collection[int]) -> list[GroupRow]:
    givers = list(managers().prefetch_related("groups"))
    rows = []
    for group in working_groups().prefetch_related("user_set"):
        members = [row for row in group.user_set.all() if row.is_active]
        may_add = [row for row in givers if row.is_superuser or group in row.groups.all()]
        rows.append(
            GroupRow(
                group,
                sorted(names_of(members)),
                user in members,
                group.pk in managed,
                whom_to_ask(names_of(may_add)),
            )
        )
    return rows


def _programs(user: User, managed: Collection[int]) -> list[ProgramRow]:
    """The programs that somebody may know of: public ones, and those that they read."""
    rows = Program.objects.filter(Q(public=True) | Q(pk__in=private_programs_of(user)))
    return [
        ProgramRow(
            row,
            readers_of(row),
            user.has_perm(MANAGE_TEAM) and may_give_program(user, row, managed),
        )
        for row in rows.select_related("group").order_by("survey", "number")
    ]


def _inviting(user: User, managed: Collection[int]) -> dict[str, object]:
    return {
        "roles_to_give": roles_to_give(user),
        "days": DAYS,
        "invitations": [
            (row, BY_KEY[row.role], may_revoke(row, user, managed)) for row in open_invitations()
        ],
    }
