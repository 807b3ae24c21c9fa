"""A call that is interrupted: whether the other side answered stays open."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_candidate, make_event, make_observer
from tom.live.addresses import RestingError, begin_call
from tom.live.models import Address
from tom.reports import telling
from tom.reports.hopskotch import UnknownOutcomeError, _calling
from tom.reports.models import Report, ReportState

pytestmark = pytest.mark.django_db
BROKER = "kafka.example.org"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_noted_as_no_answer(interruption: type[BaseException]) -> None:
    with pytest.raises(interruption), _calling(BROKER):
        raise interruption

    row = Address.objects.get(name=BROKER)
    assert (row.answered_at, row.silences) == (None, 0)
    assert row.asked_at is not None
    with pytest.raises(RestingError):  # somebody may still wait for its answer
        begin_call(BROKER, seconds=1)
    Address.objects.update(given_up_at=timezone.now())
    begin_call(BROKER, seconds=1)


@pytest.mark.parametrize(("is_silent", "silences"), [(True, 1), (False, 0)])
def test_a_broker_that_did_not_answer_is_silent(is_silent: bool, silences: int) -> None:
    unknown = UnknownOutcomeError("?", is_silent=is_silent)

    with pytest.raises(UnknownOutcomeError), _calling(BROKER):
        raise unknown

    row = Address.objects.get(name=BROKER)
    assert (row.silences, row.answered_at is None) == (silences, is_silent)


def test_a_report_whose_sending_was_interrupted_is_unknown_and_not_sent_again() -> None:
    now = timezone.now()
    event, vera = make_event(), make_observer()
    report = Report.objects.create(
        event=event,
        url=f"kafka://{BROKER}/a.topic",
        body={},
        state=ReportState.SENDING,
        created_by=vera,
        confirmed_by=vera,
        confirmed_at=now,
        due_at=now + timedelta(seconds=telling.SENDING_SECONDS),
    )
    report.candidates.add(make_candidate(event))

    telling.tell_report(report, now=now)
    report.refresh_from_db()
    assert report.state == ReportState.SENDING  # its worker may be at it
    telling.tell_report(report, now=now + timedelta(seconds=telling.SENDING_SECONDS))

    report.refresh_from_db()
    assert report.state == ReportState.UNKNOWN
    assert "lost" in report.reason
