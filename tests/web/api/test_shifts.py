"""Shifts and claims by the API."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.reports.alarms.conftest import make_shift
from tom.shifts.models import Claim, Shift

pytestmark = pytest.mark.django_db


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("ada"))
    return client


def test_who_is_on_shift_is_listed_and_a_shift_is_added(observer: Client) -> None:
    make_shift(factories.make_observer("bob"))
    now = timezone.now()
    given = {
        "start": (now + timedelta(hours=9)).isoformat(),
        "end": (now + timedelta(hours=12)).isoformat(),
    }

    added = observer.post("/api/shifts/", given, "application/json")
    again = observer.post("/api/shifts/", given, "application/json")

    assert added.status_code == 201
    assert added.json()["person"] == "ada"
    assert again.status_code == 400
    assert "ada has a shift" in again.text
    people = [
        [row["person"] for row in observer.get(address).json()["results"]]
        for address in ("/api/shifts/?now", "/api/shifts/")
    ]
    assert people == [["bob"], ["bob", "ada"]]
    assert Shift.objects.count() == 2


def test_a_target_is_claimed_taken_and_released(observer: Client) -> None:
    target = factories.make_target()
    address = f"/api/targets/{target.pk}/claim/"
    other = Client()
    other.force_login(factories.make_observer("bob"))

    assert observer.get(address).status_code == 204
    assert observer.post(address).json()["by"] == "ada"
    refused = other.post(address)
    assert (refused.status_code, refused.json()["detail"]) == (409, "ada has this one.")
    assert other.delete(address).status_code == 409
    assert other.post(f"{address}?take").json()["by"] == "bob"
    assert [row["by"] for row in observer.get("/api/claims/").json()["results"]] == ["bob"]
    assert other.delete(address).status_code == 204
    assert not Claim.objects.filter(released=None).exists()


def test_a_private_target_cannot_be_claimed_and_its_claim_is_not_listed(observer: Client) -> None:
    group = factories.make_group()
    hidden = factories.make_target(private=True, owners=[group])
    member = Client()
    member.force_login(factories.make_observer(groups=[group]))
    member.post(f"/api/targets/{hidden.pk}/claim/")

    assert observer.post(f"/api/targets/{hidden.pk}/claim/").status_code == 404
    assert observer.get("/api/claims/").json()["results"] == []
    assert len(member.get("/api/claims/").json()["results"]) == 1
