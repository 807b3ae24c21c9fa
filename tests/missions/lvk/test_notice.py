"""What an alert says in the words of every mission's, and what of it is kept."""

from datetime import UTC, datetime
from importlib import import_module

import pytest
from django.db import connection

from tests.factories import make_event, make_message, make_skymap
from tests.streams.packets import make_gwalert_avro, make_gwalert_json
from tom.events.models import NonLocalizedEvent
from tom.events.services import record_notice
from tom.forms.event_names import find_names
from tom.missions.lvk import notice_of, read_avro_notice, read_json_notice
from tom.missions.lvk.alert import parse_gwalert_json
from tom.records.notice import NoticeType, Product
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


def test_every_fact_of_an_alert_is_passed_on() -> None:
    payload = make_gwalert_json(
        event=EVENT | {"far": -1.0}, superevent_id="MS260101a", alert_type="UPDATE"
    )

    notice = read_json_notice(payload)

    assert (notice.sender, notice.kind, notice.names) == ("LVK", "gw", ("MS260101a",))
    assert notice.type is NoticeType.UPDATE
    assert notice.event_time == datetime(2026, 1, 1, 5, 0, 0, 500_000, tzinfo=UTC)
    assert (notice.significant, notice.far) == (True, None)
    assert notice.classification == {"BNS": 0.9}
    assert notice.properties == {"HasNS": 1.0}
    assert notice.instruments == ("H1", "L1")
    assert notice.test_reasons == ("the id MS260101a begins with M or T",)
    assert notice.left_out == ("event.far -1.0 (negative)",)
    assert notice.facts["urls"]
    assert "skymap" not in notice.facts["event"]


def test_avro_and_json_say_the_same_notice() -> None:
    assert read_avro_notice(make_gwalert_avro()) == read_json_notice(make_gwalert_json())


def test_an_alert_without_an_id_or_a_pipeline_has_no_name_and_a_map_of_nobody_s() -> None:
    notice = read_json_notice(make_gwalert_json(superevent_id=None, event={"pipeline": None}))

    assert notice.names == ()
    assert [each.author for each in notice.maps] == [""]


def test_an_alert_without_maps_brings_none() -> None:
    assert read_json_notice(make_gwalert_json(event={"skymap": None})).maps == ()
    assert read_json_notice(make_gwalert_json(alert_type="RETRACTION")).maps == ()


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
    assert kept["event"].pop("kind") == "gw"
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


PLAYGROUND = {"gracedb": "https://gracedb-playground.ligo.org/superevents/S2468/view/"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "topic"),
    [
        ({"urls": PLAYGROUND}, "igwn.gwalert"),
        ({"alert_tense": "test"}, "igwn.gwalert"),
        ({}, "igwn.gwalert-playground"),
    ],
)
def test_a_test_has_not_the_name_of_a_live_event(values: dict[str, object], topic: str) -> None:
    """Its numbers are given anew on each server, so that a live event may have the same one."""
    for kind, said, on in (
        ("PRELIMINARY", values, topic),
        ("PRELIMINARY", {}, "igwn.gwalert"),
        ("RETRACTION", values, topic),
    ):
        payload = make_gwalert_json(superevent_id="S2468", alert_type=kind, **said)
        message = make_message(payload=payload, topic=on)
        record_notice(message, notice_of(parse_gwalert_json(payload)))

    test, live = NonLocalizedEvent.objects.order_by("pk")
    assert (test.event_id, bool(test.test_reasons), test.retracted) == ("S2468-test", True, True)
    assert (live.event_id, live.is_live, live.sequences.count()) == ("S2468", True, 1)


def test_a_number_of_the_newest_form_is_found_in_a_text() -> None:
    assert find_names("LIGO/Virgo/KAGRA S2468: a candidate, S190425 and S24687a") == ["S2468"]
