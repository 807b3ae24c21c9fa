"""The table of states: their meaning for the outbox, and the allowed moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


class IllegalMoveError(Exception):
    """The table allows no move to this state; nothing was changed."""


@dataclass(frozen=True)
class Table:
    """The states of one kind of row: the outbox's own states by their meaning, and the moves.

    The outbox makes these moves, which are the same for every kind of row:

        due, again -> sending -> sent | again | refused | unknown;  unknown -> sent

    `others` are the moves that people and the other side make.
    """

    due: str
    """The row is to be sent."""
    again: str
    """The row is to be sent again: nothing was sent. It may be the same state as `due`."""
    sending: str
    sent: str
    refused: str
    unknown: str
    """The row may have arrived."""
    ends: frozenset[str]
    others: Mapping[str, frozenset[str]] = field(default_factory=dict)
    at_end: Mapping[str, Any] = field(default_factory=dict)
    """New values of other columns when a row ends."""

    @cached_property
    def legal(self) -> Mapping[str, frozenset[str]]:
        """The states that may follow each state; a missing state allows no move."""
        own = {
            self.due: {self.sending},
            self.again: {self.sending},
            self.sending: {self.sent, self.again, self.refused, self.unknown},
            self.unknown: {self.sent},
        }
        states = own.keys() | self.others.keys()
        return {
            state: frozenset(own.get(state, set())) | self.others.get(state, frozenset())
            for state in states
        }

    def check(self, old: str, new: str) -> None:
        """Raise IllegalMoveError if the table allows no move from `old` to `new`."""
        if new not in self.legal.get(old, frozenset()):
            msg = f"it cannot go from {old} to {new}"
            raise IllegalMoveError(msg)
