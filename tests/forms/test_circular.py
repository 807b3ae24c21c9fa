import json
from datetime import UTC, datetime

import pytest

from tests.streams.packets import make_circular
from tom.events.models import Circular
from tom.formats.errors import MalformedAlertError
from tom.forms.circular import parse_circular


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
        *({"circularId": value} for value in (None, 2**40, 0, -3, 7.25, "7.2", "x", True, [], "")),
        *(
            {"circularId": value}
            for value in (float("nan"), float("inf"), "1e400", "nan", "\u0663x")
        ),
        {"body": 7},
        {"subject": None},
    ],
)
def test_a_broken_circular_is_malformed(values):
    with pytest.raises(MalformedAlertError):
        parse_circular(make_circular(**values))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (18453.5, "18453.5"),
        ("18453.5", "18453.5"),
        (" 18453.50 ", "18453.5"),
        (18454.0, "18454"),
        ("18454.0", "18454"),
        (18454, "18454"),
        ("18454", "18454"),
    ],
)
def test_the_number_of_a_circular_may_be_a_half_and_a_text(value, number):
    assert str(parse_circular(make_circular(circularId=value)).circular_id) == number


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"createdOn": "today"}, "createdOn today (not milliseconds since 1970)"),
        ({"createdOn": 1e300}, "createdOn 1e+300 (out of range)"),
        ({"createdOn": float("nan")}, "createdOn nan"),
        ({"createdOn": -62_135_596_800_000}, "createdOn -62135596800000 (out of range)"),
        ({"createdOn": 253_402_300_000_000}, "createdOn 253402300000000 (out of range)"),
        ({"version": 0}, "version 0"),
        ({"submitter": 7}, "submitter 7"),
        ({"eventId": ["S1"]}, "eventId"),
    ],
)
def test_one_value_that_breaks_the_form_is_left_out_and_named(values, named):
    circular = parse_circular(make_circular(**values))

    assert circular.body == "We report ..."
    assert len(circular.left_out) == 1
    assert circular.left_out[0].startswith(named)


def test_every_real_circular_is_read(real_data):
    circulars = json.loads((real_data / "gw" / "circulars.json").read_bytes())

    parsed = [parse_circular(json.dumps(circular).encode()) for circular in circulars]

    assert len(parsed) > 300
    assert [item.circular_id for item in parsed] == [item["circularId"] for item in circulars]
    assert sum(item.edited_on is not None for item in parsed) == 1
