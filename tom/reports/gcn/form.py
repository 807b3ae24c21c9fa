"""What GCN takes as a circular, and the address that opens its form filled in.

The rules are those of GCN's own form (`subjects.toml` says where they stand): a subject has one of
its words and none of an automatic reply's; both texts may have any characters. It states no length.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

NEW_CIRCULAR: Final = "https://gcn.nasa.gov/circulars/new"
LONGEST_SUBJECT: Final = 200
LONGEST_BODY: Final = 50_000
# Servers commonly take an address of 8 kB, and browsers more.
LONGEST_LINK: Final = 8_000
_TOLD: Final = tomllib.loads((Path(__file__).parent / "subjects.toml").read_text())
SUBJECT_WORDS: Final[Sequence[str]] = _TOLD["words"]
REPLY_WORDS: Final[Sequence[str]] = _TOLD["replies"]
BEFORE_NAMES: Final[Mapping[str, str]] = _TOLD["before"]
"""By kind of event."""


def subject_fault(subject: str) -> str:
    """Say why GCN would not take a subject; "" if it would."""
    said = subject.casefold()
    reply = next((word for word in REPLY_WORDS if word in said), None)
    if reply:
        return f"GCN takes “{reply.strip()}” for an automatic reply"
    if not any(word.casefold() in said for word in SUBJECT_WORDS):
        return "GCN wants one of its words in it, such as GRB, GW or transient"
    return ""


def link_to_form(subject: str, body: str) -> str:
    """Return the address of GCN's form with both filled in; "" if it would be too long."""
    link = f"{NEW_CIRCULAR}?{urlencode({'subject': subject, 'body': body})}"
    return link if len(link) <= LONGEST_LINK else ""
