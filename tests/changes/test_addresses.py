"""An address outside that is silent is asked by one call, rests, and recovers by itself."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests import factories
from tom.changes.addresses import (
    RestingError,
    begin_call,
    check_rest,
    note_answer,
    note_silence,
    silent_addresses,
)
from tom.changes.models import Address

pytestmark = pytest.mark.django_db
NAME = "portal.example:443"


def later(**delta: float) -> None:
    """Let time pass for the address."""
    row = Address.objects.get(name=NAME)
    for field in ("asked_at", "given_up_at", "answered_at", "rests_until"):
        moment = getattr(row, field)
        setattr(row, field, moment and moment - timedelta(**delta))
    row.save()


def test_nobody_joins_a_call_whose_answer_is_still_awaited() -> None:
    begin_call(NAME, seconds=60)

    with pytest.raises(RestingError):
        begin_call(NAME, seconds=60)

    later(seconds=2)
    with pytest.raises(RestingError):
        check_rest(NAME)


def test_a_call_whose_worker_was_killed_is_given_up() -> None:
    begin_call(NAME, seconds=60)
    later(seconds=61)

    begin_call(NAME, seconds=60)

    assert Address.objects.get(name=NAME).asked_at is not None


def test_an_address_that_answers_is_asked_by_several_at_once() -> None:
    begin_call(NAME, seconds=60)
    note_answer(NAME)

    begin_call(NAME, seconds=60)
    begin_call(NAME, seconds=60)


def test_a_silent_address_rests_longer_each_time_and_an_answer_ends_it() -> None:
    rests = []
    for _ in range(7):
        begin_call(NAME, seconds=60)
        note_silence(NAME, "No answer: ReadTimeout")
        with pytest.raises(RestingError) as resting:
            begin_call(NAME, seconds=60)
        rests.append(round((resting.value.until - timezone.now()).total_seconds()))
        assert [each.detail for each in silent_addresses()] == ["No answer: ReadTimeout"]
        later(minutes=3)

    begin_call(NAME, seconds=60)
    with pytest.raises(RestingError):  # one call asks it
        begin_call(NAME, seconds=60)
    note_answer(NAME)

    assert rests == [5, 10, 20, 40, 80, 120, 120]
    assert silent_addresses() == []
    check_rest(NAME)


def test_the_page_of_requests_names_an_address_that_does_not_answer(client: Client) -> None:
    observer: User = factories.make_user("vera")
    client.force_login(observer)
    begin_call(NAME, seconds=60)
    note_silence(NAME, "No answer: ReadTimeout")

    page = client.get("/requests/?part=list").content.decode()

    assert f"<b>{NAME} does not answer</b>" in page
    assert "It is asked again" in page
