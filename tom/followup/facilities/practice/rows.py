"""What the practice telescope was asked: its only memory."""

from django.db import models

from tom.followup.models import KEY_LENGTH


class PracticeObservation(models.Model):
    """What the practice telescope was asked; how far it is follows from the time since then."""

    key = models.CharField(max_length=KEY_LENGTH, unique=True)
    body = models.JSONField()
    created = models.DateTimeField()
    step_seconds = models.FloatField()
    canceled = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "followup"

    def __str__(self) -> str:
        return self.key
