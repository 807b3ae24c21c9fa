"""A call outside: whether the other side answers is noted, and whoever is silent rests."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tom.changes.addresses import RestingError, begin_call, note_silence
from tom.changes.models import Address
from tom.outbox.calls import calling
from tom.outbox.errors import NothingSentError, OutcomeError, RestsError, UnknownOutcomeError

pytestmark = pytest.mark.django_db
BROKER = "kafka.example.org"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_noted_as_no_answer(interruption: type[BaseException]) -> None:
    with pytest.raises(interruption), calling(BROKER, seconds=100):
        raise interruption

    row = Address.objects.get(name=BROKER)
    assert (row.answered_at, row.silences) == (None, 0)
    assert row.asked_at is not None
    with pytest.raises(RestingError):  # somebody may still wait for its answer
        begin_call(BROKER, seconds=1)
    Address.objects.update(given_up_at=timezone.now())
    begin_call(BROKER, seconds=1)


@pytest.mark.parametrize("kind", [UnknownOutcomeError, NothingSentError])
@pytest.mark.parametrize(("is_silent", "silences"), [(True, 1), (False, 0)])
def test_an_address_that_did_not_answer_is_silent(
    kind: type[UnknownOutcomeError | NothingSentError], is_silent: bool, silences: int
) -> None:
    error: OutcomeError = kind("?", is_silent=is_silent)

    with pytest.raises(kind), calling(BROKER, seconds=100):
        raise error

    row = Address.objects.get(name=BROKER)
    assert (row.silences, row.answered_at is None) == (silences, is_silent)


def test_a_good_answer_is_noted() -> None:
    with calling(BROKER, seconds=100):
        pass

    row = Address.objects.get(name=BROKER)
    assert row.answered_at is not None
    assert row.asked_at is None


def test_an_address_that_rests_is_not_called_and_says_when_it_may_be() -> None:
    begin_call(BROKER, seconds=100)
    note_silence(BROKER, "nobody there")
    called: list[str] = []

    with pytest.raises(RestsError) as rests, calling(BROKER, seconds=100):
        called.append(BROKER)

    assert not called
    assert rests.value.retry_at is not None
    assert rests.value.retry_at > timezone.now() - timedelta(seconds=1)


def test_an_error_tells_none_of_our_secrets(settings) -> None:
    settings.OCS_API_TOKEN = "portal-t0ken"

    assert "portal-t0ken" not in str(UnknownOutcomeError("it said portal-t0ken"))
