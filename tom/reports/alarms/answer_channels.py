"""Who may hand in answers to alarms from outside, and what each handed in lately."""

from django.db import models
from django.db.models import Q
from tom_common.encryption import EncryptedModelField


class AnswerChannelQuerySet(models.QuerySet["AnswerChannel"]):
    """Reads of channels."""

    def standing(self) -> "AnswerChannelQuerySet":
        """Return the channels that nobody removed, without their secrets."""
        return self.filter(removed=None).defer("secret")


class AnswerChannel(models.Model):
    """A gateway that hands in what people answer; it signs each answer with its secret."""

    name = models.CharField(max_length=100)
    secret = EncryptedModelField(help_text="With which it signs; overwritten once it is removed")
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)
    removed = models.DateTimeField(null=True, blank=True)

    objects = AnswerChannelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(removed=None), name="reports_answerchannel_name"
            )
        ]
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class HandedIn(models.Model):
    """The signature of an answer that was handed in: the same one is taken once."""

    channel = models.ForeignKey(AnswerChannel, on_delete=models.CASCADE, related_name="+")
    signature = models.CharField(max_length=64)
    created = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "signature"], name="reports_handedin_once")
        ]

    def __str__(self) -> str:
        return self.signature[:8]
