"""Alarms by the API."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from tests.reports.alarms.conftest import make_contact, make_rule, make_step
from tom.reports.alarms.alarms import raise_alarm, send_alarm, try_contact
from tom.reports.alarms.models import Alarm

pytestmark = pytest.mark.django_db


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("ada"))
    return client


def make_alarm(event_id: str) -> Alarm:
    alarm = raise_alarm(factories.make_event(event_id, time_created=timezone.now()))
    assert alarm is not None
    send_alarm(alarm, now=timezone.now())
    return alarm


def test_alarms_are_listed_with_their_sends_and_without_an_address(observer: Client) -> None:
    make_step(make_rule("near"), make_contact(None, address="secret@example.org"))
    alarm = make_alarm("S261120ab")

    row = observer.get(f"/api/alarms/{alarm.pk}/").json()

    assert (row["event"], row["rule"], row["step"]) == ("S261120ab", "near", 1)
    assert (row["answered_by"], row["answered"]) == (None, None)
    assert [(each["reaches"], each["channel"]) for each in row["sends"]] == [
        ("the team: email of team", "email")
    ]
    assert "secret@example.org" not in observer.get("/api/alarms/").text


def test_an_answer_counts_for_all_alarms_of_the_event_and_the_first_one_stays(
    observer: Client,
) -> None:
    first, second = make_alarm("S261120ab"), make_alarm("S261120ac")
    trial = try_contact(make_contact(None), by=factories.make_observer())

    answered = observer.post(f"/api/alarms/{first.pk}/answer/")

    assert answered.status_code == 200
    assert answered.json()["answered_by"] == "ada"
    open_ones = observer.get("/api/alarms/?unanswered").json()["results"]
    assert [row["id"] for row in open_ones] == [second.pk]
    assert len(observer.get("/api/alarms/").json()["results"]) == 3
    observer.force_login(factories.make_observer("bob"))
    assert observer.post(f"/api/alarms/{first.pk}/answer/").json()["answered_by"] == "ada"
    assert observer.post(f"/api/alarms/{trial.pk}/answer/").status_code == 404


def test_the_list_costs_the_same_queries_however_many_there_are(observer: Client) -> None:
    counts = []
    for letters in ("b", "cdef"):
        for letter in letters:
            make_alarm(f"S261120a{letter}")
        with CaptureQueriesContext(connection) as asked:
            observer.get("/api/alarms/")
        counts.append(len(asked))

    assert counts[0] == counts[1]
