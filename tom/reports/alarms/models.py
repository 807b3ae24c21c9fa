"""The alarms, and the sending of each alarm to each contact and on each channel of the settings."""

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
from tom.reports.alarms.contacts import Channel, Contact
from tom.reports.alarms.rules import AlarmRule
from tom.targets.models import Visitor

_DEADLINE: Final = timedelta(seconds=120)
"""Much longer than every timeout of a channel."""
_RETRY: Final = Waits(timedelta(seconds=20), timedelta(hours=1))


class AlarmCause(models.TextChoices):
    """Why a person is called; each cause raises one alarm per event, rule and turn."""

    SIGNIFICANT = "significant", "Significant event"
    RETRACTION = "retraction", "Retraction"
    RESTORED = "restored", "No longer retracted"
    TRIAL = "trial", "Test of a contact"


class AlarmQuerySet(models.QuerySet["Alarm"]):
    """Reads of alarms. They hold nothing private: everybody who is logged in may see them."""

    def visible_to(self, user: Visitor) -> "AlarmQuerySet":
        return self.all() if user.is_authenticated else self.none()

    def unacknowledged(self) -> "AlarmQuerySet":
        """Return the alarms of events that nobody answered; a test of a contact wants no answer.

        Left out are those of a joined event (the event that is kept raised them, too), the calls of
        a retracted event, and the retractions of an event that is live again.
        """
        retractions = Q(cause=AlarmCause.RETRACTION)
        stands = Q(retractions, event__retracted=True) | Q(~retractions, event__retracted=False)
        return self.filter(stands, acknowledged_at=None, event__joined_to=None)


class Alarm(models.Model):
    """A call to the people on shift; the first person who answers acknowledges it."""

    event = models.ForeignKey(
        NonLocalizedEvent, null=True, on_delete=models.CASCADE, related_name="alarms"
    )
    cause = models.CharField(max_length=16, choices=AlarmCause.choices)
    rule = models.ForeignKey(
        AlarmRule,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="alarms",
        help_text="The rule that raised it; none: the settings, or a retraction",
    )
    step = models.PositiveSmallIntegerField(
        default=0, help_text="How many steps of its rule were called"
    )
    next_at = models.DateTimeField(
        null=True, blank=True, help_text="When the next step is called, if nobody answers"
    )
    turn = models.PositiveSmallIntegerField(
        default=0, help_text="How many of its cause came before: an event may be retracted again"
    )
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
            models.UniqueConstraint(
                fields=["event", "cause", "rule", "turn"],
                condition=Q(event__isnull=False),
                nulls_distinct=False,
                name="reports_alarm_once",
            ),
            models.CheckConstraint(
                condition=Q(event__isnull=False) ^ Q(cause="trial"), name="reports_alarm_of_event"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=Q(next_at__isnull=False),
                name="reports_alarm_next",
            )
        ]
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title

    @property
    def stands(self) -> bool:
        """Whether its event, as it stands now, still calls for it."""
        is_retraction = self.cause == AlarmCause.RETRACTION
        return self.event is None or self.event.retracted is is_retraction

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
        """The reason of each channel that failed or is withheld, as one text."""
        ends = (SendState.FAILED, SendState.WITHHELD)
        failed = [send for send in self.sends.all() if send.state in ends]
        return " ".join(f"{send.get_channel_display()}: {send.reason}." for send in failed)


class SendState(models.TextChoices):
    """The state of an alarm on one channel."""

    DUE = "due", "Due"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    UNKNOWN = "unknown", "Unknown"  # the alarm may have arrived: it is not sent again
    FAILED = "failed", "Failed"
    WITHHELD = "withheld", "Withheld"  # until its event is live again


class AlarmSend(Outgoing):
    """An alarm to one contact, or on one channel of the settings."""

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="sends")
    channel = models.CharField(max_length=8, choices=Channel.choices)
    contact = models.ForeignKey(
        Contact,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="sends",
        help_text="Whom it reaches; none: whom the settings name",
    )
    reaches = models.CharField(
        max_length=200, blank=True, help_text="Whom it was to reach, in words that outlast the row"
    )
    step = models.PositiveSmallIntegerField(default=0, help_text="Of its rule; 0: no rule")
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
        others={
            SendState.DUE: frozenset({SendState.FAILED, SendState.WITHHELD}),
            SendState.WITHHELD: frozenset({SendState.DUE}),
        },
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["alarm", "channel"],
                condition=Q(reaches=""),
                name="reports_alarmsend_once",
            ),
            models.UniqueConstraint(
                fields=["alarm", "contact", "step"], name="reports_alarmsend_contact_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["due", "sending"]),
                name="reports_alarmsend_due",
            )
        ]
        ordering = ("alarm", "step", "channel", "pk")

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"

    @property
    def patience(self) -> Patience:
        return Patience(deadline=_DEADLINE, retry=_RETRY, most_attempts=settings.ALARM_ATTEMPTS)

    def tell(self) -> None:
        tell_of(self.alarm)


def tell_of(alarm: Alarm) -> None:
    """Notify the pages that show an alarm, in the transaction of its change."""
    if alarm.event is not None:
        publish(Topic.EVENT, alarm.event.event_id)
    else:
        publish(Topic.ALARM, alarm.pk)
