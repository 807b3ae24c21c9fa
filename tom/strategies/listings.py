"""A list: whose it is, and how rows name its owner and its members."""

from typing import NamedTuple

from tom.events.models import NonLocalizedEvent
from tom.strategies.models import Strategy


class Listing(NamedTuple):
    """A list: the list of an event, or the list of a strategy without an event.

    An event's list may have no strategy: its kind has none, or the list is older than strategies.
    """

    event: NonLocalizedEvent | None
    strategy: Strategy | None

    @property
    def owner(self) -> NonLocalizedEvent | Strategy:
        """The event or the strategy whose list this is."""
        owner = self.event or self.strategy
        if owner is None:
            message = "a list is an event's or a strategy's"
            raise ValueError(message)
        return owner

    @property
    def owner_column(self) -> str:
        """The column of a row that has the key of the owner of the list."""
        return "strategy_id" if self.event is None else "event_id"

    @property
    def member_column(self) -> str:
        """The column of a row that has the key of a member: a candidate's, or a target's."""
        return "target_id" if self.event is None else "candidate_id"

    @property
    def key(self) -> str:
        """The name under which pages follow the list."""
        return f"list-{self.owner.pk}" if self.event is None else self.event.event_id

    def __str__(self) -> str:
        """Return the name that people read."""
        return str(self.owner)
