"""The page of one's own account, and of one's API tokens."""

import logging

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tom.web.keys import read_pk
from tom.web.people import person
from tom.web.team.roles import role_of, working_groups
from tom.web.tokens import (
    USUAL_DAYS,
    USUAL_NAME,
    RefusedTokenError,
    end_token,
    renew_token,
    tokens_of,
)

logger = logging.getLogger("tom_common.security")  # where TOM Toolkit logs log-ins
TOKEN_DAYS = (7, 30, 90, 365)


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show who one is, what one may do, and which API tokens one has."""
    return _show(request)


def _show(request: HttpRequest, *, new_token: str = "") -> HttpResponse:
    user = person(request)
    context = {
        "tokens": tokens_of(user),
        "new_token": new_token,
        "days": TOKEN_DAYS,
        "usual_days": USUAL_DAYS,
        "groups": working_groups().filter(user=user),
        "role": role_of(user),
    }
    return render(request, "account/account.html", context)


@never_cache
@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """Make an API token, in place of an old one of its name, and show it this once; or end one."""
    user = person(request)
    if "end" in request.POST:
        return _end(request, user)
    days = read_pk(request.POST.get("days", str(USUAL_DAYS))) or 0
    name = request.POST.get("name", "").strip() or USUAL_NAME
    try:
        token = renew_token(user, name, days=days)
    except RefusedTokenError as refusal:
        messages.error(request, str(refusal))
        return redirect("account")
    logger.info("API token made: %s", user.get_username())
    return _show(request, new_token=token)


def _end(request: HttpRequest, user: User) -> HttpResponse:
    ended = end_token(user, read_pk(request.POST["end"]) or 0)
    if ended is not None:
        logger.info("API token ended: %s", user.get_username())
        messages.success(request, f"The token {ended.name} no longer works.")
    return redirect("account")
