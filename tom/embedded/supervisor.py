"""Run every process of the embedded mode, restart dead ones, stop all within a time limit."""

import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from urllib.error import URLError

from tom import queues
from tom.embedded.children import start, stop, wait_until
from tom.embedded.component import CannotRunError, Child, Component, Say
from tom.embedded.home import Home
from tom.embedded.rotation import rotate_logs
from tom.embedded.run import SUPERVISED
from tom.embedded.servers import WEB_ROLE, Servers

ROOT = Path(__file__).resolve().parents[2]
# All of them together have this long to end before they are killed, and the servers as long
# again: Ctrl-C stops everything in 10 s. The web server takes 2 s, a worker at rest 3 s.
STOP_SECONDS = 4.0
LOOK_SECONDS = 0.25
LOGS_SECONDS = 60.0

# With several threads for linear algebra in each process, a 3D level table took 7 times as long.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

# Threads, because they only wait: processes would need several times the memory.
CALLER_POOL = ("-P", "threads", "-c", str(queues.CALLER_THREADS))
SCORER_POOL = ("-P", "threads", "-c", str(queues.SCORER_THREADS))
# The components that read the facilities' settings.
CONCERNED = {"worker", "caller", "web"}


def components(home: Home, *, port: int) -> list[Component]:
    """Return all components except the servers, in the order in which they start."""
    celery = (sys.executable, "-m", "celery", "-A", "tom")
    worker = (*celery, "worker", "--loglevel=INFO", "--without-gossip", "--without-mingle")
    web = (sys.executable, "manage.py", "serve")
    argvs = {
        "web": (*web, "--port", str(port)),
        "worker": (*worker, "-n", "worker@%h", "-Q", queues.WORKER, "-c", "2"),
        "caller": (*worker, "-n", "caller@%h", "-Q", queues.CALLER, *CALLER_POOL),
        "scorer": (*worker, "-n", "scorer@%h", "-Q", queues.SCORER, *SCORER_POOL),
        "beat": (*celery, "beat", "-s", str(home.run / "beat"), "--pidfile="),
        "ingester": (*worker, "-n", "ingest@%h", "-Q", queues.INGESTER, "-P", "solo"),
    }
    return [Component(name, partial(_launch, home, name, argv)) for name, argv in argvs.items()]


def _launch(home: Home, name: str, argv: Sequence[str]) -> Child:
    role = {"DATABASE_ROLE": WEB_ROLE} if name == "web" else {}
    return start(
        argv,
        log=home.logs / f"{name}.log",
        environment={SUPERVISED: "1", **ONE_THREAD, **role},
        cwd=ROOT,
    )


@dataclass
class Supervisor:
    """Keeps servers and components running until it gets a signal to stop."""

    home: Home
    servers: Servers
    components: list[Component]
    say: Say
    stopping: bool = False
    _portal: dict[str, str] = field(default_factory=dict)
    _logs_due: float = 0.0

    def start_web(self) -> None:
        """Start the web server, and let Ctrl-C and SIGTERM end the watch.

        Alone: all at once on two cores, the page would come seconds later.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        self._portal = self.home.portal()
        self._web.start()

    def start_others(self) -> None:
        """Start all components but the web server."""
        for component in self.components:
            if component is not self._web:
                component.start()

    def watch(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Restart dead processes until a signal to stop comes or `until()` is true."""
        while not self.stopping and not until():
            self.servers.restart_dead(self.say)
            for component in self.components:
                component.restart_if_dead(self.say)
            self._restart_on_new_settings()
            self._keep_logs_small()
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """Stop the components together, then the servers."""
        _stop_together(self.components)
        self.servers.stop()

    def wait_for_web(self, url: str, *, seconds: float) -> None:
        """Wait until the site answers.

        Raises
        ------
        CannotRunError
            If it does not within the time.
        """

        def ready() -> bool:
            self.servers.restart_dead(self.say)
            return self.stopping or answers(url)

        child = self._web.child
        if child is None or not wait_until(ready, child=child, seconds=seconds):
            msg = f"the web server did not start: see {self.home.logs / 'web.log'}"
            raise CannotRunError(msg)

    @property
    def _web(self) -> Component:
        return next(component for component in self.components if component.name == "web")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.stopping:  # a second Ctrl-C: no patience left
            for component in self.components:
                if component.child is not None and component.child.poll() is None:
                    component.child.kill()
        self.stopping = True

    def _keep_logs_small(self) -> None:
        now = time.monotonic()
        if now >= self._logs_due:
            self._logs_due = now + LOGS_SECONDS
            rotate_logs(self.home.logs)

    def _restart_on_new_settings(self) -> None:
        """Restart the readers of the facilities' settings if a local portal starts or ends."""
        found = self.home.portal()
        if found == self._portal:
            return
        self._portal = found
        self.say("the facilities' settings changed: workers and web server start again")
        concerned = [component for component in self.components if component.name in CONCERNED]
        _stop_together(concerned)
        for component in concerned:
            component.start()


def _stop_together(components: Sequence[Component]) -> None:
    running = [component.child for component in components if component.child is not None]
    for child in running:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in running:
        left = max(deadline - time.monotonic(), 0.01)
        stop(child, first=signal.SIGTERM, seconds=left)


def answers(url: str) -> bool:
    """Whether the site at `url` answers at all."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own http address
            return bool(answer.status < 500)
    except URLError as error:
        return getattr(error, "code", 500) < 500
    except OSError:
        return False
