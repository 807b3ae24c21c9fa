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
_SPELLINGS: Final = (("IC", "ICECUBE"), ("SGRJ", "SGR"))


def key_of(name: str) -> str:
    """Return what is the same for all spellings of a name: its letters in capitals, and digits."""
    key = _NOT_IN_KEY.sub("", _plain(name).upper())
    for short, long in _SPELLINGS:
        if key.startswith(short) and key[len(short) :][:1].isdigit():
            return long + key[len(short) :]
    return key


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


def names_of_circular(event_name: str, subject: str) -> list[str]:
    """Return the keys of the events that a circular is about.

    Its own field says so; where that is missing, or holds no name that is known, the subject.
    """
    named = find_names(event_name)
    if named:
        return named
    whole = key_of(event_name)
    return [*([whole] if whole else []), *find_names(subject)][:MOST_NAMES]
