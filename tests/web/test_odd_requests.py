"""No header, query, form, body or stored text ends in a failure, on any route."""

import json
import re
from copy import deepcopy
from functools import partial
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from tests import factories
from tests.web.routes import Route, all_routes
from tests.web.test_permission_walk import CHANGES, key_for, make_world
from tom.changes.heartbeat import beat
from tom.reports.notifications.models import Follow
from tom.web.addresses import looked_at
from tom.web.views.messages import show_payload

SENT = re.compile(r'\bname="([\w-]+)"')
TAKEN = re.compile(
    r'\b(?:(?:GET|POST|data|query)\.get(?:list)?\(|OpenApiParameter\(|request, )"([\w-]+)"'
)
ALSO_TAKEN = frozenset({"facility", "format", "lang", "limit", "offset"})
LONGEST_QUERY = 60_000


def names_taken() -> list[str]:
    """Every name of a value that a page sends or a view takes."""
    root = settings.BASE_DIR
    sent = {
        name for file in root.glob("templates/**/*.html") for name in SENT.findall(file.read_text())
    }
    taken = {
        name for file in root.glob("tom/web/**/*.py") for name in TAKEN.findall(file.read_text())
    }
    return sorted((sent | taken | ALSO_TAKEN) - {"csrfmiddlewaretoken"})


TEXTS = [
    *("\u0663", "\u00b2", "\r\nX-Odd: 1", "\ud800", "9" * 5000, "-1e999", "/../"),
    *("a" * 2_000, "\U0001f4a5\u202e\x01", ""),
]
HEADERS = [
    {"HTTP_REFERER": "http://[x"},
    {"HTTP_REFERER": "http://testserver]/", "HTTP_HX_REQUEST": "true"},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://[::"},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "%ff\xff", "HTTP_HX_TRIGGER": "\xe9"},
    {"HTTP_ACCEPT": "*/*;q=x, \xff/\xff;;=,", "HTTP_ACCEPT_LANGUAGE": "\xff-;q=9, xx-" + "x" * 900},
    {"HTTP_COOKIE": "sessionid=\xff; csrftoken=%00; messages=[\xfe"},
    {"HTTP_AUTHORIZATION": "Token \xff\xfe", "HTTP_RANGE": "bytes=x"},
    {"HTTP_IF_MODIFIED_SINCE": "yesterday", "HTTP_IF_NONE_MATCH": '"\xff'},
    {"HTTP_LAST_EVENT_ID": "\xb2", "CONTENT_LENGTH": "\xb2"},
    {"HTTP_X_FORWARDED_FOR": "not, an\xff, address", "HTTP_USER_AGENT": "\xff" * 500},
]
BODIES = [
    b"\xff\xfe\x00",
    b"null",
    b"[1]",
    b'{"target": "\\ud800", "facility": "\\u0000", "spec": NaN, "event": "\\ud800"}',
    b'{"target": 1e999, "facility": [], "instrument": {}, "spec": "x", "event": 7}',
    b'{"target": 1, "duplicate_of": -1}',
]
# `make test` sends each odd thing to one route in so many, `make soak` to all.
SHARE = 48
FORM = "application/x-www-form-urlencoded"


# In one process, which makes its rows once.
pytestmark = pytest.mark.xdist_group("odd")


@pytest.fixture(scope="module")
def made(module_rows):
    return make_world()


@pytest.fixture
def world(made, db):
    return deepcopy(made)


@pytest.fixture
def client_of_admin(world) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world["people"]["admin"])
    return client


@pytest.fixture
def addresses(world) -> list[str]:
    routes = [route for route in all_routes() if is_ours(route)]
    return [
        route.address({**world["values"], "pk": key_for(route, world["keys"])}) for route in routes
    ]


@pytest.fixture(params=[SHARE, pytest.param(1, marks=pytest.mark.soak)], ids=["share", "all"])
def share(request) -> int:
    """One route in so many gets each odd thing, so that each route gets some; 1: all get all."""
    return request.param


def is_ours(route: Route) -> bool:
    return route.name != CHANGES and not route.name.startswith(("admin", "mfa", "account_", "log"))


def failures(client: Client, calls) -> list[str]:
    """Make each call, undo it, and tell those that failed."""
    session = client.cookies["sessionid"].value
    failed = []
    for name, call in calls:
        cache.clear()
        beat()
        client.cookies["sessionid"] = session
        with transaction.atomic():
            status = call().status_code
            transaction.set_rollback(True)
        if status >= 500:
            failed.append(f"{name}: {status}")
    return failed


