"""What every route of the API has in common."""

import json

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from tests.factories import make_event, make_target, make_user
from tom.web.api.renderers import FiniteJSONRenderer
from tom.web.tokens import renew_token

ROUTES = ("events", "targets", "requests", "messages", "schema")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.django_db
def test_nobody_reads_without_a_token(anonymous, route):
    response = anonymous.get(f"/api/{route}/")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"
    assert "detail" in response.json()


@pytest.mark.django_db
def test_a_wrong_token_and_one_that_was_replaced_open_nothing():
    user = make_user()
    old = renew_token(user)
    new = renew_token(user)
    said = [
        APIClient().get("/api/events/", headers={"authorization": f"Token {key}"}).status_code
        for key in ("no token", "0" * 40, old, new)
    ]

    assert said == [401, 401, 401, 200]


@pytest.mark.django_db
def test_a_session_writes_only_with_a_csrf_token():
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user())

    assert client.get("/api/events/").status_code == 200
    assert client.post("/api/requests/", {}).status_code == 403


@pytest.mark.django_db
def test_an_unknown_route_is_a_404_in_json(plain):
    response = plain.get("/api/nothing/here/")

    assert response.status_code == 404
    assert response.json() == {"detail": "Not found."}


@pytest.mark.django_db
def test_one_page_holds_a_thousand_rows_at_most(plain):
    found = plain.get("/api/events/?limit=1000000")

    assert found.status_code == 200
    assert found.renderer_context["view"].paginator.limit == 1000


@pytest.mark.django_db
def test_a_user_is_throttled(plain, settings, monkeypatch):
    from rest_framework.throttling import UserRateThrottle

    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "3/min"})

    said = [plain.get("/api/events/").status_code for _ in range(4)]

    assert said == [200, 200, 200, 429]


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"null", b"\xff", b'{"target": {"a": []}}', b"[" * 10_000]
)
@pytest.mark.django_db
def test_a_body_that_is_no_request_is_a_400(observer, body):
    response = observer.post("/api/requests/", body, content_type="application/json")

    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"


@pytest.mark.django_db
def test_a_body_that_is_too_large_is_refused(observer):
    body = json.dumps({"spec": {"note": "x" * 3_000_000}}).encode()

    response = observer.post("/api/requests/", body, content_type="application/json")

    assert response.status_code in {400, 413}


@pytest.mark.parametrize(
    "address",
    [
        "/api/events/%00/",
        "/api/targets/?name=%00",
        "/api/messages/?topic=%00",
        "/api/events/?a=%00",
    ],
)
@pytest.mark.django_db
def test_a_null_character_is_a_400(observer, address):
    assert observer.get(address).status_code == 400


@pytest.mark.parametrize("pk", [0, 2**31, 2**63, 10**30])
@pytest.mark.django_db
def test_a_key_past_the_database_s_range_is_a_404(observer, pk):
    for route in (f"targets/{pk}", f"targets/{pk}/lightcurve", f"requests/{pk}", f"messages/{pk}"):
        assert observer.get(f"/api/{route}/").status_code == 404


@pytest.mark.django_db
def test_the_schema_is_valid_and_names_every_route(plain, tmp_path):
    make_event()
    make_target()
    out = tmp_path / "schema.yml"

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(out))
    told = plain.get("/api/schema/").json()

    assert told["paths"].keys() >= {
        "/api/events/",
        "/api/events/{event_id}/",
        "/api/events/{event_id}/candidates/",
        "/api/targets/",
        "/api/targets/{id}/lightcurve/",
        "/api/targets/{id}/scores/",
        "/api/requests/",
        "/api/requests/{id}/cancel/",
        "/api/messages/",
        "/api/messages/{id}/replay/",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_whatever_is_told_is_json_to_the_letter(data):
    def refuse(name):
        raise AssertionError(name)

    json.loads(FiniteJSONRenderer().render(data) or b"null", parse_constant=refuse)
