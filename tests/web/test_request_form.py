"""The form that asks for an observation: what it reads, and where its errors stand."""

from datetime import UTC, datetime

import pytest

from tests import factories
from tom.followup.spec import InvalidSpecError, read_spec
from tom.web.request_form import (
    Choice,
    RequestForm,
    choices,
    choose,
    empty_form,
    read_form,
)

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def choice() -> Choice:
    found = choose("PRACTICE:PRACTICE-IMAGER")
    assert found is not None
    return found


def posted(choice: Choice, **values: str) -> RequestForm:
    fields = {
        "seconds-0": "60", "count-0": "0", "seconds-1": "90", "count-1": "2",
        "start": "2026-11-21 03:00", "end": "2026-11-21T09:00", "mode": "NORMAL",
        "max_airmass": "1.8", "min_moon_separation_deg": "25",
    }  # fmt: skip
    return read_form(choice, {**fields, **values}, now=NOW)


def test_the_empty_form_can_be_sent_as_it_is(choice: Choice) -> None:
    spec = read_spec(empty_form(choice, now=NOW).spec())

    assert len(spec.exposures) == 1
    assert spec.start == NOW.replace(second=0)


def test_only_what_has_a_count_is_asked_for(choice: Choice) -> None:
    spec = read_spec(posted(choice).spec())

    assert [(each.element, each.seconds, each.count) for each in spec.exposures] == [("r", 90, 2)]
    assert spec.end == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_an_error_stands_in_the_line_it_is_about(choice: Choice) -> None:
    form = posted(choice, **{"seconds-1": "long", "max_airmass": "9"})

    with pytest.raises(InvalidSpecError) as error:
        read_spec(form.spec())
    form.refuse(error.value.errors)

    assert [bool(row.errors) for row in form.rows[:2]] == [False, True]
    assert [each.name for each in form.fields if each.errors] == ["max_airmass"]


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-41 99:99"])
def test_a_moment_that_is_none_is_said(choice: Choice, text: str) -> None:
    form = posted(choice, start=text)

    with pytest.raises(InvalidSpecError) as error:
        read_spec(form.spec())

    form.refuse(error.value.errors)
    start = next(each for each in form.fields if each.name == "start")
    assert start.errors == ["Write it as YYYY-MM-DD HH:MM, in UTC."]


def test_a_moment_may_have_seconds(choice: Choice) -> None:
    spec = read_spec(posted(choice, start="2026-11-21T03:00:30Z").spec())

    assert spec.start == datetime(2026, 11, 21, 3, 0, 30, tzinfo=UTC)


def test_an_unknown_instrument_becomes_the_first() -> None:
    first, chosen = choose(""), choose("NOWHERE:NOTHING")

    assert first is not None
    assert chosen is not None
    assert chosen.value == first.value


@pytest.mark.django_db
@pytest.mark.parametrize(("instrument", "is_said"), [("portal", True), ("practice", False)])
def test_the_form_says_what_the_portal_alone_checks(client, settings, instrument, is_said) -> None:
    settings.OCS_PORTAL_URL = "https://portal.example.org"
    settings.OCS_API_TOKEN, settings.OCS_PROPOSAL = "a-token-of-ours", "TOM-001"
    settings.PRACTICE_TELESCOPE = True
    offered = {
        "practice" if each.facility.name == "PRACTICE" else "portal": each for each in choices()
    }
    client.force_login(factories.make_observer())

    page = client.get(
        f"/targets/{factories.make_target().pk}/request/",
        {"instrument": offered[instrument].value},
    ).text

    assert ("the proposal has time left" in " ".join(page.split())) == is_said
