"""Every page renders, for whom it is meant, at a bounded count of queries."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db


def enter(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def observer(client: Client) -> Client:
    return enter(client, factories.make_observer("vera"))


EMPTY = ["/", "/events/", "/targets/", "/requests/", "/messages/", "/notifications/"]


@pytest.mark.parametrize("path", EMPTY)
def test_an_empty_site_says_what_to_do(observer: Client, path: str) -> None:
    page = observer.get(path)

    assert page.status_code == 200
    assert 'class="empty"' in page.text


@pytest.mark.parametrize("path", EMPTY)
def test_nobody_sees_a_page_before_the_login(client: Client, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/accounts/login/")
