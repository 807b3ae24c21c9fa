"""Comments on targets, in the table that TOM Toolkit keeps them in."""

from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.db.models import QuerySet
from django_comments.models import Comment
from tom_targets.base_models import BaseTarget

LONGEST = 3000


def comments_on(target: BaseTarget, user: User) -> "QuerySet[Comment]":
    """The comments on a target that the user may read, oldest first.

    What was said while the target was private is for those who could see it then, whatever
    the target is now: `is_public` says which it was.
    """
    kind = ContentType.objects.get_for_model(BaseTarget)
    rows: QuerySet[Comment] = Comment.objects.filter(
        content_type=kind, object_pk=str(target.pk), is_removed=False
    )
    private = rows.filter(is_public=False)
    if private.exists() and not user.has_perm("tom_targets.view_target", target):
        rows = rows.filter(is_public=True)
    return rows.select_related("user").order_by("submit_date", "pk")


def add_comment(target: BaseTarget, text: str, *, by: User) -> Comment:
    """Keep a comment.

    Raises
    ------
    ValueError
        If it is empty, or longer than `LONGEST`.
    """
    words = text.replace("\0", "").strip()
    if not words or len(words) > LONGEST:
        message = f"A comment has 1 to {LONGEST} characters."
        raise ValueError(message)
    return Comment.objects.create(
        content_type=ContentType.objects.get_for_model(BaseTarget),
        object_pk=str(target.pk),
        site=Site.objects.get_current(),
        user=by,
        comment=words,
        is_public=target.permissions != BaseTarget.Permissions.PRIVATE,
    )
