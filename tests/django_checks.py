"""The checks of `make check` that need Django, in one process: each start of it takes seconds."""

import os

import django
from django.apps import apps
from django.core.management import execute_from_command_line


def check_all() -> None:
    """Check that no migration is missing, and the API's schema, and the settings of production."""
    django.setup()
    own = [app.label for app in apps.get_app_configs() if app.name.startswith("tom.")]
    execute_from_command_line(["manage.py", "makemigrations", "--check", "--dry-run", *own])
    words = ("--validate", "--fail-on-warn", "--file", os.devnull)
    execute_from_command_line(["manage.py", "spectacular", *words])
    execute_from_command_line(["manage.py", "check", "--deploy", "--fail-level", "WARNING"])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")
    check_all()
