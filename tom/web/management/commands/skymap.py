"""Say what a sky map holds, and what it says of a position."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from tom.sky import MalformedSkyMapError, describe, read_skymap


class Command(BaseCommand):
    help = "Print a sky map's areas, distance and maximum, and its levels at a position, as JSON."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--ra", type=float, help="ICRS degrees")
        parser.add_argument("--dec", type=float, help="ICRS degrees")
        parser.add_argument("--distance", type=float, help="Mpc")

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        position = {name: options[name] for name in ("ra", "dec", "distance")}
        if (position["ra"] is None) != (position["dec"] is None):
            msg = "give both --ra and --dec, or neither"
            raise CommandError(msg)
        if position["distance"] is not None and position["ra"] is None:
            msg = "--distance needs --ra and --dec"
            raise CommandError(msg)
        try:
            skymap = read_skymap(path.read_bytes())
            self.stdout.write(json.dumps(describe(skymap, **position), indent=2))
        except (OSError, MalformedSkyMapError, ValueError) as error:
            msg = f"{path}: {error}"
            raise CommandError(msg) from error
