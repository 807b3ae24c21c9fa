"""What is answered where something fails."""

import pytest
from django.db import OperationalError
from django.test import Client
from redis.exceptions import ConnectionError as CacheError

from tests.factories import make_user


@pytest.fixture
def outage(monkeypatch):
    """Make every query of events fail as it does where a service is away."""

    def fail_with(error):
        def fail(*_args, **_kwargs):
            raise error

        monkeypatch.setattr("tom.events.models.NonLocalizedEvent.objects.get_queryset", fail)

    return fail_with


@pytest.fixture
def visitor(db):
    client = Client(raise_request_exception=False)
    client.force_login(make_user())
    return client


@pytest.mark.parametrize("error", [OperationalError("server closed"), CacheError("refused")])
def test_an_outage_says_to_try_again(visitor, outage, error):
    outage(error)

    page, answer = visitor.get("/events/"), visitor.get("/api/events/")

    assert (page.status_code, answer.status_code) == (503, 503)
    assert page["Retry-After"] == answer["Retry-After"] == "5"
    assert b"try again" in page.content
    assert "try again" in answer.json()["detail"]
    assert b"server closed" not in page.content + answer.content


def test_a_fault_of_ours_is_a_500_that_tells_nothing(visitor, outage):
    outage(RuntimeError("the secret of it"))

    page, answer = visitor.get("/events/"), visitor.get("/api/events/")

    assert (page.status_code, answer.status_code) == (500, 500)
    assert answer.json()["detail"].startswith("Something failed")
    assert b"the secret of it" not in page.content + answer.content
