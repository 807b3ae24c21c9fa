"""The reports to the community, from draft to sent."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from tom.candidates.models import EventCandidate
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.outbox.table import Table
from tom.outbox.waits import Waits
from tom.reports.topic_messages import TopicMessage
from tom.targets.models import Classification, Visitor, Withdrawal
from tom.targets.visible import is_shown


class ReportState(models.TextChoices):
    """The state of a report. A person may confirm a draft, or a failed report again."""

    DRAFT = "draft", "Draft"
    CONFIRMED = "confirmed", "Confirmed"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    UNKNOWN = "unknown", "Unknown"  # settled by reading the topic back for our id
    FAILED = "failed", "Failed"


THERE: Final = (ReportState.SENDING, ReportState.SENT, ReportState.UNKNOWN)
"""States of what is on its topic, or may be."""


class ReportQuerySet(models.QuerySet["Report"]):
    """Reads of reports."""

    def visible_to(self, user: Visitor) -> "ReportQuerySet":
        """Return the reports all of whose candidates the user may see."""
        if not user.is_authenticated:
            return self.none()
        named = Report.candidates.through.objects.filter(report=OuterRef("pk"))
        hidden = named.exclude(is_shown(user, target="eventcandidate__target"))
        return self.exclude(Exists(hidden))

    def to_take_back(self) -> "ReportQuerySet":
        """Return what may be on a topic about retracted events, and nothing takes back yet."""
        return self.filter(
            state__in=THERE,
            event__retracted=True,
            takes_back=None,
            taken_back_by=None,
            corrects=None,
        )

    def that_stand(self) -> "ReportQuerySet":
        """Return what is on a topic and is not taken back, the newest first."""
        sent = self.filter(
            state=ReportState.SENT, takes_back=None, taken_back_by=None, corrects=None
        )
        return sent.order_by("-sent_at", "-pk")


class Report(TopicMessage):
    """An event's candidates as a Hopskotch message, from draft to sent."""

    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.PROTECT, related_name="reports")
    candidates = models.ManyToManyField(EventCandidate, related_name="reports")
    body = models.JSONField(help_text="In HERMES's form")
    programs = models.JSONField(default=list, help_text="Names of the programs whose data it uses")
    takes_back = models.OneToOneField(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="taken_back_by",
        help_text="The report that this one takes back, since its event was retracted",
    )
    classes = models.ManyToManyField(
        Classification, related_name="reports", help_text="The classes from spectra that it tells"
    )
    corrects = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="corrections",
        help_text="The report whose class this one takes back, since a person withdrew it",
    )
    withdrawal = models.ForeignKey(
        Withdrawal, null=True, blank=True, on_delete=models.SET_NULL, related_name="corrections"
    )
    state = models.CharField(max_length=10, choices=ReportState.choices, default=ReportState.DRAFT)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    retry = Waits(timedelta(seconds=20), timedelta(minutes=2))
    most_attempts = 10

    table = Table(
        due=ReportState.CONFIRMED,
        again=ReportState.CONFIRMED,
        sending=ReportState.SENDING,
        sent=ReportState.SENT,
        refused=ReportState.FAILED,
        unknown=ReportState.UNKNOWN,
        ends=frozenset({ReportState.SENT, ReportState.FAILED}),
        others={
            ReportState.DRAFT: frozenset({ReportState.CONFIRMED}),
            ReportState.UNKNOWN: frozenset({ReportState.FAILED}),  # it never arrived
            ReportState.FAILED: frozenset({ReportState.CONFIRMED}),  # a person tries it again
        },
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="draft") | Q(confirmed_at__isnull=False),
                name="reports_report_confirmed",
            ),
            models.UniqueConstraint(
                fields=["corrects", "withdrawal"], name="reports_report_corrected_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["confirmed", "sending", "unknown"]),
                name="reports_report_due",
            )
        ]
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"{self.event} to {self.topic}"

    def tell(self) -> None:
        publish(Topic.EVENT, self.event.event_id)
