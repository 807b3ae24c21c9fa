"""Run by the portal's own Python: its tables, its two users, a semester and a proposal."""

import os

import django
from django.apps import apps
from django.core.management import call_command


def main() -> None:
    """Make the rows that a portal needs before it accepts a request; existing rows stay."""
    django.setup()
    call_command("migrate", verbosity=0)
    proposal, token = os.environ["PORTAL_PROPOSAL"], os.environ["PORTAL_TOKEN"]
    operator_token = os.environ["PORTAL_OPERATOR_TOKEN"]
    _call("create_user", user="tom", password=token, email="tom@example.org", token=token)
    _call(
        "create_user",
        user="operator",
        password=operator_token,
        email="operator@example.org",
        token=operator_token,
        superuser=True,
    )
    # An operator who sees everybody's requests.
    profiles = apps.get_app_config("accounts").get_model("Profile")._default_manager
    profiles.filter(user__username="operator").update(staff_view=True)
    _call("create_semester", "--id=ALWAYS", "--start=2020-01-01", "--end=2100-01-01")
    _call("create_proposal", "--active", f"--id={proposal}", "--pi=tom", "--time-allocation")


def _call(name: str, *arguments: str, **options: object) -> None:
    try:
        call_command(name, *arguments, **options)
    except SystemExit as done:  # how these commands end, with 1 where they failed
        if done.code:
            raise


if __name__ == "__main__":
    main()
