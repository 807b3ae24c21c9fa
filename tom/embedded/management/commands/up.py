"""Run everything: databases, worker, beat, ingester, web server, and the demonstration night."""

import gc
import os
import signal
import socket
import sys
import time
from argparse import ArgumentParser
from contextlib import closing
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, call_command
from django.db import InterfaceError, OperationalError, connections

from tom.changes.demonstration import say_progress
from tom.embedded.children import start, stop
from tom.embedded.component import CannotRunError, Component
from tom.embedded.run import SUPERVISED, sign_as_supervisor, supervisor_lock
from tom.embedded.servers import check_servers, start_servers
from tom.embedded.supervisor import ROOT, Supervisor, components
from tom.scoring.checks import check_scorers
from tom.streams.sources import SourceError, read_sources
from tom.web.accounts import ensure_demo_user

START_SECONDS = 90


class Command(BaseCommand):
    help = "Run everything here until Ctrl-C (embedded mode)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=read_port, default=os.environ.get("PORT") or "8000")
        parser.add_argument(
            "--no-demo", action="store_true", help="start without the demonstration"
        )

    def handle(self, *args: Any, port: int, no_demo: bool, **options: Any) -> None:
        if not settings.EMBEDDED:
            msg = "DATABASE_URL is set: 'up' is for the embedded mode; see docs/production.md"
            raise CannotRunError(msg)
        began = time.monotonic()
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the start as Ctrl-C does
        self._check_settings()
        with supervisor_lock(settings.HOME) as lock:
            check_port(port)
            check_servers(settings.HOME)
            self._say("starting PostgreSQL and Redis")
            servers = start_servers(settings.HOME)
            supervisor = Supervisor(
                settings.HOME, servers, components(settings.HOME, port=port), self._say
            )
            try:
                self._prepare()
                sign_as_supervisor(lock)
                self._run(supervisor, port=port, demo=not no_demo, began=began)
            finally:
                self._say("stopping")
                supervisor.stop()
                gc.freeze()  # Python's last search for garbage would take seconds

    def _check_settings(self) -> None:
        try:
            read_sources(settings.STREAMS)
        except SourceError as error:
            raise CannotRunError(str(error)) from error
        for fault in check_scorers(None):
            msg = f"{fault.msg} ({fault.hint})"
            raise CannotRunError(msg)
        if not (settings.STATIC_ROOT / "staticfiles.json").exists():
            msg = "the static files are not installed: run 'make setup' first"
            raise CannotRunError(msg)

    def _prepare(self) -> None:
        self._say("preparing the database")
        self._password = settings.HOME.secret("login_password", entropy_bytes=12)
        try:
            call_command("migrate", verbosity=0, interactive=False)
            ensure_demo_user(self._password)
        except (OperationalError, InterfaceError) as error:
            reason = str(error).partition("\n")[0]
            msg = f"PostgreSQL ended meanwhile ({reason}): start again, nothing is lost"
            raise CannotRunError(msg) from error
        connections.close_all()

    def _run(self, supervisor: Supervisor, *, port: int, demo: bool, began: float) -> None:
        address = f"http://127.0.0.1:{port}"
        if demo and not settings.HOME.demo_loaded.exists():
            say_progress("it begins in a moment")  # for the first page that anybody opens
        supervisor.start_web()
        supervisor.wait_for_web(f"{address}/accounts/login/", seconds=START_SECONDS)
        if supervisor.stopping:
            return
        supervisor.start_others()
        self._say(f"ready after {time.monotonic() - began:.0f} s")
        login = f"user demo, password {self._password}"
        self.stdout.write(f"\n    {address}\n    {login}\n    Ctrl-C stops all of it\n\n")
        self.stdout.flush()
        if demo:
            self._load_demo(supervisor)
        supervisor.watch()

    def _load_demo(self, supervisor: Supervisor) -> None:
        """Load the night; start the loader again each time it ends before the night is complete."""
        argv = (sys.executable, ROOT / "manage.py", "demo_night")
        loader = Component(
            "the demonstration night",
            partial(start, argv, environment={SUPERVISED: "1"}),
            when_it_ends="is not whole yet: taken up again",
        )
        loader.start()

        def is_loaded() -> bool:
            if not loader.has_succeeded():
                loader.restart_if_dead(self._say)
            return loader.has_succeeded()

        supervisor.watch(until=is_loaded)
        if loader.child is not None:
            stop(loader.child, first=signal.SIGTERM, seconds=2)

    def _say(self, text: str) -> None:
        self.stdout.write(f"counterpart: {text}")
        self.stdout.flush()


def read_port(text: str) -> int:
    """Read a port's number; raise CannotRunError if the text is no port."""
    if not text.isdecimal() or int(text) == 0:
        msg = f"port {text!r} is not a number: choose one, as in PORT=8001 make run"
        raise CannotRunError(msg)
    return int(text)


def check_port(port: int) -> None:
    """Raise CannotRunError if the port is taken."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            msg = f"port {port} cannot be used ({error}): choose another, as in PORT=8001 make run"
            raise CannotRunError(msg) from error
