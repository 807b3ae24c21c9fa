"""Joins and splits of targets by people, stored so that they can be undone."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from tom_targets.base_models import BaseTarget


class JoinKind(models.TextChoices):
    JOIN = "join", "Joined"
    SPLIT = "split", "Split off"


class TargetJoin(models.Model):
    """One join of two targets, or one split of a target, by a person.

    Of a join `other` is hidden as long as it stands; of a split `other` is the new target, hidden
    once the split is undone. What is hidden keeps what cannot be of both: old scores and ranks.
    """

    kind = models.CharField(max_length=5, choices=JoinKind.choices)
    kept = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="joins")
    other = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="joins_as_other")
    other_name = models.CharField(
        max_length=100, help_text="The name that the other target had then"
    )
    hides_other = models.BooleanField()
    changes = models.JSONField(
        default=list, help_text="Each changed row: its table, its key, and what it was and became"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("-pk",)
        indexes = [
            models.Index(
                fields=["other"], condition=Q(hides_other=True), name="targets_join_hidden"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.other_id} and {self.kept_id}"
