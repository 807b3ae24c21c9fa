"""Take back a class that was told, after the spectrum that it was taken from was withdrawn.

Who withdraws the class is told beforehand that the message is sent, so nobody confirms it.
"""

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from tom.reports.hermes.following import make_following
from tom.reports.hermes.models import THERE, Report
from tom.targets.models import Classification, Withdrawal


def correct() -> list[int]:
    """Make a report that takes back each withdrawn class that was told; return their keys.

    Each report is corrected once for each withdrawal. The caller wakes `tell_report` after the
    commit; else the sweep does.
    """
    with transaction.atomic():
        # One after the other: two calls at once would both see that nothing corrects it.
        told = Report.objects.filter(pk__in=_uncorrected().values("report"))
        list(told.select_for_update(of=("self",)))
        found = _uncorrected().values_list("report", "classification__withdrawal").distinct()
        return [_correct(report, withdrawal).pk for report, withdrawal in found]


def telling(classes: QuerySet[Classification]) -> QuerySet[Report]:
    """Return the reports that tell one of these classes and are on a topic, or may be."""
    return Report.objects.filter(classes__in=classes, state__in=THERE).distinct()


def _uncorrected() -> QuerySet[Any]:
    done = Report.objects.filter(
        corrects=OuterRef("report"), withdrawal=OuterRef("classification__withdrawal")
    )
    rows = Report.classes.through.objects.filter(
        report__state__in=THERE, classification__withdrawal__isnull=False
    )
    return rows.filter(~Exists(done))


def _correct(report_pk: int, withdrawal_pk: int) -> Report:
    report = Report.objects.select_related("event").get(pk=report_pk)
    withdrawal = Withdrawal.objects.select_related("spectrum__target").get(pk=withdrawal_pk)
    target, title = withdrawal.spectrum.target, report.body["title"]
    told = report.classes.filter(withdrawal=withdrawal)
    says = ", ".join(sorted({row.says for row in told}))
    whole = "the spectrum" if withdrawal.is_whole else "the class"
    return make_following(
        report,
        title=f'{report.event.public_name}: we take back that {target.name} is {says} in "{title}"',
        text=(
            f"We take back that {target.name} is {says} by a spectrum of"
            f' {withdrawal.spectrum.observed:%Y-%m-%d %H:%M} UTC, as our message "{title}"'
            f" ({report.message_id}) said: {whole} was withdrawn.\n\n"
            f"The reason: {withdrawal.reason}\n\n"
            f"What else the message says stands. {settings.TOM_NAME} sent this message by itself"
            " when the class was withdrawn."
        ),
        extra_data={
            "takes_back_class": {
                "message": str(report.message_id),
                "name": target.name,
                "class_by_spectrum": says,
                "reason": withdrawal.reason,
            }
        },
        corrects=report,
        withdrawal=withdrawal,
        confirmed_by=withdrawal.by,
    )
