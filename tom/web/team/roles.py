"""Roles: which there are, who has which, what each may do, and who can give it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.db.models import Q, QuerySet

from tom.web.permissions import LEADS, MANAGE_TEAM, OBSERVERS, WORDS

Visitor = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Role:
    """What somebody is here: the groups of Django's that it stands for."""

    key: str
    name: str
    groups: tuple[str, ...] = ()
    is_administrator: bool = False

    @property
    def with_article(self) -> str:
        """As it stands in a sentence: "an observer"."""
        word = self.name.lower()
        return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


READER = Role("reader", "Reader")
OBSERVER = Role("observer", "Observer", (OBSERVERS,))
LEAD = Role("lead", "Lead", (OBSERVERS, LEADS))
ADMINISTRATOR = Role("administrator", "Administrator", (OBSERVERS,), is_administrator=True)
# From the least to the most.
ROLES = (READER, OBSERVER, LEAD, ADMINISTRATOR)
BY_KEY = {role.key: role for role in ROLES}
MOST_NAMES = 3
ROLE_GROUPS = frozenset({OBSERVERS, LEADS})


def role_of(person: User) -> Role:
    """Return a person's role; ask with `groups` prefetched where it is asked of many."""
    if person.is_superuser:
        return ADMINISTRATOR
    names = {group.name for group in person.groups.all()}
    if LEADS in names:
        return LEAD
    return OBSERVER if OBSERVERS in names else READER


def working_groups() -> QuerySet[Group]:
    """The groups that are not roles: whose members share private data."""
    return Group.objects.exclude(name__in=ROLE_GROUPS).order_by("name")


# --- What each may do -------------------------------------------------------------------------
def rights_of_roles() -> Mapping[str, frozenset[str]]:
    """The permissions that each role gives now, by the role's key; an administrator's are all."""
    given: dict[str, set[str]] = defaultdict(set)
    rows = Permission.objects.filter(group__name__in=ROLE_GROUPS)
    for app, codename, group in rows.values_list(
        "content_type__app_label", "codename", "group__name"
    ):
        given[group].add(f"{app}.{codename}")
    return {
        role.key: frozenset(WORDS)
        if role.is_administrator
        else frozenset().union(*(given[name] for name in role.groups))
        for role in ROLES
    }


def table_of_rights() -> list[tuple[str, list[bool]]]:
    """For everything that is asked for: the words, and whether each of `ROLES` may."""
    rights = rights_of_roles()
    return [(words, [name in rights[role.key] for role in ROLES]) for name, words in WORDS.items()]


# --- What somebody lacks, and whom to ask -----------------------------------------------------
@dataclass(frozen=True, slots=True)
class Lack:
    """What a person may not do, the least role that may, and who can give that."""

    words: list[str]
    role: Role
    ask: list[str]

    def __str__(self) -> str:
        what = join_words(self.words, "or") if self.words else "do that"
        return f"You may not {what}. {self.role.name}s may: {whom_to_ask(self.ask)}."


def find_lack(visitor: Visitor, permissions: Iterable[str]) -> Lack | None:
    """Return which of these permissions somebody lacks; None where they have them all."""
    if not isinstance(visitor, User):
        return None
    missing = [name for name in permissions if not visitor.has_perm(name)]
    if not missing:
        return None
    rights = rights_of_roles()
    role = next(role for role in ROLES if rights[role.key].issuperset(missing))
    return Lack([WORDS[name] for name in missing], role, names_of(who_gives(role)))


def lacks_by_role(visitor: User) -> list[Lack]:
    """Return all that somebody lacks, by the least role that may."""
    missing = {name for name in WORDS if not visitor.has_perm(name)}
    rights = rights_of_roles()
    lacks = []
    for role in ROLES:
        mine = [words for name, words in WORDS.items() if name in missing & rights[role.key]]
        missing -= rights[role.key]
        if mine:
            lacks.append(Lack(mine, role, names_of(who_gives(role))))
    return lacks


def join_words(words: Sequence[str], last: str) -> str:
    """Write a list as in a sentence: "a, b or c"."""
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end


def whom_to_ask(names: Sequence[str]) -> str:
    """Say whom to ask, in words that can follow a colon."""
    if not names:
        return "the person who runs this site makes an administrator by manage.py createsuperuser"
    if len(names) > MOST_NAMES:
        return f"ask {', '.join(names[:MOST_NAMES])} or another of the {len(names)} who can give it"
    return f"ask {join_words(names, 'or')}"


def managers() -> QuerySet[User]:
    """Those who may manage the team."""
    app, _, codename = MANAGE_TEAM.partition(".")
    right = Permission.objects.filter(content_type__app_label=app, codename=codename)
    may = Q(is_superuser=True) | Q(groups__permissions__in=right) | Q(user_permissions__in=right)
    return User.objects.filter(may, is_active=True).order_by("username").distinct()


def who_gives(role: Role) -> QuerySet[User]:
    """Those who can give a role: only an administrator makes another."""
    return managers().filter(is_superuser=True) if role.is_administrator else managers()


def who_adds_to(group: Group) -> QuerySet[User]:
    """Those who can add people to a group."""
    return managers().filter(Q(is_superuser=True) | Q(pk__in=group.user_set.values("pk")))


def names_of(people: Iterable[User]) -> list[str]:
    """How people are called on the pages."""
    return [person.get_username() for person in people]


# --- What somebody may do to others -----------------------------------------------------------
def may_manage(by: Visitor, person: User) -> bool:
    """Whether somebody may change a person's role and groups, and switch them off and on.

    A lead may not change an administrator, nor anybody who may enter the administration.
    """
    if not isinstance(by, User) or not by.has_perm(MANAGE_TEAM):
        return False
    return by.is_superuser or not (person.is_superuser or person.is_staff)


def may_give(by: User, role: Role) -> bool:
    """Whether somebody may make a person this."""
    return by.has_perm(MANAGE_TEAM) and (by.is_superuser or not role.is_administrator)


def roles_to_give(by: User) -> list[Role]:
    """The roles that somebody may give."""
    return [role for role in ROLES if may_give(by, role)]


def groups_managed_by(by: User) -> QuerySet[Group]:
    """The working groups whose members somebody chooses: all, or a lead's own."""
    if not by.has_perm(MANAGE_TEAM):
        return Group.objects.none()
    return working_groups() if by.is_superuser else working_groups().filter(user=by)


def keys_of(groups: QuerySet[Group]) -> frozenset[int]:
    """The groups' primary keys."""
    return frozenset(groups.values_list("pk", flat=True))
