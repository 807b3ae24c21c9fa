"""The page of an invitation: the person who has its link makes an account there, once."""

from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tom.web.models import Invitation
from tom.web.team.invitations import (
    InvitationState,
    NotOpenError,
    accept_invitation,
    find_invitation,
    state_of,
)
from tom.web.team.roles import BY_KEY

# How often one address may try; `ACCOUNT_RATE_LIMITS` has the number.
LIMIT = "invitation"


class NewPersonForm(UserCreationForm[User]):
    """A free user name, an e-mail address or none, and a password that Django accepts."""

    email = forms.EmailField(required=False, max_length=254)

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username", "email")


@never_cache
@login_not_required
@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Show what an invitation gives, and make the account; or say why it is not valid."""
    found = find_invitation(secret)
    is_open = found is not None and state_of(found) is InvitationState.OPEN
    is_a_try = not is_open or request.method == "POST"
    if is_a_try and not _is_allowed(request):
        return render(request, "429.html", status=429)
    if found is None:
        return render(request, "team/no_invitation.html", status=404)
    if not is_open:
        return _closed(request, found)
    if request.user.is_authenticated:
        return render(request, "team/logged_in.html", status=409)
    return _answer(request, found)


def _is_allowed(request: HttpRequest) -> bool:
    """Count one more try from an address, by whichever method; return whether it may."""
    rates = settings.ACCOUNT_RATE_LIMITS
    return bool(ratelimit.consume(request, action=LIMIT, config=rates, limit_get=True))


def _answer(request: HttpRequest, found: Invitation) -> HttpResponse:
    form = NewPersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = accept_invitation(found.pk, form.save(commit=False))
        except NotOpenError:
            found.refresh_from_db()
            return _closed(request, found)
        return _enter(request, made, form.cleaned_data["password1"])
    context = {"form": form, "role": BY_KEY[found.role], "groups": found.groups.order_by("name")}
    status = 422 if form.errors else 200
    return render(request, "team/invitation.html", context, status=status)


def _enter(request: HttpRequest, made: User, password: str) -> HttpResponse:
    """Log the new person in, as the form of the login does; without luck, lead them to that."""
    try:
        user = get_adapter(request).authenticate(
            request, username=made.get_username(), password=password
        )
    except ValidationError:  # somebody has tried this name before: its limit counts
        user = None
    if user is None:
        return redirect("login")
    login(request, user)
    return redirect("team_welcome")


def _closed(request: HttpRequest, found: Invitation) -> HttpResponse:
    context = {"why": state_of(found).value}
    return render(request, "team/no_invitation.html", context, status=410)
