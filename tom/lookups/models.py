"""What somebody looks up at brokers, and what each of them answers."""

from django.contrib.auth.models import User
from django.db import models


class AnswerState(models.TextChoices):
    """What became of the question to one broker."""

    WAITING = "waiting", "Waiting"
    ASKING = "asking", "Asking"
    FOUND = "found", "Found"
    NOTHING = "nothing", "Nothing found"
    FAILED = "failed", "Failed"


UNDER_WAY = (AnswerState.WAITING, AnswerState.ASKING)


class Lookup(models.Model):
    """A name, or a place with a radius, that a person asks brokers for."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    text = models.CharField(max_length=400, help_text="As it was written")
    name = models.CharField(max_length=100, blank=True, help_text="Empty where a place is meant")
    ra = models.FloatField(null=True, help_text="ICRS degrees")
    dec = models.FloatField(null=True, help_text="ICRS degrees")
    radius_arcsec = models.FloatField(null=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.text


class Answer(models.Model):
    """What one broker says to a question."""

    lookup = models.ForeignKey(Lookup, on_delete=models.CASCADE, related_name="answers")
    broker = models.CharField(max_length=64)
    question = models.CharField(
        max_length=200, help_text="The name or the place: whoever asks the same gets the same"
    )
    state = models.CharField(
        max_length=16, choices=AnswerState.choices, default=AnswerState.WAITING
    )
    reason = models.TextField(blank=True)
    found = models.JSONField(default=list, help_text="Each a message that the broker's form reads")
    kept = models.JSONField(default=dict, help_text="The message of each object that was taken")
    asked = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lookup", "broker"], name="lookups_answer_once")
        ]
        indexes = [models.Index(fields=["broker", "question", "-finished"], name="lookups_same")]
        ordering = ("broker",)

    def __str__(self) -> str:
        return f"{self.broker} on {self.question}"

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY
