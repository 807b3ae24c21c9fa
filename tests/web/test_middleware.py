"""What every request passes."""

import pytest

from tests.factories import make_observer, make_target


@pytest.fixture
def client_in(client, db):
    client.force_login(make_observer())
    return client


@pytest.mark.parametrize("address", ["/events/%00/", "/targets/?q=a%00b", "/messages/?topic=%00"])
def test_an_address_with_a_null_character_is_refused(client_in, address):
    assert client_in.get(address).status_code == 400


def test_a_form_with_a_null_character_is_refused(client_in):
    address = f"/targets/{make_target().pk}/comment/"

    assert client_in.post(address, {"comment": "a\x00b"}).status_code == 400
    assert client_in.post(address, {"comment": "ab"}).status_code == 302


@pytest.mark.parametrize("page", ["/accounts/login/", "/", "/nothing/", "/api/events/", "/health/"])
def test_every_answer_has_the_security_headers(client_in, page):
    headers = client_in.get(page).headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert "script-src" not in policy or "unsafe-inline" not in policy["script-src"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
