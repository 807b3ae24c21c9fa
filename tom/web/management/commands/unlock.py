"""Let an account log in again after wrong passwords."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from tom.web.login_limits import unlock


class Command(BaseCommand):
    help = (
        "Forget the wrong passwords that others tried for an account, so that its owner can log in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user's name")

    def handle(self, *args: Any, **options: Any) -> None:
        if not User.objects.filter(username=options["name"]).exists():
            msg = f"no user is named {options['name']!r}"
            raise CommandError(msg)
        unlock(options["name"])
        self.stdout.write(f"{options['name']} may log in again.")
