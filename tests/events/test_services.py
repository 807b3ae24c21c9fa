"""Circulars and alerts find each other, whichever comes first."""

import pytest
from django.db import transaction

from tests.connections import WAIT_SECONDS, begin
from tests.factories import make_message, make_skymap
from tests.streams.packets import make_circular, make_gwalert_json
from tom.events.circulars import record_circular
from tom.events.models import Circular
from tom.events.services import record_alert
from tom.live.models import LiveEvent
from tom.sky import write_skymap
from tom.streams.parsers.circular import parse_circular
from tom.streams.parsers.igwn import parse_gwalert_json

pytestmark = pytest.mark.django_db

NAME = "S260101a"


def send_alert() -> None:
    event = {"skymap": write_skymap(make_skymap())}
    alert = parse_gwalert_json(make_gwalert_json(superevent_id=NAME, event=event))
    record_alert(make_message(), alert)


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
    LiveEvent.objects.all().delete()

    send_circular(NAME, version=2)

    assert LiveEvent.objects.get().key == NAME


@pytest.mark.django_db(transaction=True)
def test_a_circular_that_comes_while_its_event_is_new_is_linked_with_it() -> None:
    with transaction.atomic():
        send_alert()
        other = begin(lambda: send_circular(NAME))

    other.result(WAIT_SECONDS)
    event = Circular.objects.get().event
    assert event is not None
    assert event.event_id == NAME
