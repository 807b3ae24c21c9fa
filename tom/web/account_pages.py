"""The page of one's own account, and the renewal of one's API token."""

import logging

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tom.web.people import person
from tom.web.tokens import renew_token, token_of

logger = logging.getLogger("tom_common.security")  # where TOM Toolkit logs log-ins


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show who one is, what one may do, and one's API token."""
    user = person(request)
    return render(
        request,
        "account/account.html",
        {"token": token_of(user), "groups": user.groups.order_by("name")},
    )


@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """Replace one's API token."""
    user = person(request)
    renew_token(user)
    logger.info("API token renewed: %s", user.get_username())
    messages.success(request, "Your API token is new. The old one no longer works.")
    return redirect("account")
