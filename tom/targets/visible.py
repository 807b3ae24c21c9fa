"""Which targets a person may see."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, cast

from django.contrib.auth.models import Group, PermissionsMixin, User
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, Func, OuterRef, Q
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler
from guardian.models import GroupObjectPermission, UserObjectPermission
from tom_targets.base_models import BaseTarget

from tom.kept_queries import MOST_KEPT
from tom.targets.joins import TargetJoin
from tom.targets.models import LightCurvePoint
from tom.targets.programs import Visitor, private_programs

_Text = tuple[str, tuple[Any, ...]]
# As text: to make it by the ORM takes five times longer than to answer it. Not as EXISTS, which
# reads the rights of all groups: an index has the first in this order.
_RIGHTS: Final = """
    SELECT view.id,
        ARRAY(
            SELECT mine.group_id FROM auth_user_groups mine
            WHERE mine.user_id = %(user)s AND (
                SELECT given.id FROM guardian_groupobjectpermission given
                WHERE given.group_id = mine.group_id AND given.permission_id = view.id
                ORDER BY given.object_pk LIMIT 1
            ) IS NOT NULL
        ),
        EXISTS(
            SELECT 1 FROM guardian_userobjectpermission given
            WHERE given.user_id = %(user)s AND given.permission_id = view.id
        )
    FROM auth_permission view JOIN django_content_type type ON type.id = view.content_type_id
    WHERE view.codename = 'view_target' AND type.app_label = 'tom_targets'
