"""The messages with our classes, one for each score, from composed to sent."""

import uuid
from datetime import timedelta
from typing import Final

from django.db import models

from tom.outbox.models import Outgoing
from tom.outbox.table import Table
from tom.outbox.waits import Patience, Waits
from tom.scoring.models import Score

_DEADLINE: Final = timedelta(seconds=120)
"""Much longer than every timeout of a broker."""
_RETRY: Final = Waits(timedelta(seconds=20), timedelta(minutes=10))
_LOOK: Final = Waits(timedelta(seconds=15), timedelta(hours=1), share=1)


class TellState(models.TextChoices):
    """The state of a message. Nobody confirms it: it speaks of a simulation."""

    DUE = "due", "Due"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    UNKNOWN = "unknown", "Unknown"  # settled by reading the topic back for our id
    REFUSED = "refused", "Refused"


class ClassMessage(Outgoing):
    """One score as a message to the survey of its alert."""

    score = models.OneToOneField(
        Score,
        models.SET_NULL,
        null=True,
        related_name="class_message",
        help_text="None: it was deleted later",
    )
    url = models.CharField(max_length=500, help_text="hop URL of the topic")
    body = models.BinaryField(help_text="In the survey's form; empty: none could be written")
    message_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=8, choices=TellState.choices, default=TellState.DUE)
    created = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

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

    @property
    def patience(self) -> Patience:
        return Patience(
            deadline=_DEADLINE,
            retry=_RETRY,
            most_attempts=None,
            look=_LOOK,
            quiet=timedelta(seconds=300),
        )

    @property
    def topic(self) -> str:
        return self.url.rpartition("/")[2]
