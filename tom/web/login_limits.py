"""Wrong passwords: limits that stop who guesses, and not the owner of the account."""

from typing import Any

from allauth.core import ratelimit
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.http import HttpRequest
from tom_common.accounts.adapters import TomAccountAdapter

# Of one account from all addresses together; `ACCOUNT_RATE_LIMITS` has its number.
ANYWHERE = "login_failed_anywhere"
# An address from which somebody logged in is the account's own for so long.
KNOWN_SECONDS = 30 * 86_400


class LoginAdapter(TomAccountAdapter):
    """Counts wrong passwords by account and address, so that nobody locks others out.

    An account has a limit over all addresses, too, against guesses from many. Addresses from
    which its owner has logged in are free of it; `manage.py unlock` is the owner's way back from
    another.
    """

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        account = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{account} from {self.get_client_ip(request)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        super().pre_authenticate(request, **credentials)
        if self._is_known(request, credentials):
            return
        if not ratelimit.consume(request, action=ANYWHERE, key=_name(credentials), dry_run=True):
            reason = "too_many_login_attempts"
            raise self.validation_error(reason)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        if not self._is_known(request, credentials):
            ratelimit.consume(request, action=ANYWHERE, key=_name(credentials))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            known = _known_key(_name(credentials), self.get_client_ip(request))
            cache.set(known, True, KNOWN_SECONDS)
        return user

    def _is_known(self, request: HttpRequest, credentials: dict[str, Any]) -> bool:
        """Whether the account's owner has logged in from this address lately."""
        return bool(cache.get(_known_key(_name(credentials), self.get_client_ip(request))))


def unlock(name: str) -> None:
    """Forget the wrong passwords that were tried for an account from everywhere together."""
    ratelimit.clear(HttpRequest(), action=ANYWHERE, key=name.lower())


def _name(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or credentials.get("email") or "").lower()


def _known_key(name: str, address: str) -> str:
    return f"login-known:{name.encode().hex()}:{address}"
