"""Post to an address that a person entered on a page: never to this machine or its own network.

The address is judged where it counts, at the connection that was made: a name may mean another
machine a moment later. What is allowed although it is private is named by the setting ALARM_HOSTS.
"""

from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

PRIVATE: Final = "its address is private, and ALARM_HOSTS does not name it"


class PrivateAddressError(Exception):
    """The address leads to this machine or to a private network; nothing was sent.

    It is no OSError: urllib3 takes those for errors of the network, and tries again.
    """


class AddressError(ValueError):
    """This is no address to post to; the message says why, for the person who typed it."""


def judge_address(text: str) -> str:
    """Return an address as it is stored.

    Raises
    ------
    AddressError
        If it is no https address of a public host, nor one whose host ALARM_HOSTS names.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # a port that is none raises
    except ValueError:
        host = None
    printable = text.isprintable() and not any(letter.isspace() for letter in text)
    if not host or not printable or parts.scheme not in {"http", "https"}:
        msg = "Write a whole address: https://host/path."
        raise AddressError(msg)
    if is_named(text):
        return text
    if parts.scheme != "https":
        msg = "Write an https address: what is sent to http can be read on its way."
        raise AddressError(msg)
    if not _may_be_public(host):
        msg = "This address is private. An administrator can allow its host with ALARM_HOSTS."
        raise AddressError(msg)
    return text


def is_named(url: str) -> bool:
    """Whether ALARM_HOSTS names the host, or the host with its port."""
    parts = urlsplit(url)
    return bool(
        {parts.hostname, parts.netloc.lower()}
        & {name.strip().lower() for name in settings.ALARM_HOSTS}
    )


def guarded_session(url: str) -> requests.Session:
    """Return a session that reaches no private address, unless ALARM_HOSTS names the host.

    It takes no proxy from the environment: a proxy may reach what this machine may not.
    """
    session = requests.Session()
    session.trust_env = False
    if not is_named(url):
        session.mount("http://", _GuardedAdapter())
        session.mount("https://", _GuardedAdapter())
    return session


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; of a v4 address in v6, of that one."""
    given = ip_address(address.partition("%")[0])
    inner = getattr(given, "ipv4_mapped", None)
    judged = given if inner is None else inner
    return judged.is_global and not judged.is_multicast


def _may_be_public(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return False
    try:
        return is_public(host)
    except ValueError:  # a name: judged when it is called
        return True


class _Guard:
    """Judges the other end of a connection before a byte of ours is sent."""

    def _new_conn(self) -> Any:
        sock = super()._new_conn()  # type: ignore[misc]  # urllib3's, to which this is mixed in
        if not is_public(sock.getpeername()[0]):
            sock.close()
            raise PrivateAddressError(PRIVATE)
        return sock


class _GuardedConnection(_Guard, HTTPConnection):
    pass


class _GuardedTlsConnection(_Guard, HTTPSConnection):
    pass


class _GuardedPool(HTTPConnectionPool):
    ConnectionCls = _GuardedConnection


class _GuardedTlsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTlsConnection


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _GuardedPool,
            "https": _GuardedTlsPool,
        }
