"""Make a user's API token and print it."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from tom.web.tokens import USUAL_DAYS, USUAL_NAME, RefusedTokenError, renew_token


class Command(BaseCommand):
    help = (
        "Make an API token for a user, in place of an old one of its name, and print it this once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user's name")
        parser.add_argument("--token-name", default=USUAL_NAME, help="how its owner knows it")
        parser.add_argument("--days", type=int, default=USUAL_DAYS, help="how long it works")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["name"], is_active=True).first()
        if user is None:
            msg = f"no active user is named {options['name']!r}"
            raise CommandError(msg)
        try:
            token = renew_token(user, options["token_name"], days=options["days"])
        except RefusedTokenError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(token)
