"""What the listeners report of each topic: its state, its rates, the gaps of its heartbeats."""

from django.db import models


class StreamHealth(models.Model):
    """The last report of the listener of one topic."""

    stream = models.CharField(max_length=255, help_text="The Kafka broker it comes from")
    topic = models.CharField(max_length=255, blank=True)
    connected = models.BooleanField(default=False)
    detail = models.TextField(blank=True)
    waits_for = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="Reading waits: so many packets and targets are due. None: it does not wait",
    )
    last_heard = models.DateTimeField(null=True, blank=True)
    last_message = models.DateTimeField(null=True, blank=True)
    messages = models.BigIntegerField(default=0)
    size = models.BigIntegerField(
        default=0, db_default=0, help_text="Bytes of the messages that came, whether kept or not"
    )
    lost = models.BigIntegerField(
        default=0, help_text="Messages that the broker deleted before they were read"
    )
    notice = models.TextField(blank=True, help_text="Why reading did not go on where it had ended")
    noticed = models.DateTimeField(null=True, blank=True)
    lag = models.BigIntegerField(
        null=True, blank=True, help_text="Messages that the broker holds and we have not stored"
    )
    lag_measured = models.DateTimeField(null=True, blank=True)
    reported = models.DateTimeField(null=True, blank=True, help_text="When the listener last wrote")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "topic"], name="streams_health_topic")
        ]
        ordering = ("stream", "topic")

    def __str__(self) -> str:
        return f"{self.topic} of {self.stream}"


class TopicMinute(models.Model):
    """How many messages of a topic came within one minute, heartbeats and tests too."""

    health = models.ForeignKey(StreamHealth, models.CASCADE, related_name="minutes")
    minute = models.DateTimeField(help_text="When the minute began")
    messages = models.BigIntegerField()
    left_out = models.BigIntegerField(
        default=0, db_default=0, help_text="How many of them the filter left out"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["health", "minute"], name="streams_topic_minute")
        ]

    def __str__(self) -> str:
        return f"{self.messages} in {self.minute}"


class HeartbeatGap(models.Model):
    """A time in which no heartbeat was heard from a topic that has one every second or so."""

    health = models.ForeignKey(StreamHealth, models.CASCADE, related_name="gaps")
    began = models.DateTimeField()
    ended = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.began} to {self.ended}"
