"""The switch of all sending, and how far each facility was followed."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class OutboxSwitch(models.Model):
    """The one switch that stops all sending; no row means that sending is on."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sending = models.BooleanField(default=True)
    reason = models.TextField(blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="followup_switch_is_one"),
        ]

    def __str__(self) -> str:
        return "sending" if self.sending else f"stopped: {self.reason}"


class FacilityWatch(models.Model):
    """How far we have followed a facility's requests."""

    facility = models.CharField(max_length=32, unique=True)
    next_poll = models.DateTimeField()
    # A time of the facility's clock: every change before it has been read.
    read_until = models.DateTimeField(null=True, blank=True)
    last_answer = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(
        default=0, help_text="How many calls failed one after the other"
    )
    detail = models.TextField(blank=True, help_text="What the last failure said")
    listing = models.JSONField(
        default=dict, blank=True, help_text="What the facility last told about its instruments"
    )
    next_listing = models.DateTimeField(
        null=True, blank=True, help_text="When to ask for its instruments again; none: now"
    )

    def __str__(self) -> str:
        return self.facility
