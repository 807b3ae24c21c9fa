"""The append-only table of what happened."""

from django.db import models


class Topic(models.TextChoices):
    """What a live event is about; pages subscribe by these."""

    MESSAGE = "message", "Message"
    ALERTS = "alerts", "Alerts"
    EVENT = "event", "Event"
    RANKING = "ranking", "Ranking"
    REQUEST = "request", "Request"
    NOTIFICATION = "notification", "Notification"


class LiveEvent(models.Model):
    """One thing that happened, written in the transaction that made it so.

    It names rows, never their content: a page fetches what its user may see.
    """

    topic = models.CharField(max_length=16, choices=Topic.choices)
    key = models.CharField(max_length=100, blank=True, help_text="Event id or primary key")
    # Set where only one person is concerned; empty: everyone who may see the row named.
    user_id = models.BigIntegerField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"
