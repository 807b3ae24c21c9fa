"""Who makes a request."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from guardian.conf.settings import ANONYMOUS_USER_NAME
from rest_framework.request import Request


def person(request: HttpRequest | Request) -> User:
    """Return the user who is logged in.

    Raises
    ------
    PermissionDenied
        If nobody is, which the middleware and the API's permissions rule out before.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def people_here() -> QuerySet[User]:
    """Return everybody who may log in, by name; without the user that stands for nobody."""
    active = User.objects.filter(is_active=True)
    return active.exclude(username=ANONYMOUS_USER_NAME).order_by("username")


def people_who_may(permission: str) -> QuerySet[User]:
    """Return everybody who has a permission, also those who may log in no more."""
    backend = "django.contrib.auth.backends.ModelBackend"
    everybody: Any = None  # the stubs forget that Django takes it
    return User.objects.with_perm(permission, is_active=everybody, backend=backend)
