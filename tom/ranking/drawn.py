"""Draws of the members of a list at random, as rows: one for each night, one for each target."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.strategies.models import Strategy


class Exploration(models.Model):
    """One night's draw from a strategy's list."""

    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="+")
    night = models.DateField(help_text="The date of its evening")
    propensity = models.FloatField(help_text="The chance with which each member was drawn, 0 to 1")
    members = models.PositiveIntegerField(help_text="How many there were to draw from")
    seed = models.CharField(max_length=32)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["strategy", "night"], name="ranking_one_draw_a_night"),
            models.CheckConstraint(
                condition=Q(propensity__gt=0, propensity__lte=1), name="ranking_propensity"
            ),
        ]

    def __str__(self) -> str:
        return f"draw from {self.strategy} in the night of {self.night}"


class Drawn(models.Model):
    """A target that was drawn."""

    exploration = models.ForeignKey(Exploration, on_delete=models.CASCADE, related_name="drawn")
    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["exploration", "target"], name="ranking_drawn_once")
        ]

    def __str__(self) -> str:
        return f"{self.target_id} in {self.exploration}"
