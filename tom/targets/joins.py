"""That people joined two targets, or split an object off one: kept, so that it can be undone."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from tom_targets.base_models import BaseTarget


class JoinKind(models.TextChoices):
    JOIN = "join", "Joined"
    SPLIT = "split", "Split off"


class TargetJoin(models.Model):
    """Two targets that a person made one, or one of which a person made two.

    Of a join `other` is hidden as long as it stands; of a split `other` is the new target, hidden
    once the split is undone. What is hidden keeps what cannot be of both: old scores and ranks.
    """

    kind = models.CharField(max_length=5, choices=JoinKind.choices)
    kept = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="joins")
    other = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="joins_as_other")
    other_name = models.CharField(max_length=100, help_text="The other target's, then")
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
