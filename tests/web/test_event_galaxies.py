"""The page of an event's galaxies, its CSV and the API."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import make_event, make_observer
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tom.events.models import NonLocalizedEvent
from tom.events.preparing import prepare_map

pytestmark = pytest.mark.django_db
ADDRESS = "/events/S261120ab/galaxies"


@pytest.fixture
def event() -> NonLocalizedEvent:
    return make_event("S261120ab")


@pytest.fixture
def listed(event: NonLocalizedEvent) -> NonLocalizedEvent:
    """An event whose list has two galaxies."""
    catalogue = make_catalogue()
    make_galaxy(catalogue, "7", name="NGC 4993")
    make_galaxy(catalogue, "8", name="=cmd()", dec=-24.0, b_magnitude=None)
    prepare_map(event)
    return event


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(make_observer())
    return client


def test_without_a_catalogue_the_page_says_how_to_load_one(observer, event) -> None:
    text = observer.get(f"{ADDRESS}/").text

    assert "No catalogue of galaxies is loaded" in text
    assert "manage.py galaxies load" in text


def test_without_a_map_the_page_says_so(observer) -> None:
    make_event("S261120no", localized=False)

    assert "No sky map has come" in observer.get("/events/S261120no/galaxies/").text


def test_a_list_that_is_due_is_said_to_be_ranked(observer, event) -> None:
    make_galaxy(make_catalogue(), "7")

    assert "being ranked" in observer.get(f"{ADDRESS}/").text
    prepare_map(event)
    assert "being ranked" not in observer.get(f"{ADDRESS}/").text


def test_a_region_without_a_galaxy_is_said_to_have_none(observer, event) -> None:
    make_catalogue()
    prepare_map(event)

    assert "have no galaxy in this map" in observer.get(f"{ADDRESS}/").text


def test_the_table_has_each_part_of_the_rank_and_the_sites(observer, listed) -> None:
    text = " ".join(observer.get(f"{ADDRESS}/").text.split())

    assert text.index("NGC 4993") < text.index("=cmd()")
    assert "40 ± 4" in text
    assert "0.0 &sigma;" in text
    assert "us." in text


def test_the_site_filter_keeps_what_can_be_observed_there(observer, listed) -> None:
    api = observer.get(f"/api{ADDRESS}/").json()

    for site in ("Siding Spring", "Haleakala", "McDonald", "Cerro Tololo"):
        filtered = observer.get(f"/api{ADDRESS}/?site={site}").json()["galaxies"]
        expected = [row["rank"] for row in api["galaxies"] if site in row["tonight"]]
        assert [row["rank"] for row in filtered] == expected
        text = observer.get(f"{ADDRESS}/?site={site}").text
        assert ("NGC 4993" in text) == (1 in expected)


def test_the_csv_has_the_numbers_and_no_formula(observer, listed) -> None:
    answer = observer.get(f"{ADDRESS}.csv")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer["Content-Disposition"] == 'attachment; filename="S261120ab-galaxies.csv"'
    assert [row["name"] for row in rows] == ["NGC 4993", "'=cmd()"]
    assert float(rows[0]["distance_mpc"]) == 40
    assert rows[1]["b_magnitude"] == ""
    assert "hours tonight at Siding Spring" in rows[0]


def test_the_api_tells_the_state_and_the_shares(event) -> None:
    client = APIClient()
    client.force_authenticate(make_observer())
    address = f"/api{ADDRESS}/"

    before = client.get(address).json()
    make_galaxy(make_catalogue(), "7", name="NGC 4993")
    due = client.get(address).json()
    prepare_map(event)
    after = client.get(address).json()

    assert (before["state"], before["galaxies"]) == ("no catalogue", [])
    assert due["state"] == "being ranked"
    assert after["state"] == "ranked"
    (row,) = after["galaxies"]
    assert row["share"] + after["none_share"] == pytest.approx(1)
    assert client.get(f"{address}?site=Atlantis").status_code == 400


def test_the_page_asks_as_often_for_many_galaxies_as_for_one(observer, event) -> None:
    catalogue = make_catalogue()
    make_galaxy(catalogue, "0")
    prepare_map(event)
    with CaptureQueriesContext(connection) as one:
        observer.get(f"{ADDRESS}/")
    for number in range(1, 60):
        make_galaxy(catalogue, str(number), ra=197.0 + number / 60)
    make_catalogue("another")
    prepare_map(event)

    with CaptureQueriesContext(connection) as sixty:
        text = observer.get(f"{ADDRESS}/").text

    assert text.count("data-row") == 50
    assert len(sixty) == len(one)
