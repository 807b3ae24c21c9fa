"""Make a user's API token and print it."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from tom.web.tokens import renew_token


class Command(BaseCommand):
    help = "Make an API token for a user in place of the old one, and print it this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user's name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"], is_active=True).first()
        if user is None:
            msg = f"no active user is named {options['name']!r}"
            raise CommandError(msg)
        self.stdout.write(renew_token(user))
