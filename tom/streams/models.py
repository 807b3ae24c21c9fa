"""Raw messages: every one is stored, with what became of it."""

from django.db import models


class MessageState(models.TextChoices):
    """What became of a message."""

    RECEIVED = "received", "Received"  # kept, its work not yet done
    STORED = "stored", "Stored"
    KNOWN = "known", "Known already"
    UNHANDLED = "unhandled", "Unhandled"  # kept, no parser for it yet
    DEAD = "dead", "Dead"  # with a reason, and a replay


class AlertMessage(models.Model):
    """One raw message of a stream, kept before its offset is committed."""

    broker = models.CharField(
        max_length=255, blank=True, help_text="The Kafka broker it came from; empty for a file"
    )
    topic = models.CharField(max_length=255)
    partition = models.IntegerField(null=True, blank=True)
    offset = models.BigIntegerField(
        null=True, blank=True, help_text="None for a file, and where other bytes hold the position"
    )
    name = models.CharField(
        max_length=300, blank=True, help_text="File name, or the message's own id"
    )
    headers = models.JSONField(
        default=list, help_text="Kafka's headers, [name, value] each, as its sender wrote them"
    )
    kind = models.CharField(max_length=32, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    payload = models.BinaryField(null=True, help_text="None once the retention time has passed")
    is_repeat = models.BooleanField(
        default=False, help_text="The same bytes stand in an earlier row of this topic"
    )
    state = models.CharField(
        max_length=16, choices=MessageState.choices, default=MessageState.RECEIVED
    )
    reason = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    replays = models.PositiveSmallIntegerField(default=0)
    received = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["broker", "topic", "partition", "offset"], name="streams_message_position"
            ),
            # The same bytes on the same topic are the same message: one row does the work.
            models.UniqueConstraint(
                fields=["topic", "sha256"],
                condition=models.Q(is_repeat=False),
                name="streams_message_content",
            ),
        ]
        indexes = [
            models.Index(
                fields=["kind", "id"],
                condition=models.Q(state="received"),
                name="streams_message_waiting",
            ),
            models.Index(fields=["state", "-received"], name="streams_message_state"),
            models.Index(fields=["-received"], name="streams_message_received"),
            models.Index(fields=["topic", "-received"], name="streams_message_topic"),
        ]
        permissions = [("replay_alertmessage", "Can replay a message")]

    def __str__(self) -> str:
        return f"{self.topic} {self.name or self.offset}"


class StreamHealth(models.Model):
    """The last report of the listener of one topic."""

    stream = models.CharField(max_length=255, help_text="The Kafka broker it comes from")
    topic = models.CharField(max_length=255, blank=True)
    connected = models.BooleanField(default=False)
    detail = models.TextField(blank=True)
    last_heard = models.DateTimeField(null=True, blank=True)
    last_message = models.DateTimeField(null=True, blank=True)
    messages = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "topic"], name="streams_health_topic")
        ]
        ordering = ("stream", "topic")

    def __str__(self) -> str:
        return f"{self.topic} of {self.stream}"
