"""Invitations: a link that makes one account, once, with the role and the groups it names.

The end of the link is shown once, to its maker, and stored as a hash. An invitation is as good
as its maker: one who is switched off, or may no longer give what it names, has taken it back.
"""

import hashlib
import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from enum import Enum

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from tom.targets.settling import settle_anew
from tom.web.models import ChangeKind, Invitation
from tom.web.permissions import MANAGE_EVERYBODY, MANAGE_TEAM
from tom.web.refusals import LackingError
from tom.web.team.people import put_in_role
from tom.web.team.record import record
from tom.web.team.roles import BY_KEY, Role, groups_managed_by, keys_of, may_give

LINK_BYTES = 32
DAYS = (1, 7, 30)


class InvitationState(Enum):
    """How an invitation stands; the words are what its link says."""

    OPEN = "open"
    USED = "This invitation was used already."
    EXPIRED = "This invitation has expired."
    REVOKED = "This invitation was taken back."


class NotOpenError(Exception):
    """The invitation was used, or ended, meanwhile."""


def make_invitation(
    *, role: Role, groups: Sequence[Group], note: str, days: int, by: User
) -> tuple[Invitation, str]:
    """Make an invitation; return it, and the end of its link, which is nowhere kept.

    Raises
    ------
    LackingError
        If `by` may not give the role, or not add people to a group.
    """
    if not by.has_perm(MANAGE_TEAM):
        raise LackingError(MANAGE_TEAM)
    if not _may_give_all(by, role, groups, keys_of(groups_managed_by(by))):
        raise LackingError(MANAGE_EVERYBODY)
    secret = secrets.token_urlsafe(LINK_BYTES)
    with transaction.atomic():
        made = Invitation.objects.create(
            key=_digest(secret),
            role=role.key,
            note=note,
            created_by=by,
            expires=timezone.now() + timedelta(days=days),
        )
        made.groups.set(groups)
        names = ", ".join(group.name for group in groups)
        words = f"invited {role.with_article}" + (f", for {names}" if names else "")
        record(ChangeKind.INVITATION, words[:500], by=by)
    return made, secret


def find_invitation(secret: str) -> Invitation | None:
    """Return the invitation of a link's end; None where there is none."""
    rows = Invitation.objects.select_related("created_by").prefetch_related("groups")
    return rows.filter(key=_digest(secret)).first()


def state_of(invitation: Invitation) -> InvitationState:
    """Return how an invitation stands now."""
    if invitation.used:
        return InvitationState.USED
    by = invitation.created_by
    managed = keys_of(groups_managed_by(by)) if by else frozenset()
    if invitation.revoked or not _is_backed(invitation, managed):
        return InvitationState.REVOKED
    is_over = invitation.expires <= timezone.now()
    return InvitationState.EXPIRED if is_over else InvitationState.OPEN


def open_invitations() -> list[Invitation]:
    """Invitations that can still be used, the newest first."""
    rows = Invitation.objects.filter(used=None, revoked=None, expires__gt=timezone.now())
    makers = {by.pk: by for by in User.objects.filter(pk__in=rows.values("created_by"))}
    managed = {pk: keys_of(groups_managed_by(by)) for pk, by in makers.items()}
    found = []
    for row in rows.exclude(created_by=None).prefetch_related("groups"):
        row.created_by = makers[row.created_by_id or 0]
        if _is_backed(row, managed[row.created_by.pk]):
            found.append(row)
    return found


def revoke_invitation(pk: int, *, by: User) -> bool:
    """Take an invitation back; return whether it was open.

    Raises
    ------
    LackingError
        If it gives what `by` may not give.
    """
    with transaction.atomic():
        row = Invitation.objects.select_for_update().filter(pk=pk).first()
        if row is None or row.used or row.revoked:
            return False
        if not may_revoke(row, by, keys_of(groups_managed_by(by))):
            raise LackingError(MANAGE_EVERYBODY)
        row.revoked = timezone.now()
        row.save(update_fields=["revoked"])
        whose = f" for {row.note}" if row.note else ""
        record(ChangeKind.INVITATION, f"took an invitation back{whose}", by=by)
    return True


def may_revoke(invitation: Invitation, by: User, managed: Collection[int]) -> bool:
    """Whether somebody, who manages these groups, may take an invitation back.

    It is their own, or one that they could have made.
    """
    if not by.has_perm(MANAGE_TEAM):
        return False
    is_own = invitation.created_by_id == by.pk
    return is_own or _may_give_all(by, BY_KEY[invitation.role], invitation.groups.all(), managed)


def accept_invitation(pk: int, person: User) -> User:
    """Make the account (not yet stored, with its password) that an invitation gives; once.

    Raises
    ------
    NotOpenError
        If somebody was quicker, or it ended meanwhile.
    """
    with transaction.atomic():
        row = Invitation.objects.select_for_update().get(pk=pk)
        if state_of(row) is not InvitationState.OPEN:
            raise NotOpenError
        person.save()
        role = BY_KEY[row.role]
        put_in_role(person, role)
        person.groups.add(*row.groups.all())
        for group in row.groups.all():
            settle_anew(group)
        row.used, row.used_by = timezone.now(), person
        row.save(update_fields=["used", "used_by"])
        by = f", invited by {row.created_by.get_username()}" if row.created_by else ""
        words = f"came as {role.with_article}{by}"
        record(ChangeKind.INVITATION, words, by=person, person=person)
    return person


def _is_backed(invitation: Invitation, managed: Collection[int]) -> bool:
    """Whether its maker, who manages these groups, may give now what it gives."""
    by, role = invitation.created_by, BY_KEY.get(invitation.role)
    if by is None or role is None or not by.is_active:
        return False
    return _may_give_all(by, role, invitation.groups.all(), managed)


def _may_give_all(by: User, role: Role, groups: Iterable[Group], managed: Collection[int]) -> bool:
    return may_give(by, role) and all(group.pk in managed for group in groups)


def _digest(secret: str) -> str:
    """What is kept of a link. The link has 256 random bits: it needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
