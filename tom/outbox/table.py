"""The table of states: what the outbox does with a row, and which state may follow which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


class IllegalMoveError(Exception):
    """The state of a row does not lead there; nothing was changed."""


@dataclass(frozen=True)
class Table:
    """The states of one kind of row: the outbox's own states by their meaning, and the transitions.

    The outbox moves a row along its own arrows, which are the same for every kind:

        due, again -> sending -> sent | again | refused | unknown;  unknown -> sent

    `others` are the arrows that people and the other side add.
    """

    due: str
    """To be sent."""
    again: str
    """To be sent once more: nothing left. It may be the same as `due`."""
    sending: str
    sent: str
    refused: str
    unknown: str
    """It may have arrived."""
    ends: frozenset[str]
    others: Mapping[str, frozenset[str]] = field(default_factory=dict)
    at_end: Mapping[str, Any] = field(default_factory=dict)
    """What other columns become where a row ends."""

    @cached_property
    def legal(self) -> Mapping[str, frozenset[str]]:
        """Which states may follow each one; a state that is missing leads nowhere."""
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
        """Raise IllegalMoveError where `old` does not lead to `new`."""
        if new not in self.legal.get(old, frozenset()):
            msg = f"it cannot go from {old} to {new}"
            raise IllegalMoveError(msg)
