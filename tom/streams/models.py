"""Raw messages, each stored with what became of it; the streams that they come by, and log-ins."""

from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from tom_common.encryption import EncryptedModelField

from tom.streams.filters import FilterCount, FilterTrial, StreamFilter
from tom.streams.health import HeartbeatGap, StreamHealth, TopicMinute

__all__ = [
    "AlertMessage",
    "ConnectionTest",
    "Credential",
    "FilterCount",
    "FilterTrial",
    "HeartbeatGap",
    "Mechanism",
    "MessageState",
    "Stream",
    "StreamFilter",
    "StreamHealth",
    "StreamKind",
    "StreamPosition",
    "TopicMinute",
]


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
        null=True,
        blank=True,
        help_text="None: it came from a file, or another message has the position",
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
    payload = models.BinaryField(
        null=True, help_text="None: the store of packets has the bytes, or they are no longer kept"
    )
    packet_object = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Where its bytes are in that store"
    )
    packet_offset = models.BigIntegerField(null=True, help_text="At which byte they begin there")
    group = models.ForeignKey(
        Group,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        help_text="It came by a stream of this group, and is for its members alone",
    )
    stream = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="The key of that stream, which may be deleted meanwhile",
    )
    is_repeat = models.BooleanField(
        default=False, help_text="The same bytes stand in an earlier row of this topic"
    )
    state = models.CharField(
        max_length=16, choices=MessageState.choices, default=MessageState.RECEIVED
    )
    reason = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    replays = models.PositiveSmallIntegerField(default=0)
    sent = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Kafka's time of the message: when the broker got it, or the producer sent it",
    )
    received = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, blank=True)
    retracted = models.DateTimeField(
        null=True, blank=True, help_text="When we heard that its author took it back"
    )
    seen = models.DateTimeField(
        null=True, blank=True, help_text="Of a dead alert: when a person said that it is seen"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["broker", "topic", "partition", "offset"], name="streams_message_position"
            ),
            # The same bytes on the same topic for the same readers are the same message: one row
            # does the work. What a group had first may come for everybody later.
            models.UniqueConstraint(
                fields=["topic", "sha256", "group"],
                condition=models.Q(is_repeat=False),
                nulls_distinct=False,
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
            models.Index(
                fields=["kind", "-received"],
                condition=models.Q(state="dead", seen=None),
                name="streams_message_unseen",
            ),
            models.Index(fields=["-received"], name="streams_message_received"),
            models.Index(fields=["topic", "-received"], name="streams_message_topic"),
            models.Index(
                fields=["stream", "group"],
                condition=models.Q(group__isnull=False),
                name="streams_message_private",
            ),
            models.Index(
                fields=["packet_object"],
                condition=~models.Q(packet_object=""),
                name="streams_message_packet",
            ),
        ]
        permissions = [("replay_alertmessage", "Can replay a message")]

    def __str__(self) -> str:
        return f"{self.topic} {self.name or self.offset}"

    @property
    def has_bytes(self) -> bool:
        """Whether its bytes are still kept."""
        return self.payload is not None or bool(self.packet_object)


class StreamKind(models.TextChoices):
    """What a stream is read from."""

    SCIMMA = "scimma", "Hopskotch (SCiMMA)"
    GCN = "gcn", "GCN"
    KAFKA = "kafka", "another Kafka broker"
    PUBSUB = "pubsub", "Google Pub/Sub"


class Mechanism(models.TextChoices):
    """How one logs in at a broker, as Kafka names it, or at Google."""

    SCRAM_512 = "SCRAM-SHA-512", "SCRAM-SHA-512"
    SCRAM_256 = "SCRAM-SHA-256", "SCRAM-SHA-256"
    PLAIN = "PLAIN", "PLAIN"
    OAUTH = "OAUTHBEARER", "OAuth client (GCN)"
    GOOGLE = "GOOGLE", "key of a Google service account"


class Credential(models.Model):
    """What logs in at one host. Its secret is stored encrypted, and no page shows it."""

    name = models.CharField(max_length=100, unique=True)
    host = models.CharField(max_length=255, help_text="The only host that it is sent to")
    mechanism = models.CharField(
        max_length=16, choices=Mechanism.choices, default=Mechanism.SCRAM_512
    )
    username = models.CharField(
        max_length=200, help_text="For OAuth, the client's id; at Google, the account's address"
    )
    secret = EncryptedModelField(
        help_text="The password; for OAuth, the client's secret; of Google, the key in JSON"
    )
    token_url = models.CharField(max_length=500, blank=True, help_text="Where OAuth gets a token")
    group = models.ForeignKey(
        Group,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Whose members may use it; empty: whoever may change streams",
    )
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class StreamQuerySet(models.QuerySet["Stream"]):
    """Reads of streams; none of them reads a secret."""

    def entered(self) -> "StreamQuerySet":
        """Those that somebody entered; the environment names the others."""
        return self.filter(is_fixed=False)

    def with_credentials(self) -> "StreamQuerySet":
        """With each one's credential, but for the secret: one damaged secret harms no other."""
        return self.select_related("credential__group", "group").defer("credential__secret")


class Stream(models.Model):
    """Topics of one broker that are read, as somebody entered them.

    Of Google Pub/Sub they are the subscriptions of one project.
    """

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=16, choices=StreamKind.choices, default=StreamKind.KAFKA)
    address = models.CharField(max_length=255, help_text="host[:port]; of Pub/Sub host/project")
    tls = models.BooleanField(default=True, help_text="Whether the connection is encrypted")
    authority = models.TextField(
        blank=True, help_text="The certificate of the broker's own authority, in PEM"
    )
    topics = ArrayField(models.CharField(max_length=249))
    credential = models.ForeignKey(
        Credential, models.PROTECT, null=True, blank=True, related_name="streams"
    )
    consumer_group = models.CharField(
        max_length=200, help_text="The name under which the database keeps how far we have read"
    )
    group = models.ForeignKey(
        Group,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What comes by it is for this group's members alone; None: for everybody",
    )
    packet_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="For how many days its survey packets are kept. 0: for ever. None: PACKET_DAYS",
    )
    active = models.BooleanField(default=False)
    is_fixed = models.BooleanField(
        default=False,
        db_default=False,
        help_text="STREAMS in the environment names it; the row holds its filter and nothing else",
    )
    changed = models.DateTimeField(auto_now=True)

    objects = StreamQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class StreamPosition(models.Model):
    """How far a consumer group has read a partition; moved in the transaction of its data."""

    broker = models.CharField(max_length=255)
    group = models.CharField(max_length=255)
    topic = models.CharField(max_length=255)
    partition = models.IntegerField()
    offset = models.BigIntegerField(
        null=True,
        help_text="The offset of the next message to read. None: nothing of it was stored yet",
    )
    claim = models.BigIntegerField(default=0, help_text="Only the newest claim may move it")
    topic_id = models.CharField(
        max_length=64, blank=True, help_text="What the broker calls this topic until it is deleted"
    )
    updated = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["broker", "group", "topic", "partition"], name="streams_position_partition"
            )
        ]

    def __str__(self) -> str:
        return f"{self.topic} [{self.partition}] at {self.offset}"


class ConnectionTest(models.Model):
    """The newest test of a stream's connection: what was found, or the fault."""

    stream = models.OneToOneField(Stream, models.CASCADE, related_name="test")
    asked = models.DateTimeField()
    finished = models.DateTimeField(null=True, blank=True)
    fault = models.TextField(blank=True)
    found = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"test of {self.stream_id}"
