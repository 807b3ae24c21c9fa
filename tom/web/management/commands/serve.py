"""Serve the site: one process or several, until a signal ends them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand

from tom.web.server import serve


class Command(BaseCommand):
    help = "Serve the site over HTTP."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="processes")
        parser.add_argument("--grace", type=int, default=2, help="seconds for open requests to end")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        serve(host=host, port=port, workers=options["workers"], grace_seconds=options["grace"])
