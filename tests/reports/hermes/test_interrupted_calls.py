"""A report whose sending is interrupted: whether it arrived stays open."""

import pytest
from django.utils import timezone

from tests.factories import make_candidate, make_event, make_observer
from tom.reports.hermes import telling
from tom.reports.hermes.models import Report, ReportState

pytestmark = pytest.mark.django_db
BROKER = "kafka.example.org"
DEADLINE = Report().patience.deadline


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
        due_at=now + DEADLINE,
    )
    report.candidates.add(make_candidate(event))

    telling.tell_report(report, now=now)
    report.refresh_from_db()
    assert report.state == ReportState.SENDING  # its worker may be at it
    telling.tell_report(report, now=now + DEADLINE)

    report.refresh_from_db()
    assert report.state == ReportState.UNKNOWN
    assert "lost" in report.reason
