"""What a query parameter cannot be is refused with the reason; nothing else is answered."""

import pytest
from django.test import Client

from tests.factories import make_observer, make_target

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


@pytest.mark.parametrize("address", ["/events/?page=abc", "/messages/?page=-1", "/?page=1e99"])
def test_a_page_shows_the_nearest_there_is(observer: Client, address: str) -> None:
    assert observer.get(address).status_code == 200
