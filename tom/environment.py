"""Settings as the environment gives them: a bad one stops the start in a line that names it."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env
from environs.exceptions import EnvError

env = Env()


def read_url(name: str) -> str:
    """Read a web address; empty where none is set. The line does not show it: it may be secret."""
    text = env.str(name, "").strip()
    if text and not _is_web_address(text):
        msg = f"{name} is no http:// or https:// address"
        raise EnvError(msg)
    return text


def read_token(name: str) -> str:
    """Read what goes into a header as it is; empty where none is set."""
    text = env.str(name, "").strip()
    if not (text.isascii() and text.isprintable()):
        msg = f"{name} is not one line of printable ASCII characters"
        raise EnvError(msg)
    return text


def read_groups(prefix: str) -> dict[str, dict[str, str]]:
    """Read PREFIX_<NAME>_<WHAT> of every name, as {"name": {"what": ...}} in small letters."""
    found: dict[str, dict[str, str]] = {}
    for variable, text in os.environ.items():
        name, _, what = variable.removeprefix(f"{prefix}_").lower().partition("_")
        if variable.startswith(f"{prefix}_") and what:
            found.setdefault(name, {})[what] = text.strip()
    return found


def read_file(name: str) -> str:
    """Read the path of a file; empty where none is set."""
    path = env.str(name, "").strip()
    if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
        msg = f"{name} names no file that can be read: {path}"
        raise EnvError(msg)
    return path


def read_addresses(name: str, *, email: dict[str, Any] | None) -> list[str]:
    """Read e-mail addresses, which are of no use where `email` says no way to send."""
    given: list[str] = env.list(name, [])
    addresses = [text.strip() for text in given if text.strip()]
    if addresses and email is None:
        msg = f"{name} needs EMAIL_URL (smtp+tls://user:password@host:587, say), which is not set"
        raise EnvError(msg)
    return addresses


def read_email() -> dict[str, Any] | None:
    """Read how e-mail leaves; None where nothing says it."""
    text = env.str("EMAIL_URL", "")
    if not text:
        return None
    if "://" not in text:
        msg = "EMAIL_URL has no scheme, such as smtp+tls://"
        raise EnvError(msg)
    return dict(env.dj_email_url("EMAIL_URL"))


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # a port that is none raises
    except ValueError:
        return False
    clean = text.isprintable() and not any(character.isspace() for character in text)
    return clean and parts.scheme in {"http", "https"} and bool(host)
