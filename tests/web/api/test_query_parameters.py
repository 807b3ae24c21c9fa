"""What a query parameter cannot be is refused with the reason; nothing else is answered."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from tests.factories import make_event, make_observer, make_target
from tom.shifts.models import Shift
from tom.web.api.parameters import known_parameters
from tom.web.api.urls import urlpatterns

pytestmark = pytest.mark.django_db

WRONG = [
    *(f"/api/events/?limit={value}" for value in ("abc", "-1", "0", "", "1.5", "٣", "9" * 5000)),
    *(f"/api/events/?offset={value}" for value in ("abc", "-1", "1e3", "9" * 19)),
    *(f"/api/targets/?ra={ra}&dec=0&radius_arcsec=1" for ra in ("999", "nan", "x", "-1e400", "")),
    *(f"/api/targets/?ra=1&dec={dec}&radius_arcsec=1" for dec in ("91", "-999", "inf", "x")),
    *(
        f"/api/targets/?ra=1&dec=1&radius_arcsec={size}"
        for size in ("-1", "1e9", "nan", "1_0", "x")
    ),
    *("/api/targets/?ra=1", "/api/events/?kind=xx", "/api/events/?kind="),
    *("/api/messages/?state=gone", "/api/requests/?state=gone"),
    *("/api/alarms/?unanswered=maybe", "/api/shifts/?now=x"),
]


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(make_observer())
    return client


def test_what_a_query_parameter_cannot_be_is_refused_with_the_reason(observer: Client) -> None:
    answers = {address: observer.get(address) for address in WRONG}

    assert {address[:60]: answer.status_code for address, answer in answers.items()} == {
        address[:60]: 400 for address in WRONG
    }
    assert all(answer.json() for answer in answers.values())


def test_a_light_curve_refuses_them_too(observer: Client) -> None:
    target = make_target()

    assert observer.get(f"/api/targets/{target.pk}/lightcurve/?limit=x").json() == {
        "limit": ["a whole number from 1 on"]
    }


def test_a_parameter_that_is_not_known_is_refused_with_those_that_are(observer: Client) -> None:
    answer = observer.get("/api/requests/?sate=failed&limit=5&format=json")

    assert answer.status_code == 400
    assert answer.json() == {
        "sate": ["no parameter of this address; known here: limit, offset, state"]
    }
    assert observer.post("/api/requests/?state=failed").json()["state"]


def test_a_page_that_knows_no_parameter_says_so(observer: Client) -> None:
    answer = observer.get(f"/api/targets/{make_target().pk}/?limit=5")

    assert answer.json() == {"limit": ["no parameter of this address; none is known here"]}


def test_what_is_asked_of_the_efficiency_is_known_or_refused(observer: Client) -> None:
    path = f"/api/events/{make_event().event_id}/efficiency/"

    assert observer.get(path, {"status": "planned", "days": "3"}).status_code == 200
    assert observer.get(path, {"status": "plannd"}).status_code == 400
    assert observer.get(path, {"days": "2"}).status_code == 400


@pytest.mark.parametrize(("value", "n_shown"), [("", 0), ("true", 0), ("1", 0), ("false", 1)])
def test_a_flag_is_on_unless_it_says_no(observer: Client, value: str, n_shown: int) -> None:
    end = timezone.now() - timedelta(hours=3)
    Shift.objects.create(person=make_observer("bob"), start=end - timedelta(hours=8), end=end)

    assert len(observer.get(f"/api/shifts/?now={value}").json()["results"]) == n_shown


def test_no_route_and_a_wrong_method_are_told_as_such(observer: Client) -> None:
    assert observer.get("/api/nothing/?kind=gw").status_code == 404
    assert observer.delete("/api/events/?kind=gw").status_code == 405


def test_what_is_known_is_what_the_schema_says() -> None:
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    told = {
        (_plain(path), method.upper()): {
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"
        }
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    views = {
        _plain(f"/api/{route.pattern}"): route.callback.cls
        for route in urlpatterns
        if hasattr(route.callback, "cls")
    }

    assert len(told) > 40
    assert {asked: set(known_parameters(views[asked[0]], asked[1]) or ()) for asked in told} == told


def _plain(path: str) -> str:
    """A path without the names of what stands in it."""
    return re.sub(r"[<{][^>}]*[>}]", "*", path)


@pytest.mark.parametrize("address", ["/events/?page=abc", "/messages/?page=-1", "/?page=1e99"])
def test_a_page_shows_the_nearest_there_is(observer: Client, address: str) -> None:
    assert observer.get(address).status_code == 200
