"""Refusals that say what a person lacks and whom to ask."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tom.web.team.roles import ADMINISTRATOR, Lack, find_lack, names_of, who_gives

View = TypeVar("View", bound=Callable[..., Any])


class LackingError(PermissionDenied):
    """A person lacks a permission, which is named."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


def needs(permission: str) -> Callable[[View], View]:
    """Let only those call a view who have the permission; tell the others that they lack it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            require(request, permission)
            return view(request, *args, **kwargs)

        return guarded  # type: ignore[return-value]  # wraps() keeps what the view takes

    return decorate


def require(request: HttpRequest, permission: str) -> None:
    """Return if the caller has the permission.

    Raises
    ------
    LackingError
        If they do not.
    """
    if not isinstance(request.user, User) or not request.user.has_perm(permission):
        raise LackingError(permission)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say what somebody may not do, and who can change that."""
    lack = None
    if isinstance(exception, LackingError):
        lack = find_lack(request.user, [exception.permission])
    if lack is None and request.user.is_authenticated and not request.user.is_superuser:
        lack = Lack([], ADMINISTRATOR, names_of(who_gives(ADMINISTRATOR)))
    return render(request, "403.html", {"lack": lack}, status=403)
