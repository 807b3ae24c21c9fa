"""The append-only table of changes, and the table of outside addresses."""

from django.db import models


class Topic(models.TextChoices):
    """The kind of thing that changed; pages subscribe to topics."""

    MESSAGE = "message", "Message"
    ALERTS = "alerts", "Alerts"
    EVENT = "event", "Event"
    RANKING = "ranking", "Ranking"
    REQUEST = "request", "Request"
    NOTIFICATION = "notification", "Notification"
    STREAM = "stream", "Stream"
    ALARM = "alarm", "Alarm"
    SHIFT = "shift", "Shift"
    CLAIM = "claim", "Claim"


class Change(models.Model):
    """One change, written in the transaction that made it.

    It names a row, and has nothing of its content: a page fetches what its user may see.
    """

    topic = models.CharField(max_length=16, choices=Topic.choices)
    key = models.CharField(max_length=100, blank=True, help_text="Event id or primary key")
    # Set if the change concerns one person only; empty: all who may see the row.
    user_id = models.BigIntegerField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"


class Address(models.Model):
    """An outside address that we call, and whether it answers."""

    name = models.CharField(max_length=200, unique=True, help_text="The address without secrets")
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the call that waits for its answer began"
    )
    given_up_at = models.DateTimeField(
        null=True, blank=True, help_text="When that call has been given up for sure"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    silences = models.PositiveIntegerField(
        default=0, help_text="How many calls got no answer, one after the other"
    )
    silent_since = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(null=True, blank=True, help_text="When it is asked again")
    detail = models.TextField(blank=True, help_text="How the last call ended")

    class Meta:
        verbose_name_plural = "addresses"

    def __str__(self) -> str:
        return self.name
