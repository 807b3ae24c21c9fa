"""What a broker's message says of objects: their light curves, and opinions of them."""

from dataclasses import dataclass

from tom.records.alert import ObjectAlert
from tom.records.classification import Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class Retelling:
    """What one message of a broker says.

    Attributes
    ----------
    alerts
        Light curves of objects, their points with the keys that the survey gives them.
    opinions
        What is said of the same objects, or of others.
    left_out
        Each value that could not be used, with the reason.
    """

    alerts: tuple[ObjectAlert, ...] = ()
    opinions: tuple[Classification, ...] = ()
    left_out: tuple[str, ...] = ()
