"""What tests of the team share."""

from django.contrib.auth.models import User
from django.test import Client


def entered(person: User) -> Client:
    """A browser in which somebody is logged in."""
    client = Client()
    client.force_login(person)
    return client


def manage(by: User, path: str, **fields: object) -> int:
    """Do what a form of the team's page does; return the status of its answer."""
    return entered(by).post(f"/team/{path}", fields).status_code
