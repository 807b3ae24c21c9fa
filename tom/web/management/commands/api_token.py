"""Print a user's API token."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from tom.web.tokens import token_of


class Command(BaseCommand):
    help = "Print the API token of a user; it is made where there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user's name")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"], is_active=True).first()
        if user is None:
            msg = f"no active user is named {options['name']!r}"
            raise CommandError(msg)
        self.stdout.write(token_of(user).key)
