"""The requests that the practice telescope got. It keeps nothing else."""

from django.db import models

from tom.followup.models import KEY_LENGTH


class PracticeObservation(models.Model):
    """A request to the practice telescope; its progress follows from the time since `created`."""

    key = models.CharField(max_length=KEY_LENGTH, unique=True)
    body = models.JSONField()
    created = models.DateTimeField()
    step_seconds = models.FloatField()
    canceled = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "followup"

    def __str__(self) -> str:
        return self.key
