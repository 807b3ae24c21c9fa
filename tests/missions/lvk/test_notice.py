"""What an alert says in the words of every mission's, and what of it is kept."""

from importlib import import_module

import pytest
from django.db import connection

from tests.factories import make_event, make_message, make_skymap
from tests.streams.packets import make_gwalert_json
from tom.events.models import NonLocalizedEvent
from tom.events.services import record_notice
from tom.missions.lvk import notice_of, read_json_notice
from tom.missions.lvk.alert import parse_gwalert_json
from tom.records.notice import Product
from tom.sky import write_skymap

EVENT = {
    "time": "2026-01-01T05:00:00.5Z",
    "far": 1e-9,
    "significant": True,
    "instruments": ["H1", "L1"],
    "pipeline": "gstlal",
    "search": "AllSky",
    "classification": {"BNS": 0.9},
    "properties": {"HasNS": 1.0},
}


def test_an_alert_s_maps_have_their_authors() -> None:
    fits = write_skymap(make_skymap())
    coincidence = {"observatory": "Other", "combined_skymap": fits}

    notice = read_json_notice(
        make_gwalert_json(event=EVENT | {"skymap": fits}, external_coinc=coincidence)
    )

    told = {(each.product, each.author) for each in notice.maps}
    assert told == {(Product.SKYMAP, "gstlal"), (Product.COMBINED, "LVK")}
    assert all(each.fits == fits for each in notice.maps)
    assert notice.position is None


@pytest.mark.django_db
def test_what_is_kept_of_an_alert_is_the_alert_without_its_maps() -> None:
    payload = make_gwalert_json(event=EVENT, external_coinc={"observatory": "Other"})
    alert = parse_gwalert_json(payload)

    event = record_notice(make_message(), notice_of(alert)).event

    kept = event.sequences.get().details
    whole = alert.model_copy(
        update={
            "event": alert.event.model_copy(update={"skymap": None}),
        }
    ).model_dump(mode="json", exclude={"left_out"})
    assert kept["event"].pop("time") == "2026-01-01T05:00:00.500000+00:00"
    del whole["event"]["time"], whole["event"]["skymap"]
    del whole["external_coinc"]["combined_skymap"]
    assert kept == whole


@pytest.mark.django_db
def test_a_retraction_says_nothing_of_the_event() -> None:
    retraction = read_json_notice(make_gwalert_json(alert_type="RETRACTION"))

    event = record_notice(make_message(), retraction).event

    assert event.sequences.get().details["event"] is None
    assert event.retracted


@pytest.mark.django_db
def test_an_event_of_before_names_were_kept_is_the_same_event() -> None:
    old = make_event("S260101a")
    NonLocalizedEvent.objects.update(names=[])
    with connection.cursor() as cursor:
        migration = import_module("tom.events.migrations.0008_own_names").Migration
        cursor.execute(migration.operations[0].sql)

    record_notice(make_message(), read_json_notice(make_gwalert_json(alert_type="UPDATE")))

    event = NonLocalizedEvent.objects.get()
    assert (event.pk, event.names) == (old.pk, ["S260101A"])
