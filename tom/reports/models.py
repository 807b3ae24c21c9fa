"""What people follow, what they were told, who was paged, and what we told the world."""

import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.live.models import Topic
from tom.live.publish import publish
from tom.outbox.models import Outgoing
from tom.outbox.table import Table
from tom.outbox.waits import Patience, Waits
from tom.streams.models import AlertMessage
from tom.targets.models import Visitor, own_targets, visible_targets

_DEADLINE: Final = timedelta(seconds=120)
"""Far above every timeout of a call that tells or pages."""
_RETRY_PAGE: Final = Waits(timedelta(seconds=20), timedelta(hours=1))
_RETRY_REPORT: Final = Waits(timedelta(seconds=20), timedelta(minutes=2))
_LOOK_FOR_REPORT: Final = Waits(timedelta(seconds=15), timedelta(hours=1), share=1)


class FollowKind(models.TextChoices):
    """What a person can follow."""

    TOPIC = "topic", "Topic"
    EVENT = "event", "Event"
    TARGET = "target", "Target"


class FollowQuerySet(models.QuerySet["Follow"]):
    """Reads of what people follow."""

    def of(self, user: Visitor) -> "FollowQuerySet":
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()


class Follow(models.Model):
    """That a person wants to hear of whatever comes for a topic, an event or a target."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows"
    )
    kind = models.CharField(max_length=8, choices=FollowKind.choices)
    value = models.CharField(
        max_length=255, help_text="The topic, the event id, or the target's primary key"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = FollowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "value"], name="reports_follow_once"),
            models.CheckConstraint(condition=~Q(value=""), name="reports_follow_something"),
        ]
        indexes = [models.Index(fields=["kind", "value"], name="reports_follow_value")]
        ordering = ("kind", "value")

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Reads of notifications."""

    def visible_to(self, user: Visitor) -> "NotificationQuerySet":
        """The user's own, less those about a target that the user may no longer see.

        Nor may they see what a target brought while it was private, though it is public by now: an
        opened target counts as made when it was opened.
        """
        if not user.is_authenticated:
            return self.none()
        openly = Q(created__gte=F("target__created")) | Q(target__in=own_targets(user))
        seen = Q(target=None) | (Q(target__in=visible_targets(user)) & openly)
        return self.filter(seen, user_id=user.pk)

    def unread(self) -> "NotificationQuerySet":
        return self.filter(read_at=None)


