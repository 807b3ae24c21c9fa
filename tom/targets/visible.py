"""Which targets a person may see."""

from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Cast
from guardian.models import GroupObjectPermission, UserObjectPermission
from tom_targets.base_models import BaseTarget
from tom_targets.permissions import targets_for_user

from tom.targets.joins import TargetJoin
from tom.targets.models import LightCurvePoint
from tom.targets.programs import Visitor, private_programs


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
        # TOM Toolkit carries no types.
        rows = targets_for_user(user, BaseTarget.objects.all(), "view_target")  # type: ignore[no-untyped-call]
        made[is_superuser] = _unhidden(rows) if is_superuser else _without_unsettled(rows, user)
        user._targets_seen = made  # type: ignore[attr-defined]  # of this request's own user
    return made[is_superuser].all()


def _unhidden(targets: models.QuerySet[BaseTarget]) -> models.QuerySet[BaseTarget]:
    """Targets that were not joined to others: a joined target is hidden."""
    hidden = TargetJoin.objects.filter(other=OuterRef("pk"), hides_other=True)
    return targets.filter(~Exists(hidden))


def _without_unsettled(
    targets: models.QuerySet[BaseTarget], user: Visitor
) -> models.QuerySet[BaseTarget]:
    """Targets without a point of an unsettled private program that the user may not read."""
    others = [row for row in private_programs(user) if not row.of_user]  # type: ignore[attr-defined]  # annotated
    unsettled = [row.pk for row in others if not row.is_settled]
    if not unsettled:
        return targets
    points = LightCurvePoint.objects.filter(target=OuterRef("pk"), program__in=unsettled)
    return targets.filter(~Exists(points))


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
