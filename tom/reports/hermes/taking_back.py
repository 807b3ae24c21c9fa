"""Take back what was told of an event that is retracted.

Nobody confirms the message: it says what the event's own mission said to everybody, and it must
not wait.
"""

from django.conf import settings
from django.db import transaction

from tom.reports.hermes.following import make_following
from tom.reports.hermes.models import Report, ReportQuerySet


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
    name, title = report.event.public_name, report.body["title"]
    return make_following(
        report,
        title=f'{name} was retracted: we take back "{title}"',
        text=(
            f'{name} was retracted. We take back our message "{title}"'
            f" ({report.message_id}). The objects that it names are candidates of"
            f" {name} no longer; what was measured of them stands.\n\n"
            f"{settings.TOM_NAME} sent this message by itself when it heard of the retraction."
        ),
        extra_data={"takes_back": str(report.message_id)},
        takes_back=report,
    )
