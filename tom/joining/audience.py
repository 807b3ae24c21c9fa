"""Whether two targets may be joined: nobody may see afterwards what they could not see before."""

from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django_comments.models import Comment
from guardian.models import GroupObjectPermission, UserObjectPermission
from tom_targets.base_models import BaseTarget

from tom.candidates.models import Verdict
from tom.followup.models import ObservationRequest
from tom.targets.models import LightCurvePoint

PRIVATE = BaseTarget.Permissions.PRIVATE


class CannotJoinError(Exception):
    """These targets cannot be joined or split, or this cannot be undone; the text says why."""


def readers_of(target: BaseTarget) -> set[str]:
    """Return who may read something private of a target: groups and single people, as texts."""
    points = LightCurvePoint.objects.filter(target=target, program__public=False)
    groups = set(points.values_list("program__group", flat=True).distinct())
    view = {"permission__codename": "view_target", "object_pk": str(target.pk)}
    groups |= set(GroupObjectPermission.objects.filter(**view).values_list("group", flat=True))
    people = UserObjectPermission.objects.filter(**view).values_list("user", flat=True)
    return {f"group {pk}" for pk in groups} | {f"person {pk}" for pk in people}


def is_said_privately(target: BaseTarget) -> bool:
    """Whether a target has a private comment, verdict or request."""
    kind = ContentType.objects.get_for_model(BaseTarget)
    said = Comment.objects.filter(content_type=kind, object_pk=str(target.pk), is_public=False)
    on_it = Q(candidate__target=target) | Q(target=target)
    verdicts = Verdict.objects.filter(on_it, is_public=False)
    requests = ObservationRequest.objects.filter(target=target, is_public=False)
    return said.exists() or verdicts.exists() or requests.exists()


def in_order(one: BaseTarget, two: BaseTarget) -> tuple[BaseTarget, BaseTarget]:
    """Return the kept target, then the target that joins it: a public one is kept, else the first.

    Raises
    ------
    CannotJoinError
        If they are the same target, or somebody who may see one of them only would see private
        things of the other.
    """
    if one.pk == two.pk:
        message = "A target is joined with another one, not with itself."
        raise CannotJoinError(message)
    if one.permissions == PRIVATE and two.permissions != PRIVATE:
        one, two = two, one
    if one.permissions == PRIVATE:
        is_safe = readers_of(one) == readers_of(two)
    else:
        is_safe = _keeps_secrets(one, two) and _keeps_secrets(two, one)
    if not is_safe:
        message = "Not everybody who sees one of them may see all of the other."
        raise CannotJoinError(message)
    return one, two


def _keeps_secrets(one: BaseTarget, two: BaseTarget) -> bool:
    """Whether no reader of `two` would get private words about `one` to read."""
    return not is_said_privately(one) or readers_of(two) <= readers_of(one)
