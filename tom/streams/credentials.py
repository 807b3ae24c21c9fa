"""The credential for a broker that STREAMS names: from the environment, or hop's own store."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from hop.auth import Auth, SASLMethod, load_auth, select_matching_auth


class CredentialError(Exception):
    """There is no one usable credential; the message says why, and names no secret."""


def find_credential(broker: str, username: str = "") -> Auth | None:
    """Return the credential for a broker; None for one on this machine that needs none.

    Raises
    ------
    CredentialError
        If there is none, or more than one, or hop's store cannot be read.
    """
    known = [*_from_environment(), *_from_store()]
    try:
        return select_matching_auth(known, broker, username or None)
    except RuntimeError as error:
        if not known or not _matches_any(known, broker):
            if is_on_this_machine(broker):
                return None
            msg = f"no credential for {broker}: add one (hop auth add), or set HOP_USERNAME"
            raise CredentialError(msg) from error
        raise CredentialError(str(error)) from error


def group_of(credential: Auth | None) -> str:
    """Return the consumer group, which holds our place in a broker's streams."""
    user = credential.username if credential is not None else "anonymous"
    return settings.STREAM_GROUP or f"{user}-counterpart"


def _from_environment() -> list[Auth]:
    found = []
    if settings.HOP_USERNAME:
        found.append(_hop_credential())
    if settings.GCN_CLIENT_ID:
        found.append(
            Auth(
                settings.GCN_CLIENT_ID,
                settings.GCN_CLIENT_SECRET,
                host=settings.GCN_HOST,
                token_endpoint=settings.GCN_TOKEN_URL,
            )
        )
    return found


def _hop_credential() -> Auth:
    try:
        method = SASLMethod[settings.HOP_MECHANISM.replace("-", "_")]
    except KeyError as error:
        msg = f"HOP_MECHANISM is {settings.HOP_MECHANISM!r}: use {', '.join(map(str, SASLMethod))}"
        raise CredentialError(msg) from error
    authority = {"ssl_ca_location": settings.HOP_CA_FILE} if settings.HOP_CA_FILE else {}
    return Auth(
        settings.HOP_USERNAME,
        settings.HOP_PASSWORD,
        host=settings.HOP_HOST,
        method=method,
        **authority,
    )


def _from_store() -> list[Auth]:
    try:
        return list(load_auth())
    except FileNotFoundError:
        return []
    except (RuntimeError, KeyError, OSError) as error:
        msg = f"hop's credentials cannot be read: {error}"
        raise CredentialError(msg) from error


def _matches_any(known: list[Auth], broker: str) -> bool:
    host = urlsplit(f"//{broker}").hostname
    return any(
        not each.hostname or urlsplit(f"//{each.hostname}").hostname == host for each in known
    )


def is_on_this_machine(broker: str) -> bool:
    """Whether host[:port] is an address of the loopback."""
    host = urlsplit(f"//{broker}").hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
