"""The codes of an authenticator as people type them: their keyboards have other digits, too."""

import unicodedata
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm


class _AnyDigits:
    """Reads decimal digits of every script; what else is not ASCII is no code.

    allauth compares codes as ASCII, and fails with others.
    """

    cleaned_data: dict[str, Any]

    def clean_code(self) -> str:
        typed: str = self.cleaned_data["code"]
        code = "".join(str(unicodedata.decimal(c, c)) for c in typed)
        if not code.isascii():
            reason = "incorrect_code"
            raise get_adapter().validation_error(reason)
        self.cleaned_data["code"] = code
        checked: str = super().clean_code()  # type: ignore[misc]  # of the form that it is mixed in
        return checked


class CodeForm(_AnyDigits, AuthenticateForm):  # type: ignore[misc]  # allauth carries no types
    """The code that is asked for when somebody logs in."""


class CodeAgainForm(_AnyDigits, ReauthenticateForm):  # type: ignore[misc]
    """The code that is asked for again before something that matters."""


class FirstCodeForm(_AnyDigits, ActivateTOTPForm):  # type: ignore[misc]
    """The code that shows that the authenticator was set up."""
