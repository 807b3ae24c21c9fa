"""API tokens: one a user, kept as a hash, ended by another password."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.exceptions import AuthenticationFailed
from tom_common.accounts.api_auth import TomTokenAuthentication

from tom.web.models import ApiToken

TOKEN_BYTES = 32
# How exactly the last use is kept: a row is not written at every call.
USE_NOTED = timedelta(hours=1)


def renew_token(user: User) -> str:
    """Make a token in place of the user's old one, which opens nothing from then on.

    Returns the token, which is nowhere kept: whoever loses it makes another.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    made = {"key": digest_of(token), "seal": seal_of(user.password)}
    ApiToken.objects.update_or_create(
        user=user, defaults={**made, "created": timezone.now(), "last_used": None}
    )
    return token


def end_token(user: User) -> bool:
    """Take the user's token away; return whether there was one."""
    deleted, _ = ApiToken.objects.filter(user=user).delete()
    return bool(deleted)


def digest_of(token: str) -> str:
    """By what a token is known. It has 256 random bits: no salt and no slow hash is wanted."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal_of(password: str) -> str:
    """Tell one stored password from another, and nothing of it."""
    return salted_hmac("tom.web.tokens", password, algorithm="sha256").hexdigest()


class HashedTokenAuthentication(TomTokenAuthentication):
    """The header `Authorization: Token ...`, against the hashes kept."""

    model = ApiToken

    def authenticate_credentials(self, key: str) -> tuple[User, ApiToken]:
        """Find whose token it is.

        Raises
        ------
        AuthenticationFailed
            If it is nobody's, or was made under another password.
        """
        user, token = super().authenticate_credentials(digest_of(key))
        if not constant_time_compare(token.seal, seal_of(user.password)):
            message = "The password was changed since this token was made: make another."
            raise AuthenticationFailed(message)
        now = timezone.now()
        if token.last_used is None or now - token.last_used > USE_NOTED:
            ApiToken.objects.filter(pk=token.pk).update(last_used=now)
        return user, token