"""
PRIVATE = Q(permissions=BaseTarget.Permissions.PRIVATE)


@dataclass(frozen=True)
class Reader:
    """Who reads, as far as queries hang on it: two are alike if they may read the same.

    `known` has all that the query for what somebody may see is made of: by it a kept query knows
    whose text it has. It does not depend on when they read.
    """

    known: tuple[Any, ...]
    user: Visitor = field(compare=False, repr=False)

    @property
    def person(self) -> User:
        """The user, where it is known that somebody is logged in."""
        return cast("User", self.user)


def reader_of(user: Visitor) -> Reader:
    """The reader behind a request, asked for once a user as they were read."""
    is_superuser = bool(getattr(user, "is_superuser", False))
    made: dict[bool, Reader] = getattr(user, "_readers", {})
    if is_superuser not in made:
        made[is_superuser] = Reader(_known_of(user, is_superuser=is_superuser), user)
        user._readers = made  # type: ignore[union-attr]  # of this request's own user
    return made[is_superuser]


def _known_of(user: Visitor, *, is_superuser: bool) -> tuple[Any, ...]:
    if not user.is_authenticated:
        return ()
    programs = tuple((row.pk, row.of_user, row.is_settled) for row in private_programs(user))  # type: ignore[attr-defined]  # annotated
    rights = None if _sees_all(user) else _rights_of(user)
    return user.pk, is_superuser, programs, rights


def visible_targets(user: Visitor) -> models.QuerySet[BaseTarget]:
    """Targets the user may see: TOM Toolkit's rule, and none for someone not logged in.

    While a program that changed hands is not settled, its targets are shown to its readers alone:
    what stands in their rows may still be computed from its points.

    """
    if not user.is_authenticated:
        return BaseTarget.objects.none()
    return _visible_to(reader_of(user)).all()


@lru_cache(maxsize=MOST_KEPT)
def _visible_to(reader: Reader) -> models.QuerySet[BaseTarget]:
    rows: models.QuerySet[BaseTarget] = BaseTarget.objects.all()
    if getattr(reader.user, "is_superuser", False):
        return rows.filter(~_is_joined())
    is_open = ~PRIVATE | _has_right(reader.user, ExistsForEach)
    return rows.filter(is_open, ~_is_unsettled(reader.user))


def is_shown(user: Visitor, *, target: str, one_by_one: bool = False) -> Q:
    """Ask for rows whose target, the key at `target`, is one of `visible_targets`.

    Asked the other way round, for no target that is hidden: an index has the private ones alone,
    so of a long list a few are looked up in place of each row's target. `one_by_one` asks of each
    row by itself: for some thousand rows that is quicker than to read all rights, for more slower.
    """
    if not user.is_authenticated:
        return Q(pk__in=[])
    hidden = _hidden_from(reader_of(user))
    return Q() if hidden is None else Q(_IsNone(target, hidden, one_by_one=one_by_one))


def is_public(user: Visitor, *, target: str) -> Q:
    """Ask for rows whose target, the key at `target`, the user sees without any right to it."""
    return Q(_IsNone(target, _hidden_without_right(reader_of(user)), one_by_one=False))


@lru_cache(maxsize=MOST_KEPT)
def _hidden_without_right(reader: Reader) -> _Text:
    hidden = PRIVATE | _is_unsettled(reader.user)
    sql, params = BaseTarget.objects.filter(hidden).order_by().values("pk").query.sql_with_params()
    return sql, tuple(params)


@lru_cache(maxsize=MOST_KEPT)
def _hidden_from(reader: Reader) -> _Text | None:
    """The query for what is hidden from a reader as text; None: there can be nothing."""
    user = reader.user
    is_superuser = getattr(user, "is_superuser", False)
    hidden = _is_joined() if is_superuser else (PRIVATE & ~_has_right(user)) | _is_unsettled(user)
    rows = BaseTarget.objects.filter(hidden).order_by().values("pk")
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return None
    return sql, tuple(params)


class _IsNone(Func):
    """Whether a target, the key at a path, is none of those of a query with a condition."""

    output_field = models.BooleanField()

    def __init__(self, target: str, rows: _Text, *, one_by_one: bool) -> None:
        super().__init__(models.F(target))
        self.rows = rows
        self.one_by_one = one_by_one

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_: Any, **__: Any
    ) -> tuple[str, tuple[Any, ...]]:
        column, given = compiler.compile(self.get_source_expressions()[0])
        sql, params = self.rows
        key = f'"{BaseTarget._meta.db_table}"."id"'
        one = f"{sql} AND {key} = {column}"
        # The database makes a join of it; with an offset it asks anew for each row.
        return f"NOT EXISTS({one}{' OFFSET 0' if self.one_by_one else ''})", (*params, *given)


class ExistsForEach(Exists):
    """As `Exists`, and the database asks it of each row: it does not read all rights at once."""

    template = "EXISTS(%(subquery)s OFFSET 0)"


def _has_right(user: Visitor, exists: type[Exists] = Exists) -> Q:
    """Ask for targets that a person may see though they are private, by TOM Toolkit's rule.

    That is `tom_targets.permissions.targets_for_user`. An index has the rights to each target.
    """
    if _sees_all(user):
        return Q(pk__isnull=False)
    key, named = Cast(OuterRef("pk"), models.CharField()), Q(pk__in=[])
    for rights, still in _rights_to_targets(user):
        named |= Q(exists(rights.filter(object_pk=key))) & still
    return named


def _sees_all(user: Visitor) -> bool:
    return isinstance(user, PermissionsMixin) and user.has_perm("tom_targets.view_target")


def _rights_to_targets(user: Visitor) -> list[tuple[models.QuerySet[Any], Q]]:
    """The rights to see a target that a person has by each group, and by themselves.

    Each with the condition that they still hold: a person may have left the group. It does not
    depend on the target, so the database asks it once a query.

    Of a person without any no right is asked for. Where the Toolkit's own query looks for them the
    database expects so much work at each target that it would rather read all targets than find a
    few.
    """
    permission, groups, is_person_named = _rights_of(user)
    rights: list[tuple[models.QuerySet[Any], Q]] = []
    for group in groups:
        member = Group.objects.filter(user=user.pk, pk=group)
        of_group = GroupObjectPermission.objects.filter(permission=permission, group=group)
        rights.append((of_group, Q(Exists(member))))
    if is_person_named:
        own = UserObjectPermission.objects.filter(permission=permission, user=user.pk)
        rights.append((own, Q()))
    return rights


def _rights_of(user: Visitor) -> tuple[int, tuple[int, ...], bool]:
    """The right to see a target, who of the person's groups has it to any, and if they have.

    Asked for once a user as they were read.
    """
    known: tuple[int, tuple[int, ...], bool] | None = getattr(user, "_rights_to_targets", None)
    if known is not None:
        return known
    with connection.cursor() as cursor:
        cursor.execute(_RIGHTS, {"user": user.pk})
        ((permission, groups, is_named),) = cursor.fetchall()
    known = permission, tuple(groups), is_named
    user._rights_to_targets = known  # type: ignore[union-attr]  # of this request's own user
    return known


def _is_joined() -> Q:
    """Ask for targets that were joined to others: a joined target is hidden."""
    return Q(Exists(TargetJoin.objects.filter(other=OuterRef("pk"), hides_other=True)))


def _is_unsettled(user: Visitor) -> Q:
    """Ask for targets with a point of an unsettled private program that the user may not read."""
    others = [row for row in private_programs(user) if not row.of_user]  # type: ignore[attr-defined]  # annotated
    unsettled = [row.pk for row in others if not row.is_settled]
    if not unsettled:
        return Q(pk__in=[])
    points = LightCurvePoint.objects.filter(target=OuterRef("pk"), program__in=unsettled)
    return Q(Exists(points))


def own_targets(user: Visitor) -> models.QuerySet[BaseTarget]:
    """Targets that a person may see by a right of their own, whether they are public now or not.

    What was said of a target while it was private stays with these people.
    """
    if not isinstance(user, PermissionsMixin):
        return BaseTarget.objects.none()
    targets: models.QuerySet[BaseTarget] = BaseTarget.objects.all()
    if user.is_superuser:
        return targets
    view = {
        "permission__codename": "view_target",
        "permission__content_type__app_label": "tom_targets",
    }
    key = Cast("object_pk", models.BigIntegerField())
    groups = GroupObjectPermission.objects.filter(**view, group__in=user.groups.all())
    people = UserObjectPermission.objects.filter(**view, user=user.pk)
    theirs = Q(pk__in=groups.values_list(key)) | Q(pk__in=people.values_list(key))
    return targets.filter(theirs)
