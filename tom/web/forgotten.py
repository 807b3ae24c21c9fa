"""A forgotten password: a link by mail, or whom to ask."""

from allauth.account.forms import ResetPasswordForm
from allauth.account.views import PasswordResetView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods


class AddressForm(ResetPasswordForm):  # type: ignore[misc]  # allauth carries no types
    """The address of an account, in capitals or not."""

    def clean_email(self) -> str:
        """Find the accounts, those too whose address is kept with capitals.

        Letters are compared once lowered, so that no look-alike of another script is taken: the
        link goes to the address as it was typed.
        """
        address: str = super().clean_email()
        wanted = address.lower()
        alike = User.objects.filter(email__iexact=wanted, is_active=True)
        self.users = [person for person in alike if person.email.lower() == wanted]
        return address


reset_by_mail = PasswordResetView.as_view(form_class=AddressForm)


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponseBase:
    """Send a link to a person who forgot the password; without mail, say whom to ask."""
    if settings.EMAIL_CONFIG is None:
        return render(request, "account/forgotten.html")
    answer: HttpResponseBase = reset_by_mail(request)
    return answer
