import json
from datetime import UTC, datetime

import pytest

from tests.streams.packets import make_circular
from tom.events.models import Circular
from tom.streams.parsers.circular import parse_circular
from tom.streams.parsers.errors import MalformedAlertError


def test_a_circular_is_read():
    circular = parse_circular(make_circular())

    assert circular.circular_id == 40_000
    assert circular.version == 1
    assert circular.created_on == datetime(2026, 1, 1, 6, 0, 0, 123_000, tzinfo=UTC)
    assert circular.event_id == "LIGO/Virgo/KAGRA S260101a"


def test_an_edit_has_a_version_and_a_time():
    circular = parse_circular(make_circular(version=2, editedOn=1_767_247_260_000, editedBy="B"))

    assert circular.version == 2
    assert circular.edited_on == datetime(2026, 1, 1, 6, 1, tzinfo=UTC)


def test_a_body_keeps_its_lines_and_loses_its_nuls():
    assert parse_circular(make_circular(body="one\n  two\x00\n")).body == "one\n  two\n"


def test_the_name_of_an_event_is_kept_as_far_as_its_column_holds_it():
    column = Circular._meta.get_field("event_name")

    circular = parse_circular(make_circular(eventId="x" * 600))

    assert circular.event_id == "x" * column.max_length


@pytest.mark.parametrize(
    "values",
    [
        {"circularId": None},
        {"circularId": 2**40},
        {"createdOn": "today"},
        {"createdOn": 1e300},
        {"createdOn": float("nan")},
        {"body": 7},
        {"version": 0},
    ],
)
def test_a_broken_circular_is_malformed(values):
    with pytest.raises(MalformedAlertError):
        parse_circular(make_circular(**values))


def test_every_real_circular_is_read(real_data):
    circulars = json.loads((real_data / "gw" / "circulars.json").read_bytes())

    parsed = [parse_circular(json.dumps(circular).encode()) for circular in circulars]

    assert len(parsed) > 300
    assert [item.circular_id for item in parsed] == [item["circularId"] for item in circulars]
    assert sum(item.edited_on is not None for item in parsed) == 1
