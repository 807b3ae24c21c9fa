"""The names by which people call an event, whatever the detectors before them and the letters.

A circular says "LIGO/Virgo/KAGRA S261120ab", "Kagra-Virgo S261120AB" or "sb/S261120ab", and
"GRB 261120A", "grb261120a" or "GRB-261120A": each event has one key, by which they are the same.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from tom.forms.common_names import COMMON_NAMES
from tom.forms.registry import missions

MOST_NAMES: Final = 10
_NOT_IN_KEY: Final = re.compile(r"[^A-Z0-9.+]")
# What people write between a mission's name and the number of its trigger.
_AROUND_A_NUMBER: Final = re.compile(
    r"\b(?:triggers?|gamma-ray burst monitor|burst alert telescope|no|number|id)\b\.?|[()=:/]",
    re.IGNORECASE,
)
_LEAST_NUMBER: Final = 6  # four digits after a name may be a year
_SUPEREVENT: Final = re.compile(r"(S|GW)([0-9]{6}[A-Z]{0,6})")
_SPELLINGS: Final = (("IC", "ICECUBE"), ("SGRJ", "SGR"))


def key_of(name: str) -> str:
    """Return what is the same for all spellings of a name: its letters in capitals, and digits."""
    key = _NOT_IN_KEY.sub("", _plain(name).upper())
    for short, long in _SPELLINGS:
        if key.startswith(short) and key[len(short) :][:1].isdigit():
            return long + key[len(short) :]
    return key


def keys_sought(name: str) -> list[str]:
    """Return the keys by which an event of this name may be kept.

    A superevent of LIGO, Virgo and KAGRA (S230518h) is GW230518h once it is published: who looks
    for one of the two means the other, too.
    """
    key = key_of(name)
    if found := _SUPEREVENT.fullmatch(key):
        other = "S" if found[1] == "GW" else "GW"
        return [key, f"{other}{found[2]}"]
    return [key] if key else []


def find_names(text: str) -> list[str]:
    """Return the keys of the events that a text names, in order."""
    found = (key_of(name) for name in _pattern().findall(_plain(text)))
    return list(dict.fromkeys(found))[:MOST_NAMES]


def name_told(text: str) -> str | None:
    """Return the name of an event that a mission writes in another's way; None if none is known."""
    for mission in missions():
        for pattern, name in mission.told_as:
            if found := re.fullmatch(pattern, text.strip(), re.IGNORECASE):
                return name.format(found[1])
    return None


@cache
def _pattern() -> re.Pattern[str]:
    """Every name. Each stands by itself: MS261120ab is not S261120ab, which is not S261120a."""
    names = [name for mission in missions() for name in mission.event_names]
    prefixes = [prefix for mission in missions() for prefix in mission.prefixes]
    # Words before a name whose typist left the blank out.
    before = f"(?:{'|'.join(map(re.escape, prefixes))})*" if prefixes else ""
    pattern = rf"(?<![a-z0-9.]){before}({'|'.join((*names, *COMMON_NAMES))})(?![a-z0-9])"
    return re.compile(pattern, re.IGNORECASE)


def _plain(text: str) -> str:
    """Write wide letters, and blanks and hyphens of any kind, plainly; what nobody sees goes."""
    seen = "".join(each for each in text if unicodedata.category(each) != "Cf")
    plain = unicodedata.normalize("NFKC", seen)
    return "".join("-" if unicodedata.category(each) == "Pd" else each for each in plain)


def find_triggers(text: str) -> list[str]:
    """Return the keys of the events that a text names by the number that a mission gave them.

    "Swift Trigger 1186908 is not a GRB", "Fermi  trigger No 712143685".
    """
    plain = " ".join(_AROUND_A_NUMBER.sub(" ", _plain(text)).split())
    found = [
        key_of(name.format(number))
        for pattern, name in _triggers()
        for number in pattern.findall(plain)
        if len(number) >= _LEAST_NUMBER
    ]
    return list(dict.fromkeys(found))[:MOST_NAMES]


def find_namings(text: str) -> list[tuple[str, str]]:
    """Return each name that a mission's circular gives an event of its own, with the own name.

    "triggered and located GRB 230818A (trigger=1186032)". Both are keys.
    """
    plain = " ".join(_plain(text).split())
    return [
        (key_of(found[1]), key_of(name.format(found[2])))
        for mission in missions()
        for pattern, name in mission.named_as
        for found in re.finditer(pattern, plain)
    ][:MOST_NAMES]


@cache
def _triggers() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(rf"(?<![a-z0-9]){pattern}(?![a-z0-9]|\.[0-9])", re.IGNORECASE), name)
        for mission in missions()
        for pattern, name in mission.told_as
    ]


def names_of_circular(event_name: str, subject: str, body: str = "") -> list[str]:
    """Return the keys of the events that a circular is about.

    Its own field says so; where that is missing, or holds no name that is known, the subject. By
    the numbers of their triggers the subject names them, too, and the body the event of that name.
    """
    whole = key_of(event_name)
    named = find_names(event_name) or [*([whole] if whole else []), *find_names(subject)]
    own = [own for name, own in find_namings(body) if name in named]
    return list(dict.fromkeys([*named, *own, *find_triggers(subject)]))[:MOST_NAMES]
