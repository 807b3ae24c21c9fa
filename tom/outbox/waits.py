"""How long to wait before another attempt, or before another look."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_MOST_DOUBLINGS: Final = 16


@dataclass(frozen=True)
class Waits:
    """Waits that begin with `first`, are doubled each time, and are never longer than `longest`.

    Where there is a `share`, a wait is not shorter than this share of the time since the attempt.
    """

    first: timedelta
    longest: timedelta
    share: float = 0.0

    def after(self, times: int, since: timedelta = timedelta(0)) -> timedelta:
        """Return the wait after so many attempts (1 or more), the last of them so long ago."""
        doubled = self.first * (1 << min(max(times - 1, 0), _MOST_DOUBLINGS))
        return min(max(doubled, since * self.share), self.longest)


@dataclass(frozen=True)
class Patience:
    """How long the outbox waits for one kind of row, and how often it tries."""

    deadline: timedelta
    """A call is surely over after this; who still seems to make it is lost."""
    retry: Waits
    """Between attempts of which nothing left."""
    most_attempts: int | None = None
    look: Waits | None = None
    """Between looks for what may have arrived; None: nobody can be asked."""
    quiet: timedelta = timedelta(0)
    """What is not there so long after it may have been sent will not come."""
