"""What people write: a circular, a message on Hopskotch."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A message of people's to people.

    Attributes
    ----------
    circular_id, version
        The number of a GCN Circular, whole or a half, and which edit of it this is, from 1; 0
        where its teller says no version. None for any other text, which is kept as the message it
        is.
    subject, body, submitter
        As their writer wrote them, cleaned.
    created_on, edited_on
        Aware, UTC, or None where nothing that can be read says so.
    event_id
        The event that it names in a field of its own, as it spells it.
    left_out
        Each value that broke the form and is missing here, with the reason.
    """

    circular_id: Decimal | None = None
    version: int = 1
    subject: str = ""
    body: str = ""
    submitter: str | None = None
    created_on: datetime | None = None
    edited_on: datetime | None = None
    event_id: str | None = None
    left_out: tuple[str, ...] = ()
