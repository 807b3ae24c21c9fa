"""The columns of every row that goes through the outbox."""

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import Q

from tom.outbox.table import Table
from tom.outbox.waits import Patience


class Outgoing(models.Model):
    """A row that is sent once; each kind of row has its table of states and its waits."""

    state = models.CharField(max_length=24)
    reason = models.TextField(blank=True, help_text="Why it is in this state")
    attempts = models.PositiveIntegerField(
        default=0, help_text="How often it was sent, or may have been sent"
    )
    tried_at = models.DateTimeField(null=True, blank=True, help_text="When it was last being sent")
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the outbox looks at it again; none: at once"
    )

    table: ClassVar[Table]

    class Meta:
        abstract = True

    @property
    def patience(self) -> Patience:
        """How long the outbox waits for the row, by the present settings."""
        raise NotImplementedError

    def keep_move(self, old: str, by: AbstractBaseUser | None) -> None:
        """Log the change from the state `old`, in its transaction; without a log, do nothing.

        `by` is the person who made the change, or None.
        """

    def answer_lost(self, now: datetime) -> None:
        """Note that the row may appear on the other side from now on, in every state."""

    def tell(self) -> None:
        """Notify the pages that show the row, in the transaction of its change."""


def due(now: datetime) -> Q:
    """Return the condition that a row is due at `now`: `due_at` is past, or is None."""
    return Q(due_at__lte=now) | Q(due_at=None)
