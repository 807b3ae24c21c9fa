"""The page of one's own account, and the renewal of one's API token."""

import logging

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tom.web.models import ApiToken
from tom.web.people import person
from tom.web.tokens import end_token, renew_token

logger = logging.getLogger("tom_common.security")  # where TOM Toolkit logs log-ins


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show who one is, what one may do, and whether one has an API token."""
    return _show(request)


def _show(request: HttpRequest, *, new_token: str = "") -> HttpResponse:
    user = person(request)
    context = {
        "token": ApiToken.objects.filter(user=user).first(),
        "new_token": new_token,
        "groups": user.groups.order_by("name"),
    }
    return render(request, "account/account.html", context)


@never_cache
@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """Make an API token in place of the old one, and show it this once; or end it."""
    user = person(request)
    if "end" in request.POST:
        end_token(user)
        logger.info("API token ended: %s", user.get_username())
        messages.success(request, "Your API token no longer works.")
        return redirect("account")
    token = renew_token(user)
    logger.info("API token renewed: %s", user.get_username())
    return _show(request, new_token=token)
