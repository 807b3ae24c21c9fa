"""What is answered where something fails."""

from contextlib import closing

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from tests.factories import PASSWORD, make_user
from tom.web.tokens import renew_token

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(db):
    """Somebody logged in, with a token for the API."""
    user = make_user("anne")
    client = Client(raise_request_exception=False)
    client.force_login(user)
    client.defaults["HTTP_AUTHORIZATION"] = f"Token {renew_token(user)}"
    return client


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/events/", "/api/events/"])
def test_a_database_that_hangs_up_says_to_try_again(visitor, path):
    end_connection()

    answer = visitor.get(path)
    connection.close()  # as at the end of every request; the next one opens its own

    says_to_try_again(answer)
    assert b"terminating connection" not in answer.content
    assert visitor.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("post", "/accounts/login/"), ("get", "/api/events/")]
)
def test_a_cache_that_is_away_says_to_try_again(visitor, settings, method, path):
    address = "redis://127.0.0.1:1"  # where nobody listens
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": address}}
    visitor.cookies.clear()

    typed = {"login": "anne", "password": PASSWORD} if method == "post" else {}
    answer = getattr(visitor, method)(path, typed)

    says_to_try_again(answer)
    assert b"127.0.0.1" not in answer.content


@pytest.mark.parametrize("path", ["/events/", "/api/events/"])
def test_a_fault_of_ours_is_a_500_that_tells_nothing(visitor, path):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE events_nonlocalizedevent RENAME TO elsewhere")

    answer = visitor.get(path)

    assert answer.status_code == 500
    assert b"Something failed" in answer.content
    assert b"nonlocalizedevent" not in answer.content


def end_connection():
    """Have the database hang up on this process, as it does when it is stopped."""
    pid, place = connection.connection.get_backend_pid(), connection.settings_dict
    other = psycopg2.connect(host=place["HOST"], user=place["USER"], dbname="postgres")
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def says_to_try_again(answer):
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert b"try again" in answer.content
