"""What a broker's message says of objects: light curves, opinions, and events they match."""

from dataclasses import dataclass

from tom.records.alert import ObjectAlert
from tom.records.classification import Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What somebody says belongs together: an object of a survey, and an event.

    Attributes
    ----------
    author
        Who says it: a broker's name, as it declares itself.
    survey, object_id
        The object's identity in the survey that saw it.
    event
        The event's name, as the author writes it.
    """

    author: str
    survey: str
    object_id: str
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retelling:
    """What one message of a broker says.

    Attributes
    ----------
    alerts
        Light curves of objects, their points with the keys that the survey gives them.
    opinions
        What is said of the same objects, or of others.
    memberships
        To which events objects are said to belong.
    left_out
        Each value that could not be used, with the reason.
    """

    alerts: tuple[ObjectAlert, ...] = ()
    opinions: tuple[Classification, ...] = ()
    memberships: tuple[Membership, ...] = ()
    left_out: tuple[str, ...] = ()
