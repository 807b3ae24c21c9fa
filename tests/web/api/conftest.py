"""People who call the API."""

from queue import Empty

import pytest
from celery import current_app
from django.utils import timezone
from rest_framework.test import APIClient

from tests.factories import make_admin, make_group, make_observer, make_user
from tom import queues
from tom.web.models import ApiToken
from tom.web.tokens import renew_token


def client_of(user):
    """A program that sends the user's token."""
    client = APIClient()
    token = renew_token(user)
    ApiToken.objects.filter(user=user).update(last_used=timezone.now())  # not its first call
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.fixture
def team():
    """The group that owns what is private in these tests."""
    return make_group("team")


@pytest.fixture
def plain(db):
    return client_of(make_user())


@pytest.fixture
def observer(db):
    """An observer of no team."""
    return client_of(make_observer())


@pytest.fixture
def member(team):
    """An observer of the team."""
    return client_of(make_observer(groups=[team]))


@pytest.fixture
def admin(db):
    return client_of(make_admin())


@pytest.fixture
def anonymous():
    return APIClient()


QUEUES = queues.ALL.split(",")


def take_nudges():
    """Take what waits for the workers at the broker: (task, arguments)."""
    with current_app.connection_for_read() as broker:
        return [nudge for name in QUEUES for nudge in take_from(broker, name)]


def take_from(broker, name):
    with broker.SimpleQueue(name) as queue:
        while True:
            try:
                message = queue.get_nowait()
            except Empty:
                return
            message.ack()
            yield message.headers["task"], message.payload[0]


@pytest.fixture
def nudges():
    """Look at what waits for the workers, from now on."""
    take_nudges()
    return take_nudges
