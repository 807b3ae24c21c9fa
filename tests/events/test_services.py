"""Circulars and alerts find each other, whichever comes first."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.connections import WAIT_SECONDS, begin
from tests.factories import make_message, make_skymap, make_user
from tests.streams.packets import make_circular, make_gwalert_json
from tom.changes.models import Change
from tom.events.circulars import record_circular
from tom.events.localizations import chosen_localization
from tom.events.models import Circular, NonLocalizedEvent
from tom.events.services import record_notice, set_aside
from tom.forms.circular import parse_circular
from tom.missions.lvk import read_json_notice
from tom.records.notice import NoticeMap, NoticeType, Product
from tom.sky import cone_localization, write_skymap

pytestmark = pytest.mark.django_db

NAME = "S260101a"


def send_alert() -> None:
    event = {"skymap": write_skymap(make_skymap())}
    alert = read_json_notice(make_gwalert_json(superevent_id=NAME, event=event))
    record_notice(make_message(), alert)


def send_circular(name: str, number: int = 1, version: int = 1) -> None:
    circular = parse_circular(make_circular(circularId=number, eventId=name, version=version))
    record_circular(make_message(topic="gcn.circulars"), circular)


@pytest.mark.parametrize("name", [NAME, f"LIGO/Virgo/KAGRA {NAME}", f"LIGO/Virgo {NAME} "])
def test_a_circular_that_came_before_its_event_is_linked_with_it(name: str) -> None:
    send_circular(name)
    send_circular(f"{NAME}b", number=2)

    send_alert()

    linked = Circular.objects.filter(event__event_id=NAME)
    assert list(linked.values_list("circular_id", flat=True)) == [1]


def test_an_edit_that_first_names_an_event_shows_on_its_page() -> None:
    send_alert()
    send_circular("")
    Change.objects.all().delete()

    send_circular(NAME, version=2)

    assert Change.objects.get().key == NAME


@pytest.mark.django_db(transaction=True)
def test_a_circular_that_comes_while_its_event_is_new_is_linked_with_it() -> None:
    with transaction.atomic():
        send_alert()
        other = begin(lambda: send_circular(NAME))

    other.result(WAIT_SECONDS)
    event = Circular.objects.get().event
    assert event is not None
    assert event.event_id == NAME


@pytest.mark.parametrize("kinds", [("UPDATE", "INITIAL"), ("INITIAL", "UPDATE")])
def test_messages_of_one_time_are_ordered_by_type(kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        payload = make_gwalert_json(superevent_id=NAME, alert_type=kind)
        record_notice(make_message(), read_json_notice(payload))

    event = NonLocalizedEvent.objects.get()
    assert event.alert_type == "UPDATE"
    assert [row.alert_type for row in event.sequences.all()] == ["INITIAL", "UPDATE"]


def test_an_event_is_known_by_any_of_its_names() -> None:
    notice = read_json_notice(make_gwalert_json(superevent_id="first-1"))
    later = replace(
        notice, names=("second-2", "First 1"), type=NoticeType.UPDATE, facts={"note": "both"}
    )
    last = replace(notice, names=("second-2",), type=NoticeType.RETRACTION)

    for each in (notice, later, last):
        record_notice(make_message(), each)

    event = NonLocalizedEvent.objects.get()
    assert event.event_id == "first-1"
    assert event.names == ["FIRST1", "SECOND2"]
    assert event.retracted


def test_an_event_says_of_each_thing_what_the_newest_message_says_that_says_any() -> None:
    first = read_json_notice(make_gwalert_json(superevent_id=NAME))
    hour = timedelta(hours=1)
    silent = {"significant": None, "far": None, "classification": {}, "properties": {}}
    later = replace(first, time=first.time + hour, type=NoticeType.UPDATE, **silent | {"far": 1e-9})
    last = replace(later, time=first.time + 2 * hour, event_time=None, **silent)

    for notice in (last, first, later):
        event = record_notice(make_message(), notice).event

    assert event.significant is first.significant
    assert event.far == 1e-9
    assert event.classification == first.classification
    assert event.properties == first.properties
    assert event.time == first.event_time


def test_what_only_a_message_said_that_was_set_aside_is_said_no_more() -> None:
    first = read_json_notice(make_gwalert_json(superevent_id=NAME))
    later = replace(
        first,
        time=first.time + timedelta(hours=1),
        type=NoticeType.UPDATE,
        classification={},
        significant=None,
    )
    for notice in (first, later):
        event = record_notice(make_message(), notice).event
    assert event.classification

    event = set_aside(event.sequences.get(alert_type=first.type), make_user())

    assert (event.classification, event.significant) == ({}, None)


def test_a_circular_is_linked_by_another_name_of_its_event() -> None:
    send_circular("GRB 261120.52")
    notice = read_json_notice(make_gwalert_json(superevent_id="bn261120520"))

    record_notice(make_message(), replace(notice, names=("bn261120520", "GRB261120.52")))
    send_circular("GRB-261120.52", number=2)

    assert Circular.objects.filter(event__event_id="bn261120520").count() == 2


def test_who_is_found_by_a_name_is_found_by_an_index() -> None:
    send_alert()
    with connection.cursor() as cursor:
        # A few rows are read faster without.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
    with CaptureQueriesContext(connection) as asked:
        send_circular(NAME)
        notice = read_json_notice(make_gwalert_json(superevent_id=NAME))
        record_notice(make_message(), replace(notice, names=("other", NAME)))
    by_name = [query["sql"] for query in asked if '"names" @>' in query["sql"]]

    plans = []
    for sql in by_name:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plans.append("\n".join(line for (line,) in cursor.fetchall()))

    assert len(plans) == 3  # a circular's event; an event; its circulars
    for plan in plans[:2]:
        assert "Bitmap Index Scan on events_event_names" in plan, plan
    with connection.cursor() as cursor:
        sql = """EXPLAIN SELECT FROM events_circular WHERE names @> '["S260101A"]'"""
        cursor.execute(sql)
        assert "Bitmap Index Scan on events_circular_names" in str(cursor.fetchall())


def test_a_topic_of_tests_makes_an_event_a_test() -> None:
    notice = read_json_notice(make_gwalert_json(superevent_id=NAME))

    event = record_notice(make_message(topic="igwn.gwalert-playground"), notice).event

    assert event.test_reasons == ["the topic is igwn.gwalert-playground"]


def test_of_each_mission_the_newest_map_counts_and_of_these_the_smallest() -> None:
    wide, narrow, narrower = (make_notice_map(radius) for radius in (30.0, 10.0, 5.0))
    first = read_json_notice(make_gwalert_json(superevent_id=NAME))
    later = replace(first, time=first.time + timedelta(hours=1), type=NoticeType.UPDATE)

    for notice, brought in (
        (first, narrower),  # its own mission corrects it
        (later, wide),
        (replace(first, sender="Other"), narrow),
        (replace(later, sender="Other", time=later.time + timedelta(hours=1)), narrow),
    ):
        event = record_notice(make_message(), replace(notice, maps=(brought,))).event

    chosen = chosen_localization(event)
    assert chosen is not None
    assert (chosen.sender, bytes(chosen.localization.fits)) == ("Other", narrow.fits)


def make_notice_map(radius_deg: float) -> NoticeMap:
    skymap = cone_localization(ra=10.0, dec=20.0, radius_deg=radius_deg)
    return NoticeMap(product=Product.SKYMAP, author="made", fits=write_skymap(skymap))
