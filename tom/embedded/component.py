"""A process to keep running: if it dies again and again, the pauses become longer."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# A process that lived this long is started again at once when it dies.
HEALTHY_SECONDS = 60.0

Child = subprocess.Popen[bytes]
Say = Callable[[str], None]


class CannotRunError(Exception):
    """Something cannot run here; the message is one line that says why and what to do."""


@dataclass
class Component:
    """A process, while it runs, and how to start it."""

    name: str
    launch: Callable[[], Child]
    when_it_ends: str = "has ended and starts again"
    child: Child | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = 0.0

    def start(self) -> Child:
        """Start the process, without waiting until it is ready."""
        self.child = self.launch()
        self.started = time.monotonic()
        return self.child

    def has_succeeded(self) -> bool:
        """Whether the process has ended with the exit code 0."""
        return self.child is not None and self.child.poll() == 0

    def restart_if_dead(self, say: Say) -> None:
        """Start the process again when its pause is over; if that fails, try again later."""
        now = time.monotonic()
        if self.child is not None and self.child.poll() is not None:
            if now - self.started > HEALTHY_SECONDS:
                self.pause = FIRST_PAUSE
            self.child = None
            say(f"{self.name} {self.when_it_ends} in {self.pause:.1f} s")
            self._rest(now)
        elif self.child is None and now >= self.due:
            try:
                self.start()
            except (CannotRunError, OSError) as error:
                say(f"{self.name} does not start: {error}")
                self._rest(now)

    def _rest(self, now: float) -> None:
        self.due = now + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE)