class Notification(models.Model):
    """One thing that a person who follows it was told; it stays until read.

    `kind` says by what it came, the most particular of those that fit. Links are the web's:
    it has `event`, `target` and `message` to make them from.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications"
    )
    kind = models.CharField(max_length=8, choices=FollowKind.choices)
    cause = models.CharField(max_length=100, help_text="What made it; once per person")
    title = models.CharField(max_length=300)
    body = models.TextField(blank=True)
    message = models.ForeignKey(
        AlertMessage, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    event = models.ForeignKey(
        NonLocalizedEvent, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    target = models.ForeignKey(
        BaseTarget, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    created = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "cause"], name="reports_notification_once")
        ]
        indexes = [
            models.Index(fields=["user", "-created"], name="reports_notification_newest"),
            models.Index(
                fields=["user"], condition=Q(read_at=None), name="reports_notification_unread"
            ),
        ]
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title


class PageCause(models.TextChoices):
    """What a person is woken for, each once per event."""

    SIGNIFICANT = "significant", "Significant event"
    RETRACTION = "retraction", "Retraction"


class PageQuerySet(models.QuerySet["Page"]):
    """Reads of pages. They hold nothing private: whoever is logged in may see them."""

    def visible_to(self, user: Visitor) -> "PageQuerySet":
        return self.all() if user.is_authenticated else self.none()

    def unacknowledged(self) -> "PageQuerySet":
        return self.filter(acknowledged_at=None)


class Page(models.Model):
    """A call to whoever is on duty; acknowledged by the first person who answers."""

    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.CASCADE, related_name="pages")
    cause = models.CharField(max_length=16, choices=PageCause.choices)
    title = models.CharField(max_length=200)
    body = models.TextField()
    created = models.DateTimeField(auto_now_add=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    objects = PageQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "cause"], name="reports_page_once")]
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title

    @property
    def outcome(self) -> str:
        """How it was told: `sent`, `unknown`, `under way`, `failed`, or `none`: by no channel.

        The best of its channels. It reads all of `sends`: prefetch them.
        """
        states = {send.state for send in self.sends.all()}
        if SendState.SENT in states:
            return "sent"
        if SendState.UNKNOWN in states:
            return "unknown"
        if states & {SendState.DUE, SendState.SENDING}:
            return "under way"
        return "failed" if states else "none"

    @property
    def failure(self) -> str:
        """Why each channel failed."""
        failed = [send for send in self.sends.all() if send.state == SendState.FAILED]
        return " ".join(f"{send.get_channel_display()}: {send.reason}." for send in failed)


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"


class SendState(models.TextChoices):
    """Where a page stands on one channel."""

    DUE = "due", "Due"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    UNKNOWN = "unknown", "Unknown"  # it may have arrived: not sent again
    FAILED = "failed", "Failed"


class PageSend(Outgoing):
    """A page on one channel."""

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="sends")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    state = models.CharField(max_length=8, choices=SendState.choices, default=SendState.DUE)
    sent_at = models.DateTimeField(null=True, blank=True)

    table = Table(
        due=SendState.DUE,
        again=SendState.DUE,
        sending=SendState.SENDING,
        sent=SendState.SENT,
        refused=SendState.FAILED,
        unknown=SendState.UNKNOWN,
        ends=frozenset({SendState.SENT, SendState.UNKNOWN, SendState.FAILED}),
        # Found out since that its event is a test.
        others={SendState.DUE: frozenset({SendState.FAILED})},
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["page", "channel"], name="reports_pagesend_once")
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["due", "sending"]),
                name="reports_pagesend_due",
            )
        ]
        ordering = ("page", "channel")

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"

    @property
    def patience(self) -> Patience:
        return Patience(deadline=_DEADLINE, retry=_RETRY_PAGE, most_attempts=settings.PAGE_ATTEMPTS)

    def tell(self) -> None:
        publish(Topic.EVENT, self.page.event.event_id)


class ReportState(models.TextChoices):
    """Where a report stands. Only DRAFT may be confirmed; nothing is ever sent twice."""

    DRAFT = "draft", "Draft"
    CONFIRMED = "confirmed", "Confirmed"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    UNKNOWN = "unknown", "Unknown"  # settled by reading the topic back for our id
    FAILED = "failed", "Failed"


class ReportQuerySet(models.QuerySet["Report"]):
    """Reads of reports."""

    def visible_to(self, user: Visitor) -> "ReportQuerySet":
        """Those whose every candidate the user may see."""
        if not user.is_authenticated:
            return self.none()
        hidden = Report.candidates.through.objects.filter(report=OuterRef("pk")).exclude(
            eventcandidate__target__in=visible_targets(user)
        )
        return self.exclude(Exists(hidden))


class Report(Outgoing):
    """An event's candidates as a Hopskotch message, from draft to sent."""

    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.PROTECT, related_name="reports")
    candidates = models.ManyToManyField(EventCandidate, related_name="reports")
    url = models.CharField(max_length=500, help_text="hop URL of the topic")
    body = models.JSONField(help_text="In HERMES's form")
    programs = models.JSONField(default=list, help_text="Names of the programs whose data it uses")
    message_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=10, choices=ReportState.choices, default=ReportState.DRAFT)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = ReportQuerySet.as_manager()

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
            )
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

    @property
    def patience(self) -> Patience:
        return Patience(
            deadline=_DEADLINE,
            retry=_RETRY_REPORT,
            most_attempts=10,
            look=_LOOK_FOR_REPORT,
            quiet=timedelta(seconds=300),
        )

    def tell(self) -> None:
        publish(Topic.EVENT, self.event.event_id)

    @property
    def topic(self) -> str:
        return self.url.rpartition("/")[2]
