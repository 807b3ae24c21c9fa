"""What every request passes."""

from urllib.parse import parse_qs, urlsplit

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


FETCHES = [
    # What a part fetches leads back to the page that it is part of.
    ("/?part=streams", {"HX-Request": "1", "HX-Current-URL": "http://testserver/?x=1"}, "/?x=1"),
    (
        "/targets/1/lightcurve.json",
        {"HX-Request": "1", "HX-Current-URL": "http://testserver/targets/1/"},
        "/targets/1/",
    ),
    ("/?part=streams", {"HX-Request": "1", "HX-Current-URL": "http://else.example/x/"}, "/"),
    ("/?part=streams", {"HX-Request": "1", "HX-Current-URL": "http://testserver//else/"}, "/"),
    ("/targets/1/lightcurve.json", {}, "/"),
    ("/events/S1/candidates.csv", {"Referer": "http://testserver/events/S1/"}, "/events/S1/"),
    ("/events/?kind=gw", {}, "/events/?kind=gw"),
]


@pytest.mark.parametrize(("address", "headers", "back"), FETCHES)
@pytest.mark.django_db
def test_the_login_leads_back_to_the_page_looked_at(client, address, headers, back):
    answer = client.get(address, headers=headers)

    login = answer.headers.get("HX-Redirect") or answer.headers["Location"]
    assert parse_qs(urlsplit(login).query)["next"] == [back]


@pytest.mark.django_db
def test_the_login_leads_back_from_a_form_to_its_page(client):
    headers = {"Referer": "http://testserver/targets/1/"}

    login = client.post("/targets/1/comment/", headers=headers).headers["Location"]

    assert parse_qs(urlsplit(login).query)["next"] == ["/targets/1/"]
