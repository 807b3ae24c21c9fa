"""The API token of a user: one each."""

from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.authtoken.models import Token


def token_of(user: User) -> Token:
    """Return the user's token, made where there is none."""
    token, _ = Token.objects.get_or_create(user=user)
    return token


def renew_token(user: User) -> Token:
    """Replace the user's token: the old one opens nothing from then on."""
    with transaction.atomic():
        Token.objects.filter(user=user).delete()
        return Token.objects.create(user=user)
