"""What is computed of an event's pointings once, for pages: their efficiency."""

from django.db import models

from tom.events.models import Localization


class EfficiencyState(models.TextChoices):
    """How far an efficiency is."""

    WAITING = "waiting", "Waiting"
    DONE = "done", "Computed"
    FAILED = "failed", "Failed"


class Efficiency(models.Model):
    """What some pointings would have caught, at a map and a time. It names no reader.

    It is known by all that it follows from, so that only who may see these very pointings finds it.
    """

    sha256 = models.CharField(max_length=64, unique=True, help_text="Of all that it follows from")
    localization = models.ForeignKey(Localization, on_delete=models.CASCADE, related_name="+")
    event_time = models.DateTimeField(help_text="From which the source fades, UTC")
    pointings = models.JSONField(help_text="The keys of the pointings")
    state = models.CharField(
        max_length=8, choices=EfficiencyState.choices, default=EfficiencyState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    begun = models.DateTimeField(null=True, help_text="When a worker last took it up")
    result = models.JSONField(
        default=dict, help_text="tom.pointings.efficiency.Found as it is stored; empty: none"
    )
    reason = models.TextField(blank=True, help_text="Why there is none")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(state="waiting"),
                name="pointings_efficiency_due",
            )
        ]

    def __str__(self) -> str:
        return f"efficiency of {len(self.pointings)} pointings"
