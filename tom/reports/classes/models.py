"""The messages with our classes, one for each score, from composed to sent."""

from datetime import timedelta

from django.db import models

from tom.outbox.table import Table
from tom.outbox.waits import Waits
from tom.reports.topic_messages import TopicMessage
from tom.scoring.models import Score


class TellState(models.TextChoices):
    """The state of a message. Nobody confirms it: it speaks of a simulation."""

    DUE = "due", "Due"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    UNKNOWN = "unknown", "Unknown"  # settled by reading the topic back for our id
    REFUSED = "refused", "Refused"


class ClassMessage(TopicMessage):
    """One score as a message to the survey of its alert."""

    score = models.OneToOneField(
        Score,
        models.SET_NULL,
        null=True,
        related_name="class_message",
        help_text="None: it was deleted later",
    )
    body = models.BinaryField(help_text="In the survey's form; empty: none could be written")
    state = models.CharField(max_length=8, choices=TellState.choices, default=TellState.DUE)

    retry = Waits(timedelta(seconds=20), timedelta(minutes=10))

    table = Table(
        due=TellState.DUE,
        again=TellState.DUE,
        sending=TellState.SENDING,
        sent=TellState.SENT,
        refused=TellState.REFUSED,
        unknown=TellState.UNKNOWN,
        ends=frozenset({TellState.SENT, TellState.REFUSED}),
        # It never arrived, and cannot any more: it is sent again.
        others={TellState.UNKNOWN: frozenset({TellState.DUE})},
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=["due", "sending", "unknown"]),
                name="reports_class_message_due",
            ),
            models.Index(fields=["state", "-id"], name="reports_class_message_state"),
        ]

    def __str__(self) -> str:
        return f"{self.score_id} to {self.topic}"
