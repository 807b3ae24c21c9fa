"""The key of a Google service account, as Google's console gives it: a file in JSON.

It signs each call itself, so no token server is asked: https://google.aip.dev/auth/4111. The key
leaves this module in nothing but signatures, and no message quotes it.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from google.auth import jwt
from requests import PreparedRequest
from requests.auth import AuthBase

_AUDIENCE: Final = "https://pubsub.googleapis.com/"
_KIND: Final = "service_account"


class NoKeyError(ValueError):
    """A text is no key of a service account; the message quotes nothing of it."""

    def __init__(self) -> None:
        super().__init__("this is no key of a Google service account in JSON")


@dataclass(frozen=True, slots=True)
class ServiceAccount(AuthBase):
    """A service account that signs calls.

    Attributes
    ----------
    email
        Its name at Google.
    project
        The project that it belongs to; empty: the key does not say.
    """

    email: str
    project: str
    _signer: Any = field(repr=False)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a call, as `requests` asks for it."""
        self._signer.before_request(None, request.method, request.url, request.headers)
        return request


def read_key(text: str) -> ServiceAccount:
    """Read a key.

    Raises
    ------
    NoKeyError
        If it is none.
    """
    try:
        told = json.loads(text)
        if not isinstance(told, dict) or told.get("type") != _KIND:
            raise NoKeyError
        signer = jwt.Credentials.from_service_account_info(told, audience=_AUDIENCE)  # type: ignore[no-untyped-call]  # theirs has no types
    # cryptography raises these for a damaged key, google-auth the first for a missing part.
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise NoKeyError from error
    return ServiceAccount(str(told["client_email"]), str(told.get("project_id") or ""), signer)
