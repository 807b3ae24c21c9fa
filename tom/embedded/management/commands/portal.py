"""Run a real OCS Observation Portal on this machine and point the facilities at it."""

import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from environs import Env

from tom.embedded.home import Home
from tom.embedded.portal import install_portal, running_portal, written_settings
from tom.embedded.run import supervisor_lock

PORT = 8780


class Command(BaseCommand):
    help = "Run a real OCS portal here; `manage.py up` then sends LCO's requests to it."

    def handle(self, *args: Any, **options: Any) -> None:
        env = Env()
        home = Home(settings.HOME.path / "portal")
        home.prepare()
        root = Path(settings.BASE_DIR)
        wheels = Path(env.str("OCS_WHEELS")) if env.str("OCS_WHEELS", "") else None
        self.stdout.write("Installing the OCS portal where it is not there yet ...")
        venv = install_portal(root / ".venv-ocs", wheels=wheels, log=home.logs / "install.log")
        signal.signal(signal.SIGTERM, _end)
        with (
            supervisor_lock(home),
            running_portal(home, venv=venv, port=env.int("PORTAL_PORT", PORT)) as portal,
            written_settings(portal, settings.HOME.portal_settings),
        ):
            told = settings.HOME.portal_settings
            self.stdout.write(f"OCS portal: {portal.url} (settings in {told})")
            while portal.process.poll() is None:
                time.sleep(0.5)
            self.stderr.write(f"The OCS portal ended: see {home.logs / 'portal.log'}")


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
