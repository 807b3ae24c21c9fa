"""The alarms, and the sending of each alarm on each channel."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.outbox.models import Outgoing
from tom.outbox.table import Table
from tom.outbox.waits import Patience, Waits
from tom.targets.models import Visitor

_DEADLINE: Final = timedelta(seconds=120)
"""Much longer than every timeout of a channel."""
_RETRY: Final = Waits(timedelta(seconds=20), timedelta(hours=1))


class AlarmCause(models.TextChoices):
    """Why a person is called; each cause raises one alarm per event."""

    SIGNIFICANT = "significant", "Significant event"
    RETRACTION = "retraction", "Retraction"


class AlarmQuerySet(models.QuerySet["Alarm"]):
    """Reads of alarms. They hold nothing private: everybody who is logged in may see them."""

    def visible_to(self, user: Visitor) -> "AlarmQuerySet":
        return self.all() if user.is_authenticated else self.none()

    def unacknowledged(self) -> "AlarmQuerySet":
        return self.filter(acknowledged_at=None)


class Alarm(models.Model):
    """A call to the people on shift; the first person who answers acknowledges it."""

    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.CASCADE, related_name="alarms")
    cause = models.CharField(max_length=16, choices=AlarmCause.choices)
    title = models.CharField(max_length=200)
    body = models.TextField()
    created = models.DateTimeField(auto_now_add=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True, blank=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "cause"], name="reports_alarm_once")
        ]
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title

    @property
    def outcome(self) -> str:
        """The best outcome of its channels: `sent`, `unknown`, `under way`, `failed` or `none`.

        `none`: there is no channel. This reads all of `sends`: prefetch them.
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
        """The reason of each channel that failed, as one text."""
        failed = [send for send in self.sends.all() if send.state == SendState.FAILED]
        return " ".join(f"{send.get_channel_display()}: {send.reason}." for send in failed)


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"


class SendState(models.TextChoices):
    """The state of an alarm on one channel."""

    DUE = "due", "Due"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    UNKNOWN = "unknown", "Unknown"  # the alarm may have arrived: it is not sent again
    FAILED = "failed", "Failed"


class AlarmSend(Outgoing):
    """An alarm on one channel."""

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="sends")
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
            models.UniqueConstraint(fields=["alarm", "channel"], name="reports_alarmsend_once")
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["due", "sending"]),
                name="reports_alarmsend_due",
            )
        ]
        ordering = ("alarm", "channel")

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"

    @property
    def patience(self) -> Patience:
        return Patience(deadline=_DEADLINE, retry=_RETRY, most_attempts=settings.ALARM_ATTEMPTS)

    def tell(self) -> None:
        publish(Topic.EVENT, self.alarm.event.event_id)
