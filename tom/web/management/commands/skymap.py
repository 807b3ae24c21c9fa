"""Say what a sky map holds, and what it says of a position."""

import json
import re
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from tom.sky import MalformedSkyMapError, describe, read_skymap

NEGATIVE_NUMBER = re.compile(r"-(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-inf|-nan")
# What each number may be, and in which unit.
RANGES = {"ra": (0.0, 360.0, "deg"), "dec": (-90.0, 90.0, "deg"), "distance": (0.0, 1e6, "Mpc")}


class Command(BaseCommand):
    help = "Print a sky map's areas, distance and maximum, and its levels at a position, as JSON."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        # argparse takes -1e-05 for an option: its pattern knows no exponent (CPython issue 59317).
        parser._negative_number_matcher = NEGATIVE_NUMBER
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
        for name, (least, most, unit) in RANGES.items():
            if position[name] is not None and not least <= position[name] <= most:
                msg = f"--{name} {position[name]:g}: from {least:g} to {most:g} {unit}"
                raise CommandError(msg)
        try:
            with path.open("rb") as file:
                skymap = read_skymap(file)
            self.stdout.write(json.dumps(describe(skymap, **position), indent=2))
        except (OSError, MalformedSkyMapError, ValueError) as error:
            msg = f"{path}: {error}"
            raise CommandError(msg) from error
