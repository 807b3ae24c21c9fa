"""An event whose messages brought no sky map has a page and raises an alarm like any other."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests import factories
from tests.streams.packets import make_gwalert_json
from tom import intake
from tom.events.localizations import chosen_localization
from tom.events.models import NonLocalizedEvent
from tom.reports.alarms.models import Alarm
from tom.sky import write_skymap
from tom.streams.services import store_message

pytestmark = pytest.mark.django_db


def work(kind: str, *, minutes_ago: float, **values: object) -> None:
    time = (timezone.now() - timedelta(minutes=minutes_ago)).isoformat()
    event = None if kind == "RETRACTION" else {"time": time, **values}
    payload = make_gwalert_json(alert_type=kind, time_created=time, event=event)
    message, _ = store_message("igwn.gwalert", payload)
    intake.work_message(message.pk)


def test_a_significant_event_without_a_map_has_a_page_and_raises_an_alarm(client):
    client.force_login(factories.make_observer())
    work("PRELIMINARY", minutes_ago=5, skymap=None)

    pages = [client.get(path) for path in ("/", "/events/", "/events/S260101a/")]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "candidates are the targets in its region" in pages[-1].text
    assert "within the 90% region" not in pages[-1].text
    assert Alarm.objects.get().cause == "significant"


def test_a_retraction_that_comes_first_has_a_page_and_is_paged(client):
    client.force_login(factories.make_observer())
    work("RETRACTION", minutes_ago=5)

    pages = [client.get(path) for path in ("/", "/events/", "/events/S260101a/")]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "Retracted" in pages[-1].text
    assert Alarm.objects.get().cause == "retraction"


def test_a_time_that_is_not_known_has_no_unit(client):
    client.force_login(factories.make_observer())
    work("RETRACTION", minutes_ago=5)

    assert "\u2013 UTC" not in client.get("/events/S260101a/").text


def test_an_update_without_a_map_leaves_the_map_that_came(client):

    work("PRELIMINARY", minutes_ago=9, skymap=write_skymap(factories.make_skymap()))
    work("UPDATE", minutes_ago=3, skymap=None)

    event = NonLocalizedEvent.objects.get()

    assert event.alert_type == "UPDATE"
    assert chosen_localization(event) is not None
