"""A forgotten password: a link by mail that works once, or whom to ask."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.test import Client

from tests.factories import PASSWORD, make_admin, make_user
from tests.web.team import entered
from tom.web.tokens import renew_token

pytestmark = pytest.mark.django_db
PHRASE = "three merging stars 9"
ASK = "/accounts/password/reset/"
# A page shows the present time.
CLOCK = re.compile(r"\d\d:\d\d:\d\d")
BOTH = {"password1": PHRASE, "password2": PHRASE}


@pytest.fixture(autouse=True)
def nobody_has_tried():
    cache.clear()


@pytest.fixture
def with_mail(settings):
    settings.EMAIL_CONFIG = {"EMAIL_HOST": "mail.example"}


@pytest.fixture
def vera(db) -> User:
    return with_address("vera", "Vera@Example.org")


def with_address(name: str, email: str) -> User:
    person = make_user(name)
    person.email = email
    person.save()
    return person


def link_sent() -> str:
    found = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def logs_in(password: str) -> bool:
    client = Client()
    client.post("/accounts/login/", {"login": "vera", "password": password})
    return client.get("/account/").status_code == 200


def test_a_link_comes_by_mail_and_sets_a_new_password_once(with_mail, client, vera):
    session, token = entered(vera), renew_token(vera)
    told = client.get("/accounts/login/").text

    client.post(ASK, {"email": "vera@example.org"})
    page = client.get(link_sent(), follow=True)
    client.post(page.redirect_chain[-1][0], BOTH)

    assert f'href="{ASK}"' in told
    message = mail.outbox[0]
    assert (message.subject, message.to) == ("Counterpart: A new password", ["vera@example.org"])
    assert "account vera" in message.body
    assert "example.com" not in message.body
    assert (logs_in(PHRASE), logs_in(PASSWORD)) == (True, False)
    assert session.get("/account/").status_code == 302
    headers = {"authorization": f"Token {token}"}
    assert Client().get("/api/events/", headers=headers).status_code == 401
    assert "does not work" in Client().get(link_sent(), follow=True).text


@pytest.mark.parametrize("email", ["nobody@example.org", "off@example.org", "", "no address"])
def test_nobody_learns_who_has_an_account(with_mail, client, vera, email):
    off = with_address("off", "off@example.org")
    User.objects.filter(pk=off.pk).update(is_active=False)

    known = client.post(ASK, {"email": "vera@example.org"}, follow=True)
    other = client.post(ASK, {"email": email}, follow=True)

    assert len(mail.outbox) == 1
    assert other.status_code == 200
    texts = {CLOCK.sub("", answer.text) for answer in (known, other)}
    assert (len(texts) == 1) == ("@" in email)


@pytest.mark.parametrize(
    "key", ["1-1", "zzzzzzzzzzzz-1", "9" * 40 + "-1", "0-set-password", "1-%F0%9F%92%A5"]
)
def test_a_link_that_is_none_sets_nothing(client, vera, key):
    address = f"{ASK}key/{key}/"

    answers = [client.get(address, follow=True), client.post(address, BOTH, follow=True)]

    assert all("does not work" in answer.text for answer in answers)
    assert logs_in(PASSWORD)


def test_a_weak_password_is_refused_with_why(with_mail, client, vera):
    client.post(ASK, {"email": "vera@example.org"})
    page = client.get(link_sent(), follow=True)

    told = client.post(page.redirect_chain[-1][0], {"password1": "1234", "password2": "1234"}).text

    assert "too short" in told
    assert logs_in(PASSWORD)


def test_without_mail_it_is_said_whom_to_ask(client, vera):
    told = client.get(ASK).text
    client.post(ASK, {"email": "vera@example.org"})
    person = entered(make_admin("ada")).get(f"/team/people/{vera.pk}/").text

    assert "Ask an administrator" in told
    assert mail.outbox == []
    assert f"/admin/auth/user/{vera.pk}/password/" in person
