"""A retraction takes back what was told of its event: once, on the same topic, by its id."""

import pytest
from django.utils import timezone

from tests.factories import make_candidate, make_event, make_observer
from tests.peers.kafka import KafkaPeer
from tests.reports.hermes.test_telling import draft, read, reload, tell
from tests.reports.hermes.test_telling import tell_url as tell_url
from tests.reports.hermes.test_telling import topic as topic
from tom.events.models import NonLocalizedEvent
from tom.reports.hermes.models import Report, ReportState
from tom.reports.hermes.taking_back import take_back
from tom.reports.hermes.telling import (
    NotLiveError,
    confirm_report,
    draft_report,
    due_reports,
    refuse_report,
)
from tom.reports.public_data import CannotTellError

pytestmark = pytest.mark.django_db
S = ReportState


def told(state: ReportState = S.SENT) -> Report:
    """A report of an event that is retracted now."""
    report = draft()
    Report.objects.filter(pk=report.pk).update(state=state, confirmed_at=timezone.now())
    retract(report.event)
    return reload(report)


def retract(event: NonLocalizedEvent, *, retracted: bool = True) -> None:
    NonLocalizedEvent.objects.filter(pk=event.pk).update(retracted=retracted)


def test_a_message_that_was_sent_is_taken_back_on_its_topic_by_its_id(
    kafka: KafkaPeer, topic: str
) -> None:
    report = draft()
    confirm_report(report, make_observer())
    assert tell(report).state == S.SENT
    retract(report.event)

    (pk,) = take_back(Report.objects.all())
    answer = tell(Report.objects.get(pk=pk))

    assert answer.state == S.SENT
    (first, _), (second, about) = read(kafka, topic)
    assert ("_id", answer.message_id.bytes) in (about.headers or [])
    assert second["topic"] == topic
    assert str(report.message_id) in second["message_text"]
    assert second["data"]["extra_data"] == {"takes_back": str(report.message_id)}
    assert second["data"]["references"][0]["citation"] == str(report.message_id)
    assert (second["authors"], second["data"]["targets"]) == (first["authors"], [])


@pytest.mark.parametrize("state", [S.SENT, S.SENDING, S.UNKNOWN])
def test_what_may_be_on_the_topic_is_taken_back_once(state: ReportState) -> None:
    report = told(state)

    (pk,) = take_back(Report.objects.all())

    assert take_back(Report.objects.all()) == []
    answer = Report.objects.get(pk=pk)
    assert (answer.takes_back, answer.url, answer.state) == (report, report.url, S.CONFIRMED)
    assert set(answer.candidates.all()) == set(report.candidates.all())
    assert pk in {each.pk for each in due_reports(timezone.now())}


@pytest.mark.parametrize("state", [S.DRAFT, S.CONFIRMED, S.FAILED])
def test_what_was_not_sent_needs_nothing(state: ReportState) -> None:
    told(state)

    assert take_back(Report.objects.all()) == []


def test_what_was_told_of_a_live_event_stands() -> None:
    retract(told().event, retracted=False)

    assert take_back(Report.objects.all()) == []


def test_an_event_that_is_live_again_takes_back_nothing() -> None:
    report = told()
    (pk,) = take_back(Report.objects.all())
    retract(report.event, retracted=False)

    with pytest.raises(CannotTellError, match="no longer retracted"):
        refuse_report(Report.objects.get(pk=pk))


def test_the_report_of_a_retracted_event_itself_is_still_refused() -> None:
    with pytest.raises(NotLiveError):
        refuse_report(told())


def test_a_message_is_taken_back_where_it_was_sent_whatever_is_set_now(settings) -> None:
    settings.TELL_URL = "kafka://kafka.scimma.org/hermes.test"
    event = make_event("MS261120a", test_reasons=["the id begins with M"])
    report = draft_report(event, [make_candidate(event)], by=make_observer())
    Report.objects.filter(pk=report.pk).update(state=S.SENT, confirmed_at=timezone.now())
    retract(event)
    settings.TELL_URL = "kafka://kafka.scimma.org/hermes.candidates"

    (pk,) = take_back(Report.objects.all())

    assert Report.objects.get(pk=pk).topic == "hermes.test"


def test_both_pages_say_that_it_was_taken_back(client) -> None:
    report = told()
    (pk,) = take_back(Report.objects.all())
    client.force_login(make_observer())

    first = client.get(f"/reports/{report.pk}/").text
    second = client.get(f"/reports/{pk}/").text

    assert f'href="/reports/{pk}/"' in first
    assert f'href="/reports/{report.pk}/"' in second
    assert "We take back our message" in second
