"""Serve the site: one process or several, until a signal ends them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from tom.web.server import serve

LAST_PORT = 65_535


class Command(BaseCommand):
    help = "Serve the site over HTTP."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="processes")
        parser.add_argument("--grace", type=int, default=2, help="seconds for open requests to end")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        workers, grace = options["workers"], options["grace"]
        if not 1 <= port <= LAST_PORT:
            msg = f"port {port} cannot be used: choose one from 1 to {LAST_PORT}"
            raise CommandError(msg)
        if workers < 1:
            msg = f"{workers} processes serve nothing: choose 1 or more"
            raise CommandError(msg)
        if grace < 0:
            msg = f"open requests cannot have {grace} s to end: choose 0 or more"
            raise CommandError(msg)
        serve(host=host, port=port, workers=workers, grace_seconds=grace)
