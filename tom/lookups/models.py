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


NOT_ASKED = "not asked: "
"""How the reason begins where a broker or a service was not asked at all."""
UNDER_WAY = (AnswerState.WAITING, AnswerState.ASKING)


class Lookup(models.Model):
    """A name, or a place with a radius, that a person asks brokers for."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    text = models.CharField(max_length=400, help_text="The question as the person wrote it")
    name = models.CharField(
        max_length=100,
        blank=True,
        help_text="The name that is asked for. Empty: a place is asked for",
    )
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
        max_length=200,
        help_text="The name or the place in one spelling: who asks the same gets the same answer",
    )
    state = models.CharField(
        max_length=16, choices=AnswerState.choices, default=AnswerState.WAITING
    )
    reason = models.TextField(blank=True)
    found = models.JSONField(
        default=list,
        help_text="The objects that were found, each as a message in the broker's form",
    )
    kept = models.JSONField(
        default=dict, help_text="The message that was stored for each object that somebody took"
    )
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

    @property
    def label(self) -> str:
        """What became of the question, in a word or two."""
        is_asked = not self.reason.startswith(NOT_ASKED)
        return AnswerState(self.state).label if is_asked else "Not asked"
