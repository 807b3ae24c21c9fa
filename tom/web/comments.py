"""Comments on targets, in the table that TOM Toolkit keeps them in."""

from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.db.models import QuerySet
from django_comments.models import Comment
from tom_targets.base_models import BaseTarget

from tom.kept_queries import Given, kept_query

LONGEST = 3000


def comments_on(target: BaseTarget, user: User) -> "QuerySet[Comment]":
    """The comments on a target that the user may read, oldest first.

    What was said while the target was private is for those who could see it then, whatever
    the target is now: `is_public` says which it was.
    """
    rows = _on(str(target.pk), _kind())
    private = rows.filter(is_public=False)
    if private.exists() and not _reads_private(target, user):
        rows = rows.filter(is_public=True)
    return rows


def first_comments(target: BaseTarget, user: User, *, most: int) -> list[Comment]:
    """The first `most` of `comments_on`."""
    on = {"target": str(target.pk), "kind": _kind()}
    rows = _first(False, most, **on)
    if all(row.is_public for row in rows) or _reads_private(target, user):
        return rows
    return _first(True, most, **on)


@kept_query
def _first(is_public: bool, most: int, *, target: Given, kind: Given) -> "QuerySet[Comment]":
    rows = _on(target, kind)
    return (rows.filter(is_public=True) if is_public else rows)[:most]


def _kind() -> int:
    return ContentType.objects.get_for_model(BaseTarget).pk


def _on(target: str | Given, kind: int | Given) -> "QuerySet[Comment]":
    rows: QuerySet[Comment] = Comment.objects.filter(
        content_type=kind, object_pk=target, is_removed=False
    )
    return rows.select_related("user").order_by("submit_date", "pk")


def _reads_private(target: BaseTarget, user: User) -> bool:
    return user.has_perm("tom_targets.view_target", target)


def add_comment(target: BaseTarget, text: str, *, by: User) -> Comment:
    """Keep a comment.

    Raises
    ------
    ValueError
        If it is empty, or longer than `LONGEST`.
    """
    # A browser counts an end of a line as one character, and sends two.
    words = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not 0 < len(words) <= LONGEST:
        message = f"A comment has 1 to {LONGEST:,} characters, and this has {len(words):,}."
        raise ValueError(message)
    return Comment.objects.create(
        content_type=ContentType.objects.get_for_model(BaseTarget),
        object_pk=str(target.pk),
        site=Site.objects.get_current(),
        user=by,
        comment=words,
        is_public=target.permissions != BaseTarget.Permissions.PRIVATE,
    )
