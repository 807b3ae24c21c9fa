"""How long to wait before another attempt, or before another look."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_MOST_DOUBLINGS: Final = 16


@dataclass(frozen=True)
class Waits:
    """Waits that begin with `first`, are doubled each time, and are never longer than `longest`.

    With a `share`, a wait is at least this share of the time since the attempt.
    """

    first: timedelta
    longest: timedelta
    share: float = 0.0

    def after(self, times: int, since: timedelta = timedelta(0)) -> timedelta:
        """Return the wait after `times` attempts (1 or more); the last was `since` ago."""
        doubled = self.first * (1 << min(max(times - 1, 0), _MOST_DOUBLINGS))
        return min(max(doubled, since * self.share), self.longest)


@dataclass(frozen=True)
class Patience:
    """How long the outbox waits for one kind of row, and how often it tries."""

    deadline: timedelta
    """A call is surely over after this time; a worker that still has it counts as lost."""
    retry: Waits
    """Waits between attempts that sent nothing."""
    most_attempts: int | None = None
    look: Waits | None = None
    """Waits between looks for a row that may have arrived; None: nobody can be asked."""
    quiet: timedelta = timedelta(0)
    """A row that has not arrived so long after its last attempt will not arrive."""
