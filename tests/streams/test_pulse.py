"""What a listener says of itself outlives its database connection."""

import pytest
from django.db import connection

from tom.streams.models import StreamHealth
from tom.streams.pulse import Pulse
from tom.streams.sources import Source

SOURCE = Source("kafka.example.org", ("a.topic",))


@pytest.mark.django_db(transaction=True)
def test_what_a_closed_connection_did_not_take_is_written_with_the_next() -> None:
    pulse = Pulse(SOURCE)
    pulse.write()
    pulse.note_message("a.topic")
    connection.connection.close()

    pulse.write()
    assert StreamHealth.objects.get().messages == 0
    pulse.write()

    assert StreamHealth.objects.get().messages == 1


@pytest.mark.django_db
def test_a_complaint_that_no_database_stores_is_cleaned() -> None:
    pulse = Pulse(SOURCE)
    pulse.complain("a NUL \0 and half a pair \ud800")

    pulse.write()

    assert StreamHealth.objects.get().detail == "a NUL  and half a pair ?"
