"""The columns of everything that goes through the outbox."""

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import Q

from tom.outbox.table import Table
from tom.outbox.waits import Patience


class Outgoing(models.Model):
    """A row that is sent once; each kind names its states and says how patient the outbox is."""

    state = models.CharField(max_length=24)
    reason = models.TextField(blank=True, help_text="Why it is in this state")
    attempts = models.PositiveIntegerField(default=0, help_text="Times it was sent, or may have")
    tried_at = models.DateTimeField(null=True, blank=True, help_text="When it was last being sent")
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the outbox looks at it again; none: at once"
    )

    table: ClassVar[Table]

    class Meta:
        abstract = True

    @property
    def patience(self) -> Patience:
        """How long the outbox waits for it, by the present settings."""
        raise NotImplementedError

    def keep_move(self, old: str, by: AbstractBaseUser | None) -> None:
        """Log the change of state, in its transaction; a kind without a log does nothing.

        `old` is the state that it came from.
        """

    def answer_lost(self, now: datetime) -> None:
        """Note that from now on it may appear on the other side, whatever its state is."""

    def tell(self) -> None:
        """Tell the pages that show it, in the transaction of what changed."""


def due(now: datetime) -> Q:
    """Return the condition that a row is due."""
    return Q(due_at__lte=now) | Q(due_at=None)
