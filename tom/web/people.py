"""Who makes a request."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
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
