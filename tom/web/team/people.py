"""Changes of people: their role, their groups, switched off and on. Each is recorded.

Changes exclude each other by the lock of the administrators' rows, so that of two administrators
who give up the role at once one stays.
"""

from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tom.targets.settling import settle_anew
from tom.web.models import ApiToken, ChangeKind
from tom.web.permissions import MANAGE_EVERYBODY
from tom.web.refusals import LackingError
from tom.web.team.record import RefusedChangeError, record
from tom.web.team.roles import (
    ROLE_GROUPS,
    Role,
    groups_managed_by,
    may_give,
    may_manage,
    role_of,
)


def give_role(pk: int, role: Role, *, by: User) -> None:
    """Make a person this, instead of what they are.

    Raises
    ------
    LackingError
        If `by` may not do that.
    RefusedChangeError
        If the person is the last administrator.
    """
    with transaction.atomic():
        person = _lock(pk, by=by)
        before = role_of(person)
        if not may_give(by, role):
            raise LackingError(MANAGE_EVERYBODY)
        if before == role:
            return
        if not role.is_administrator:
            _keep_an_administrator(person)
        put_in_role(person, role)
        record(
            ChangeKind.ROLE,
            f"made {person.get_username()} {role.with_article}; was {before.with_article}",
            by=by,
            person=person,
            before=before.key,
            after=role.key,
        )


def put_in_role(person: User, role: Role) -> None:
    """Give a person the groups and the flags of a role, and take those of the others."""
    is_administrator = role.is_administrator
    if is_administrator or person.is_superuser:
        person.is_superuser = person.is_staff = is_administrator
        person.save(update_fields=["is_superuser", "is_staff"])
    person.groups.remove(*Group.objects.filter(name__in=ROLE_GROUPS - set(role.groups)))
    person.groups.add(*Group.objects.filter(name__in=role.groups))


def join(pk: int, group: Group, *, by: User) -> None:
    """Make a person a member of a group, whose private programs they read from now on."""
    with transaction.atomic():
        person = _lock(pk, by=by)
        _may_choose_members(by, group)
        if person.groups.filter(pk=group.pk).exists():
            return
        person.groups.add(group)
        settle_anew(group)
        _record_member(person, group, by=by, words="added {} to {}", after="in")


def leave(pk: int, group: Group, *, by: User) -> None:
    """End a person's membership of a group."""
    with transaction.atomic():
        person = _lock(pk, by=by)
        _may_choose_members(by, group)
        if not person.groups.filter(pk=group.pk).exists():
            return
        person.groups.remove(group)
        _record_member(person, group, by=by, words="took {} out of {}", after="out")


def switch_off(pk: int, *, by: User) -> None:
    """Let a person in no more: their sessions, streams of changes and API tokens end at once.

    Raises
    ------
    RefusedChangeError
        If the person is the last administrator.
    """
    with transaction.atomic():
        person = _lock(pk, by=by)
        if not person.is_active:
            return
        _keep_an_administrator(person)
        person.is_active = False
        person.save(update_fields=["is_active"])
        ApiToken.objects.filter(user=person).delete()
        end_sessions(person)
        words = f"switched {person.get_username()} off"
        record(ChangeKind.ACTIVE, words, by=by, person=person, before="on", after="off")


def switch_on(pk: int, *, by: User) -> None:
    """Let a person in again, by their password; their old sessions and tokens stay ended."""
    with transaction.atomic():
        person = _lock(pk, by=by)
        if person.is_active:
            return
        person.is_active = True
        person.save(update_fields=["is_active"])
        words = f"switched {person.get_username()} on"
        record(ChangeKind.ACTIVE, words, by=by, person=person, before="off", after="on")


def end_sessions(person: User) -> None:
    """End all the sessions of a person. Whose a session is stands inside it alone."""
    mine = [
        session.pk
        for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator()
        if session.get_decoded().get("_auth_user_id") == str(person.pk)
    ]
    Session.objects.filter(pk__in=mine).delete()


def _lock(pk: int, *, by: User) -> User:
    """Lock a person and all administrators; return the person as they are now."""
    rows = User.objects.filter(Q(pk=pk) | Q(is_superuser=True)).order_by("pk")
    person = next((row for row in rows.select_for_update() if row.pk == pk), None)
    if person is None:
        message = "This person is no longer here."
        raise RefusedChangeError(message)
    if not may_manage(by, person):
        raise LackingError(MANAGE_EVERYBODY)
    return person


def is_last_administrator(person: User) -> bool:
    """Whether without this person nobody could give rights."""
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)
    return person.is_superuser and person.is_active and not others.exists()


def _keep_an_administrator(person: User) -> None:
    if is_last_administrator(person):
        message = f"{person.get_username()} is the last administrator: make another one first."
        raise RefusedChangeError(message)


def _may_choose_members(by: User, group: Group) -> None:
    if not groups_managed_by(by).filter(pk=group.pk).exists():
        raise LackingError(MANAGE_EVERYBODY)


def _record_member(person: User, group: Group, *, by: User, words: str, after: str) -> None:
    record(
        ChangeKind.MEMBER,
        words.format(person.get_username(), group.name),
        by=by,
        person=person,
        group=group,
        before="out" if after == "in" else "in",
        after=after,
    )
