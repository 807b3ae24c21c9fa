"""A survey's packet of which the history is not read yet."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tom.records.alert import ObjectAlert


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A packet whose object is known, so that what is stored of its history is not read again.

    Attributes
    ----------
    survey, object_id
        As the alert's own record has them.
    read
        Read the alert, leaving out the entries of its history whose digests are given; all of it
        without any. Raises MalformedAlertError.
    """

    survey: str
    object_id: str
    read: Callable[[Collection[bytes]], ObjectAlert]
