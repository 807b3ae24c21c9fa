"""Make a report that takes back what another one says.

A message on a topic stays there. So a second one follows it, which names it by its id. Nobody
confirms it: the worker sends it.
"""

from typing import Any

from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.reports.hermes.body import refer_to
from tom.reports.hermes.models import Report, ReportState


def make_following(
    report: Report, *, title: str, text: str, extra_data: dict[str, Any], **columns: Any
) -> Report:
    """Make a confirmed report about another one, by its authors, for the same topic and readers.

    `columns` say how the two are related, and who caused it. The caller holds a transaction, and
    wakes `tell_report` after the commit; else the sweep does.
    """
    now = timezone.now()
    made = Report.objects.create(
        event=report.event,
        url=report.url,
        body={
            "title": title,
            "topic": report.topic,
            "submitter": report.body["submitter"],
            "authors": report.body["authors"],
            "message_text": text,
            "data": {
                "event_id": report.event.public_name,
                "references": [refer_to(report)],
                "targets": [],
                "photometry": [],
                "extra_data": extra_data,
            },
        },
        state=ReportState.CONFIRMED,
        confirmed_at=now,
        due_at=now,
        **columns,
    )
    made.candidates.set(report.candidates.all())  # so the same people see it
    publish(Topic.EVENT, report.event.event_id)
    return made
