"""GCN Circulars and their versions."""

from decimal import Decimal

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from tom.streams.models import AlertMessage


class CircularNumberField(models.DecimalField):  # type: ignore[type-arg]  # not at run time
    """The number of a GCN Circular: a whole number without decimals, or a half such as 18453.5."""

    def from_db_value(self, value: Decimal | None, *_: object) -> Decimal | None:
        whole = value is not None and value % 1 == 0
        return value.to_integral_value() if value is not None and whole else value


class Circular(models.Model):
    """A GCN Circular, in its newest version."""

    circular_id = CircularNumberField(max_digits=11, decimal_places=1, unique=True)
    version = models.PositiveIntegerField(default=1)
    subject = models.TextField()
    submitter = models.TextField(blank=True)
    body = models.TextField()
    takes_back = models.TextField(
        blank=True,
        db_default="",
        help_text="Its words that the event is none",
    )
    created_on = models.DateTimeField(db_index=True)
    event_name = models.CharField(
        max_length=200, blank=True, help_text="The event's name as the circular writes it"
    )
    names = models.JSONField(
        default=list, blank=True, help_text="Keys of the events it names (event_names.key_of)"
    )
    event = models.ForeignKey(
        "events.NonLocalizedEvent",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="circulars",
    )
    message = models.ForeignKey(AlertMessage, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [
            GinIndex(fields=["names"], opclasses=["jsonb_path_ops"], name="events_circular_names")
        ]
        ordering = ("-created_on",)

    def __str__(self) -> str:
        return f"GCN {self.circular_id}: {self.subject}"


class CircularVersion(models.Model):
    """One version of a circular, and the first message that brought it. The message has the text.

    Version 0 means that the sender gave no number. A circular may have several versions 0.
    """

    circular = models.ForeignKey(Circular, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    message = models.OneToOneField(
        AlertMessage, on_delete=models.PROTECT, related_name="circular_version"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["circular", "version"],
                condition=models.Q(version__gt=0),
                name="events_circular_version_once",
            )
        ]
        ordering = ("version", "message")

    def __str__(self) -> str:
        return f"version {self.version} of {self.circular_id}"
