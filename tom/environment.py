"""Settings as the environment gives them: a bad one stops the start in a line that names it."""

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env
from environs.exceptions import EnvError

env = Env()

# What a setting was called before: the old name counts where the new one is not set.
FORMER_NAMES = {
    "PAGE_EMAILS": "ALARM_EMAILS",
    "PAGE_WEBHOOK": "ALARM_WEBHOOK",
    "PAGE_HOURS": "ALARM_HOURS",
    "PAGE_ATTEMPTS": "ALARM_ATTEMPTS",
}


def take_former_names() -> None:
    """Set each setting that has only its old name in the environment by its new one."""
    for old, new in FORMER_NAMES.items():
        if old in os.environ:
            os.environ.setdefault(new, os.environ[old])


def read_url(name: str) -> str:
    """Read a web address; empty where none is set. The line does not show it: it may be secret."""
    text = env.str(name, "").strip()
    if text and not _is_web_address(text):
        msg = f"{name} is not an http:// or https:// address"
        raise EnvError(msg)
    return text


def read_number(name: str, default: float, *, least: float = 0.0, most: float = math.inf) -> float:
    """Read a number from `least` to `most`; an infinite one is refused."""
    return _within(name, env.float(name, default), least, most)


def read_count(name: str, default: int, *, least: int = 0) -> int:
    """Read a whole number of at least `least`."""
    return int(_within(name, env.int(name, default), least, math.inf))


def read_numbers(name: str, *, least: float = 0.0, most: float = math.inf) -> dict[str, float]:
    """Read `name=number,...`, each from `least` to `most`; empty where none is set."""
    try:
        given: dict[str, float] = env.dict(name, {}, subcast_values=float)
    except ValueError as error:  # EnvError is one, and does not always name the setting
        msg = f"{name} is not a list of names with numbers, such as a=0.5,b=2"
        raise EnvError(msg) from error
    return {key.strip(): _within(name, value, least, most) for key, value in given.items()}


def read_choices(name: str, choices: Sequence[str]) -> list[str]:
    """Read some of these words, comma-separated; all of them where none is set."""
    words: list[str] = env.list(name, [])
    given = [word.strip().lower() for word in words if word.strip()]
    odd = [word for word in given if word not in choices]
    if odd:
        msg = f"{name} has {', '.join(odd)}: it takes {', '.join(choices)}"
        raise EnvError(msg)
    return given or list(choices)


def read_rate(name: str, default: str) -> str:
    """Read how often something may be done: `600/min`; in a second, a minute, an hour or a day."""
    text = env.str(name, default).strip()
    if not re.fullmatch(r"[1-9][0-9]*/(s|sec|second|m|min|minute|h|hour|d|day)", text):
        msg = f"{name} is not a rate, such as 600/min"
        raise EnvError(msg)
    return text


def _within(name: str, value: float, least: float, most: float) -> float:
    if least <= value <= most and math.isfinite(value):
        return value
    wanted = f"at least {least:g}" if math.isinf(most) else f"from {least:g} to {most:g}"
    msg = f"{name} has a number that it cannot take, {value:g}: it takes one {wanted}"
    raise EnvError(msg)


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
