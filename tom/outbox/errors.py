"""The ways in which a call to the outside may fail: each says what the caller may do.

Their texts contain none of our secrets.
"""

from datetime import datetime

from tom.own_secrets import hide_secrets


class OutcomeError(Exception):
    """A call to the outside that failed."""

    def __init__(self, text: str, *, is_silent: bool = False) -> None:
        self.is_silent = is_silent  # whether nobody answered in time, or at all
        super().__init__(hide_secrets(text))


class NothingSentError(OutcomeError):
    """The other side surely accepted nothing: send again, at `retry_at` if that is given."""

    def __init__(
        self, text: str, *, retry_at: datetime | None = None, is_silent: bool = False
    ) -> None:
        self.retry_at = retry_at
        super().__init__(text, is_silent=is_silent)


class RestsError(NothingSentError):
    """Nothing was called, and it counts as no attempt: the address is silent, and rests."""


class RejectedError(OutcomeError):
    """The other side refused, and the text says why: it accepted nothing. Do not send again."""


class UnknownOutcomeError(OutcomeError):
    """The other side may have accepted it or not: ask for it before you send it again."""


class LookUpFailedError(OutcomeError):
    """The other side could not be asked: the outcome stays unknown."""
