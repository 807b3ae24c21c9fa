"""Which targets a person may see."""

from typing import Any

from django.contrib.auth.models import Group, Permission, PermissionsMixin
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.functions import Cast
from guardian.models import GroupObjectPermission, UserObjectPermission
from tom_targets.base_models import BaseTarget

from tom.targets.joins import TargetJoin
from tom.targets.models import LightCurvePoint
from tom.targets.programs import Visitor, private_programs

PRIVATE = Q(permissions=BaseTarget.Permissions.PRIVATE)


def visible_targets(user: Visitor) -> models.QuerySet[BaseTarget]:
    """Targets the user may see: TOM Toolkit's rule, and none for someone not logged in.

    While a program that changed hands is not settled, its targets are shown to its readers alone:
    what stands in their rows may still be computed from its points.

    The query is made once for a user as they were read: making it asks the database, too.
    """
    if not user.is_authenticated:
        return BaseTarget.objects.none()
    is_superuser = bool(getattr(user, "is_superuser", False))
    made: dict[bool, models.QuerySet[BaseTarget]] = getattr(user, "_targets_seen", {})
    if is_superuser not in made:
        rows: models.QuerySet[BaseTarget] = BaseTarget.objects.all()
        made[is_superuser] = (
            rows.filter(~_is_joined())
            if is_superuser
            else rows.filter(~PRIVATE | _has_right(user), ~_is_unsettled(user))
        )
        user._targets_seen = made  # type: ignore[attr-defined]  # of this request's own user
    return made[is_superuser].all()


def is_shown(user: Visitor, *, target: str) -> Q:
    """Ask for rows whose target, the key at `target`, is one of `visible_targets`.

    Asked the other way round, for no target that is hidden: an index has the private ones alone,
    so of a long list a few are looked up in place of each row's target.
    """
    if not user.is_authenticated:
        return Q(pk__in=[])
    if getattr(user, "is_superuser", False):
        hidden = _is_joined()
    else:
        hidden = (PRIVATE & ~_has_right(user)) | _is_unsettled(user)
    return ~Q(Exists(BaseTarget.objects.filter(hidden, pk=OuterRef(target))))


def _has_right(user: Visitor) -> Q:
    """Ask for targets that a person may see though they are private, by TOM Toolkit's rule.

    That is `tom_targets.permissions.targets_for_user`. An index has the rights to each target. For
    lists that read all targets the database reads all rights at once, by itself.
    """
    if _sees_all(user):
        return Q(pk__isnull=False)
    key, named = Cast(OuterRef("pk"), models.CharField()), Q(pk__in=[])
    for rights, still in _rights_to_targets(user):
        named |= Q(Exists(rights.filter(object_pk=key))) & still
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


def _rights_of(user: Visitor) -> tuple[int, list[int], bool]:
    """The right to see a target, who of the person's groups has it to any, and if they have.

    Asked for once a user as they were read.
    """
    known: tuple[int, list[int], bool] | None = getattr(user, "_rights_to_targets", None)
    if known is not None:
        return known
    to_one = {"permission": OuterRef("permission")}
    groups = Group.objects.filter(user=user.pk).alias(permission=OuterRef("pk"))
    of_group = GroupObjectPermission.objects.filter(group=OuterRef("pk"), **to_one)
    # Not as `Exists`, which reads the rights of all groups: an index has the first in this order.
    one = Subquery(of_group.order_by("object_pk").values("pk")[:1])
    has_any = groups.alias(one=one).filter(one__isnull=False)
    of_person = UserObjectPermission.objects.filter(user=user.pk, permission=OuterRef("pk"))
    view = {"codename": "view_target", "content_type__app_label": "tom_targets"}
    rights = Permission.objects.filter(**view).values_list(
        "pk", ArraySubquery(has_any.values("pk")), Exists(of_person)
    )
    known = rights.get()
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
