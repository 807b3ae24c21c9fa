"""The ways in which a call outside may fail: each says what the caller may do.

Their texts tell none of our secrets.
"""

from datetime import datetime

from tom.own_secrets import hide_secrets


class OutcomeError(Exception):
    """A call to the outside that failed."""

    def __init__(self, text: str, *, is_silent: bool = False) -> None:
        self.is_silent = is_silent  # whether nobody answered in time, or at all
        super().__init__(hide_secrets(text))


class NothingSentError(OutcomeError):
    """The other side surely took nothing: send it again, at `retry_at` if it says when."""

    def __init__(
        self, text: str, *, retry_at: datetime | None = None, is_silent: bool = False
    ) -> None:
        self.retry_at = retry_at
        super().__init__(text, is_silent=is_silent)


class RestsError(NothingSentError):
    """Nobody was called, and no attempt was made: the address is silent, and rests."""


class RejectedError(OutcomeError):
    """The other side refused, and says why: it took nothing, and will not."""


class UnknownOutcomeError(OutcomeError):
    """The other side may have taken it or not: ask for it, and never send it again blindly."""


class LookUpFailedError(OutcomeError):
    """The other side could not be asked: nothing may be concluded."""
