"""The columns of every message that we put on a Kafka topic, and how long it is waited for."""

import uuid
from datetime import timedelta
from typing import ClassVar, Final

from django.db import models

from tom.outbox.models import Outgoing
from tom.outbox.waits import Patience, Waits

_DEADLINE: Final = timedelta(seconds=120)
"""Much longer than every timeout of a broker."""
_LOOK: Final = Waits(timedelta(seconds=15), timedelta(hours=1), share=1)
_QUIET: Final = timedelta(seconds=300)


class TopicMessage(Outgoing):
    """A message under our own id; each kind says how long it waits between attempts."""

    url = models.CharField(max_length=500, help_text="hop URL of the topic")
    message_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    retry: ClassVar[Waits]
    most_attempts: ClassVar[int | None] = None

    class Meta:
        abstract = True

    @property
    def patience(self) -> Patience:
        return Patience(
            deadline=_DEADLINE,
            retry=self.retry,
            most_attempts=self.most_attempts,
            look=_LOOK,
            quiet=_QUIET,
        )

    @property
    def topic(self) -> str:
        return self.url.rpartition("/")[2]
