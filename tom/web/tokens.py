"""API tokens: with a name and a limited time, stored as a hash, ended by a new password."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.exceptions import AuthenticationFailed
from tom_common.accounts.api_auth import TomTokenAuthentication

from tom.web.models import ApiToken

TOKEN_BYTES = 32
# How exactly the last use is kept: a row is not written at every call.
USE_NOTED = timedelta(hours=1)
USUAL_NAME = "API token"
USUAL_DAYS, MOST_DAYS = 90, 365
LONGEST_NAME = 60
MOST_TOKENS = 20


class RefusedTokenError(Exception):
    """A token with these settings is not allowed; the message says why."""


def renew_token(user: User, name: str = USUAL_NAME, *, days: int = USUAL_DAYS) -> str:
    """Make a token; the user's old token of this name stops working.

    Returns the token, which is stored nowhere: a person who loses it makes another.

    Raises
    ------
    RefusedTokenError
        If the name is none, the days are not 1 to `MOST_DAYS`, or the user has `MOST_TOKENS`.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        message = f"A token's name has 1 to {LONGEST_NAME} characters."
        raise RefusedTokenError(message)
    if not 0 < days <= MOST_DAYS:
        message = f"A token works for 1 to {MOST_DAYS} days."
        raise RefusedTokenError(message)
    if ApiToken.objects.filter(user=user).exclude(name=name).count() >= MOST_TOKENS:
        message = f"You have {MOST_TOKENS} tokens: end one first."
        raise RefusedTokenError(message)
    token, now = secrets.token_urlsafe(TOKEN_BYTES), timezone.now()
    made: dict[str, Any] = {
        "key": digest_of(token),
        "seal": seal_of(user.password),
        "created": now,
        "expires": now + timedelta(days=days),
        "last_used": None,
    }
    ApiToken.objects.update_or_create(user=user, name=name, defaults=made)
    return token


def end_token(user: User, pk: int) -> ApiToken | None:
    """End one of the user's tokens and return it; None if there is none."""
    found = ApiToken.objects.filter(user=user, pk=pk).first()
    if found is not None:
        found.delete()
    return found


def tokens_of(user: User) -> list[tuple[ApiToken, bool]]:
    """Return a user's tokens, and whether each still works."""
    now, seal = timezone.now(), seal_of(user.password)
    rows = ApiToken.objects.filter(user=user)
    return [(row, row.expires > now and row.seal == seal) for row in rows]


def digest_of(token: str) -> str:
    """The stored hash of a token, which has 256 random bits: it needs no salt or slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal_of(password: str) -> str:
    """Return a text that tells one stored password from another, and reveals nothing of it."""
    return salted_hmac("tom.web.tokens", password, algorithm="sha256").hexdigest()


class HashedTokenAuthentication(TomTokenAuthentication):
    """Check the header `Authorization: Token ...` against the stored hashes."""

    model = ApiToken

    def authenticate_credentials(self, key: str) -> tuple[User, ApiToken]:
        """Find whose token it is.

        Raises
        ------
        AuthenticationFailed
            If it is nobody's, has expired, or was made under another password.
        """
        user, token = super().authenticate_credentials(digest_of(key))
        if not constant_time_compare(token.seal, seal_of(user.password)):
            message = "The password was changed since this token was made: make another."
            raise AuthenticationFailed(message)
        now = timezone.now()
        if token.expires <= now:
            message = "This token has expired: make another."
            raise AuthenticationFailed(message)
        if token.last_used is None or now - token.last_used > USE_NOTED:
            ApiToken.objects.filter(pk=token.pk).update(last_used=now)
        return user, token