def odd_queries(text: str) -> list[str]:
    """Queries that give each name this text, none longer than a server takes."""
    pairs = [f"{name}={quote(text, errors='surrogatepass')}" for name in names_taken()]
    at_once = max(1, LONGEST_QUERY // max(map(len, pairs)))
    return ["&".join(pairs[first : first + at_once]) for first in range(0, len(pairs), at_once)]


@pytest.mark.parametrize("turn", range(len(TEXTS)), ids=lambda turn: ascii(TEXTS[turn][:12]))
def test_no_query_or_form_ends_in_a_failure(client_of_admin, addresses, share, turn):
    client, queries = client_of_admin, odd_queries(TEXTS[turn])
    form = "&".join(queries)
    calls = [
        call
        for address in addresses[turn % share :: share]
        for call in (
            *((f"GET {address}", partial(client.get, f"{address}?{query}")) for query in queries),
            (f"POST {address}", partial(client.post, address, form, content_type=FORM)),
        )
    ]

    assert failures(client, calls) == []


@pytest.mark.parametrize("turn", range(len(HEADERS)), ids=lambda turn: ascii(HEADERS[turn])[:50])
def test_no_header_ends_in_a_failure(client_of_admin, addresses, share, turn):
    client, headers = client_of_admin, HEADERS[turn]
    calls = [
        call
        for address in addresses[turn % share :: share]
        for call in (
            (f"GET {address}", lambda to=address: client.get(to, **headers)),
            (f"POST {address}", lambda to=address: client.post(to, {"x": "y"}, **headers)),
        )
    ]

    assert failures(client, calls) == []


@pytest.mark.parametrize("turn", range(len(BODIES)), ids=lambda turn: ascii(BODIES[turn][:20]))
def test_no_body_ends_in_a_failure(client_of_admin, addresses, share, turn):
    client, body = client_of_admin, BODIES[turn]
    calls = [
        (
            f"POST {kind} {address}",
            lambda to=address, of=kind: client.post(to, body, content_type=of),
        )
        for address in addresses[turn % share :: share]
        for kind in ("application/json", FORM, "multipart/form-data; boundary=x", "text/\xff")
    ]

    assert failures(client, calls) == []


@pytest.mark.parametrize(
    "path", ["%ff", "%ed%a0%80", "..", "%2e%2e", "a" * 3000, "%0d%0a", "\u0663"]
)
def test_no_name_in_an_address_ends_in_a_failure(client_of_admin, path):
    client = client_of_admin
    patterns = ("/events/{}/", "/api/events/{}/", "/targets/{}/", "/circulars/{}/", "/messages/{}/")
    calls = [(to, partial(client.get, to)) for to in (each.format(path) for each in patterns)]

    assert failures(client, calls) == []


STORED = [
    b'{"title": "\\ud800", "submitter": "\\udfff", "message_text": "\\u0000"}',
    '{"a": "\U0001f4a5"}'.encode() * 2,
    b"\xed\xa0\x80",
    ("x" * 19_999 + "\u20ac").encode(),
    b'{"a": ' + b"[" * 5000,
    b'["' + b"9" * 6000 + b'"]',
    b"9" * 6000,
]


@pytest.mark.django_db
@pytest.mark.parametrize("payload", STORED, ids=lambda payload: ascii(payload[:20]))
def test_a_message_has_a_page_whatever_its_text(client, payload):
    client.force_login(factories.make_observer())
    message = factories.make_message(payload, topic="hermes.test", kind="hermes")

    assert client.get(f"/messages/{message.pk}/").status_code == 200


def test_the_beginning_of_a_long_text_may_end_within_a_character():
    shown = show_payload(("x" * 19_999 + "\u20ac" * 3).encode())

    assert shown == "x" * 19_999


@pytest.mark.django_db
def test_a_target_is_followed_by_its_key_as_it_is_written(client):
    client.force_login(factories.make_observer())
    target = factories.make_target()
    follows = Follow.objects.all()

    for value in (f"0{target.pk}", chr(0x660 + target.pk % 10), "\u0663", "\u00b2"):
        client.post("/follow/", {"kind": "target", "value": value})
    assert not follows.exists()

    client.post("/follow/", {"kind": "target", "value": str(target.pk)})
    assert follows.get().value == str(target.pk)


@pytest.mark.parametrize(
    "referer", ["http://[x", "http://[::", "//", "\xff", "http://testserver:x/"]
)
def test_a_page_that_is_no_address_is_not_known(rf, referer):
    request = rf.get("/targets/1/lightcurve.json", headers={"Referer": referer})

    assert looked_at(request) == ""


@pytest.mark.django_db
def test_the_schema_names_no_version_that_a_request_names(client):
    client.force_login(factories.make_observer())

    answer = client.get("/api/schema/?version=%0d%0aX-Odd:%201")

    assert answer.status_code == 400
    assert "X-Odd" not in str(answer.headers)
    assert json.loads(answer.content).keys() == {"version"}
