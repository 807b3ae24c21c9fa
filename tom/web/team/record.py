"""The record of the team's changes: who made which, and when."""

from django.contrib.auth.models import Group, User
from django.db.models import Q, QuerySet

from tom.targets.audiences import private_programs_of
from tom.targets.models import Program
from tom.web.models import ChangeKind, TeamChange
from tom.web.permissions import MANAGE_TEAM


class RefusedChangeError(Exception):
    """The change would leave the team as it must not be; the message says why."""


def record(
    kind: ChangeKind,
    words: str,
    *,
    by: User,
    person: User | None = None,
    group: Group | None = None,
    program: Program | None = None,
    before: str = "",
    after: str = "",
) -> TeamChange:
    """Keep a change, in the transaction that makes it."""
    return TeamChange.objects.create(
        kind=kind,
        words=words,
        by=by,
        by_name=by.get_username(),
        person=person,
        group=group,
        program=program,
        before=before,
        after=after,
    )


def changes_shown_to(user: User) -> QuerySet[TeamChange]:
    """The changes that somebody may read, the newest first.

    What was done to a private program is for its readers and for those who manage the team.
    """
    rows = TeamChange.objects.select_related("person", "group", "program")
    if user.has_perm(MANAGE_TEAM):
        return rows
    mine = Q(program__public=True) | Q(program__in=private_programs_of(user))
    of_programs = Q(kind__in=(ChangeKind.PROGRAM, ChangeKind.PROGRAM_MADE))
    return rows.filter(~of_programs | mine)
