"""The ways in which a call outside may fail: each says what the caller may do.

Their texts tell none of our secrets.
"""

from datetime import datetime

from tom.own_secrets import hide_secrets


class OutcomeError(Exception):
    """A call outside that did not do what it was for."""

    def __init__(self, text: str, *, is_silent: bool = False) -> None:
        self.is_silent = is_silent  # whether nobody answered in time, or at all
        super().__init__(hide_secrets(text))


class NothingSentError(OutcomeError):
    """Surely nothing was taken: send it again, at `retry_at` where the other side says when."""

    def __init__(
        self, text: str, *, retry_at: datetime | None = None, is_silent: bool = False
    ) -> None:
        self.retry_at = retry_at
        super().__init__(text, is_silent=is_silent)


class RestsError(NothingSentError):
    """Nobody was called, and no attempt was made: the address is silent, and rests."""


class RejectedError(OutcomeError):
    """Surely nothing was taken, and nothing will be: the other side said no, and says why."""


class UnknownOutcomeError(OutcomeError):
    """It may have been taken or not: it is asked for, and never sent again blindly."""


class LookUpFailedError(OutcomeError):
    """The other side could not be asked: nothing is known, nothing may be concluded."""
