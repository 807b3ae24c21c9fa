"""Instruments as the portal lists them, kept until it is asked again."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from tests.peers.ocs_answers import Trouble, portal_in_trouble
from tom.followup.facilities import get_facility
from tom.followup.models import FacilityWatch
from tom.followup.services import due_listings, list_instruments

pytestmark = pytest.mark.django_db
SINISTRO, FLOYDS = "1M0-SCICAM-SINISTRO", "2M0-FLOYDS-SCICAM"


@pytest.fixture
def trouble(settings: Settings) -> Iterator[Trouble]:
    with portal_in_trouble() as server:
        settings.OCS_PORTAL_URL, settings.OCS_API_TOKEN = server.url, "a-token"
        settings.OCS_PROPOSAL, settings.OCS_PRACTICE = "TOM-001", True
        yield server


def listed(*codes: str, schedulable: bool = True) -> dict[str, object]:
    filters = [{"code": code, "schedulable": schedulable} for code in codes]
    return {"class": "1m0", "optical_elements": {"filters": filters}}


def offered() -> dict[str, tuple[str, ...]]:
    return {each.name: each.elements for each in get_facility("LCO").instruments()}


def test_until_the_portal_was_asked_the_instruments_are_those_that_we_know(
    trouble: Trouble,
) -> None:
    assert set(offered()) == {SINISTRO, FLOYDS}
    assert not trouble.calls  # no page waits for a portal


def test_what_the_portal_lists_is_offered_and_nothing_else(trouble: Trouble) -> None:
    trouble.say(200, {SINISTRO: listed("B", "rp", "gp"), "OTHER": listed("V")})

    assert list_instruments("LCO", timezone.now())

    assert offered() == {SINISTRO: ("gp", "rp", "B")}


def test_an_element_that_cannot_be_scheduled_is_not_offered(trouble: Trouble) -> None:
    row = listed("gp", "rp")
    row["optical_elements"]["filters"][0]["schedulable"] = False
    trouble.say(200, {SINISTRO: row})

    list_instruments("LCO", timezone.now())

    assert offered() == {SINISTRO: ("rp",)}


@pytest.mark.parametrize(
    "odd", [{}, {"optical_elements": []}, {"optical_elements": {"filters": "B"}}]
)
def test_an_instrument_whose_elements_cannot_be_read_keeps_ours(
    trouble: Trouble, odd: dict[str, object]
) -> None:
    trouble.say(200, {SINISTRO: odd})

    list_instruments("LCO", timezone.now())

    assert offered() == {SINISTRO: ("gp", "rp", "ip", "zs")}


@pytest.mark.parametrize(("status", "body"), [(503, None), (200, []), (200, b"<html>")])
def test_a_portal_that_lists_nothing_leaves_what_it_listed_before(
    trouble: Trouble, status: int, body: object
) -> None:
    now = timezone.now()
    trouble.say(200, {SINISTRO: listed("B")})
    list_instruments("LCO", now)
    trouble.say(status, body)

    assert not list_instruments("LCO", now + timedelta(days=1))

    assert offered() == {SINISTRO: ("B",)}


def test_each_portal_facility_is_asked_some_times_a_day(trouble: Trouble) -> None:
    now = timezone.now()
    first = due_listings(now)
    trouble.say(200, {SINISTRO: listed("B")})
    list_instruments("LCO", now)
    calls = len(trouble.calls)
    list_instruments("LCO", now)  # a second worker

    assert first == ["BLANCO", "LCO", "SOAR"]
    assert due_listings(now) == ["BLANCO", "SOAR"]
    assert len(trouble.calls) == calls
    assert "LCO" in due_listings(now + timedelta(hours=7))


def test_one_that_did_not_answer_is_asked_again_in_minutes(trouble: Trouble) -> None:
    now = timezone.now()
    trouble.say(503)
    list_instruments("LCO", now)

    assert "LCO" not in due_listings(now + timedelta(minutes=5))
    assert "LCO" in due_listings(now + timedelta(minutes=11))
    assert FacilityWatch.objects.get(facility="LCO").listing == {}


def test_without_a_portal_nobody_is_asked() -> None:
    assert due_listings(timezone.now()) == []
