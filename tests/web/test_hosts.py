"""The panel "Host" and the API tell the galaxies that may be a target's host."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import make_observer, make_target
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tom.galaxies.association import find_hosts
from tom.galaxies.models import Catalogue, HostSearch
from tom.targets.redshifts import keep_redshift
from tom.web.hosts import found_hosts

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client):
    client.force_login(make_observer())
    return lambda target: client.get(f"/targets/{target.pk}/").content.decode()


def panel_of(text: str) -> str:
    """The words of the panel, one space apart."""
    panel = text.split('id="host"')[1].split("</section>")[0]
    words = [part.split(">", 1)[-1] for part in panel.split("<")]
    return " ".join(" ".join(words).split())


def test_the_panel_says_what_to_run_where_no_catalogue_is_loaded(page) -> None:
    assert "manage.py galaxies load" in panel_of(page(make_target()))


def test_a_target_that_is_no_candidate_has_its_hosts_searched_for_the_page(page) -> None:
    make_galaxy(make_catalogue("GLADE+"), "7", name="NGC 4993")
    target = make_target()

    told = panel_of(page(target))

    assert "NGC 4993 GLADE+" in told
    assert "Searched now." in told
    assert not HostSearch.objects.exists()


def test_a_search_for_the_page_finds_what_a_stored_one_finds() -> None:
    catalogue = make_catalogue()
    make_galaxy(catalogue, "7", b_magnitude=None, diameter_arcsec=None)
    make_galaxy(catalogue, "8", dec=-23.385, distance_mpc=45.0)
    target = make_target()
    keep_redshift(target.pk, 0.0098)

    now = found_hosts(target)
    find_hosts([target.pk])
    stored = found_hosts(target)

    assert now is not None
    assert stored is not None
    assert len(now.galaxies) == 2
    assert now.galaxies == stored.galaxies
    assert now.none_share == pytest.approx(stored.none_share)
    assert now.given_redshift == stored.given_redshift == 0.0098


def test_the_panel_says_that_no_galaxy_is_near(page) -> None:
    make_catalogue()
    target = make_target()
    find_hosts([target.pk])

    assert "No galaxy of the loaded catalogues is near." in panel_of(page(target))


def test_the_panel_tells_each_galaxy_none_and_what_to_cite(page) -> None:
    catalogue = make_catalogue("GLADE+")
    make_galaxy(catalogue, "7", name="NGC 4993")
    make_galaxy(catalogue, "8", dec=-23.39, b_magnitude=15.0, distance_mpc=None)
    target = make_target()
    keep_redshift(target.pk, 0.0098)
    find_hosts([target.pk])

    told = panel_of(page(target))

    assert "NGC 4993 GLADE+" in told
    assert "40.0 ± 3.8" in told
    assert "None of the listed galaxies" in told
    assert "By its redshift 0.0098." in told
    assert "us." in told


def test_the_panel_costs_one_query() -> None:
    make_galaxy(make_catalogue(), "7")
    target = make_target()
    find_hosts([target.pk])

    with CaptureQueriesContext(connection) as queries:
        assert found_hosts(target) is not None
    assert len(queries) == 1


def test_the_api_tells_the_hosts_of_a_target_and_null_without_a_catalogue() -> None:
    client = APIClient()
    client.force_authenticate(make_observer())
    target = make_target()
    address = f"/api/targets/{target.pk}/"

    before = client.get(address).json()["hosts"]
    catalogue = make_catalogue()
    make_galaxy(catalogue, "7", name="NGC 4993")
    assert client.get(address).json()["hosts"]["stored"] is None
    find_hosts([target.pk])
    after = client.get(address).json()["hosts"]
    Catalogue.objects.all().delete()
    unloaded = client.get(address).json()["hosts"]

    assert before is None
    (galaxy,) = after["galaxies"]
    assert (galaxy["name"], galaxy["citation"]) == ("NGC 4993", "us")
    assert galaxy["ratio"] == pytest.approx(0, abs=1e-3)
    assert galaxy["share"] + after["none_share"] == pytest.approx(1)
    assert unloaded["galaxies"][0] | {"citation": "us"} == galaxy
