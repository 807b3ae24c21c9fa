"""Who a session's person is and what they may do, by one kept query each.

Django's own backend asks in two queries, and makes their texts anew for each page.
"""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.db.models import Model, Q, QuerySet

from tom.kept_queries import Given, kept_query


class RightsBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """Logs people in as allauth does."""

    def get_user(self, user_id: Any) -> User | None:
        """The person of a session; None: there is none, or they were switched off."""
        return next(iter(_active(pk=user_id)), None)

    def get_all_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: Model | None = None
    ) -> set[str]:
        """What a person may do by themselves and by their groups; asked for once a user as read."""
        is_usual = isinstance(user_obj, User) and user_obj.is_active and not user_obj.is_superuser
        if not is_usual or obj is not None:
            return set(super().get_all_permissions(user_obj, obj))
        known: set[str] | None = getattr(user_obj, "_rights", None)
        if known is None:
            known = {f"{app}.{name}" for app, name in _rights(user=user_obj.pk)}
            user_obj._rights = known  # type: ignore[union-attr]  # of this request's own user
        return known


@kept_query
def _active(*, pk: Given) -> QuerySet[User]:
    return User.objects.filter(pk=pk, is_active=True)


@kept_query
def _rights(*, user: Given) -> QuerySet[Permission, Any]:
    own = User.user_permissions.through.objects.filter(user=user).values("permission")
    members = User.groups.through.objects.filter(user=user).values("group")
    groups = Permission.group_set.through.objects.filter(group__in=members).values("permission")
    rows = Permission.objects.filter(Q(pk__in=own) | Q(pk__in=groups)).order_by()
    return rows.values_list("content_type__app_label", "codename")
