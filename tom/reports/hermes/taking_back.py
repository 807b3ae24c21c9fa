"""Take back what was told of an event that is retracted.

A message on a topic stays there. So a second one follows it, which names it by its id. Nobody
confirms it: it says what the event's own mission said to everybody, and it must not wait.
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.reports.hermes.body import refer_to
from tom.reports.hermes.models import Report, ReportQuerySet, ReportState


def take_back(told: ReportQuerySet) -> list[int]:
    """Make a report that takes back each of these, ready to be sent; return their keys.

    Each report is taken back once: whoever comes second finds it done. The caller wakes
    `tell_report` after the commit; else the sweep does.
    """
    with transaction.atomic():
        # One after the other: two calls at once would both see that nothing takes it back.
        locked = list(told.to_take_back().select_for_update(of=("self",)).select_related("event"))
        return [_take_back(report).pk for report in _unanswered(locked)]


def _unanswered(locked: list[Report]) -> list[Report]:
    """Leave out what another call took back while this one waited for the rows."""
    done = Report.objects.filter(takes_back__in=locked).values_list("takes_back_id", flat=True)
    answered = set(done)
    return [report for report in locked if report.pk not in answered]


def _take_back(report: Report) -> Report:
    now = timezone.now()
    answer = Report.objects.create(
        event=report.event,
        url=report.url,
        body=write_taking_back(report),
        takes_back=report,
        state=ReportState.CONFIRMED,
        confirmed_at=now,
        due_at=now,
    )
    answer.candidates.set(report.candidates.all())  # so the same people see it
    publish(Topic.EVENT, report.event.event_id)
    return answer


def write_taking_back(report: Report) -> dict[str, Any]:
    """Write the message, in HERMES's form, by the authors of the report."""
    event: NonLocalizedEvent = report.event
    title = report.body["title"]
    return {
        "title": f'{event.event_id} was retracted: we take back "{title}"',
        "topic": report.topic,
        "submitter": report.body["submitter"],
        "authors": report.body["authors"],
        "message_text": (
            f'{event.event_id} was retracted. We take back our message "{title}"'
            f" ({report.message_id}). The objects that it names are candidates of"
            f" {event.event_id} no longer; what was measured of them stands.\n\n"
            f"{settings.TOM_NAME} sent this message by itself when it heard of the retraction."
        ),
        "data": {
            "event_id": event.event_id,
            "references": [refer_to(report)],
            "targets": [],
            "photometry": [],
            "extra_data": {"takes_back": str(report.message_id)},
        },
    }
