"""Comparisons of strategies on past nights, as rows: what was asked, and what is found so far."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone

from tom.scoring.feedback import TRUTHS
from tom.strategies.models import Strategy

MOST_NIGHTS: Final = 60
MOST_SHOWN: Final = 50
"""So many of the first of a list are compared at most."""


def past_nights(now: datetime, n: int) -> list[datetime]:
    """Return the same hour of the last n days, the newest first; today's is not over."""
    return [now - timedelta(days=day) for day in range(1, n + 1)]


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    """Reads of comparisons."""

    def visible_to(self, user: User) -> "ComparisonQuerySet":
        """Return those of strategies all of whose lists the user may see."""
        seen = Strategy.objects.visible_to(user).values("pk")
        hidden = Compared.objects.filter(comparison=OuterRef("pk")).exclude(strategy__in=seen)
        return self.filter(~Exists(hidden))


class Comparison(models.Model):
    """A question which of some strategies finds more, on past nights; its answer is in `parts`."""

    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(default=timezone.now, help_text="Its hour is that of each night")
    nights = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MOST_NIGHTS)]
    )
    k = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MOST_SHOWN)],
        help_text="So many of the first of each list are looked at",
    )
    truth = models.CharField(max_length=12, choices=[(name, name) for name in TRUTHS])
    begun = models.DateTimeField(null=True, help_text="When a worker took it up. None: none has it")
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="How often the next night was begun"
    )
    finished = models.DateTimeField(null=True)
    fault = models.TextField(blank=True, help_text="Why it ended early. Empty: it did not")

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"comparison {self.pk}"

    def moments(self) -> list[datetime]:
        """The moments whose lists are made, the newest first: when it was asked, and the nights."""
        return [self.created, *past_nights(self.created, self.nights)]


class Compared(models.Model):
    """One strategy of a comparison, with its list of each moment."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="parts")
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="+")
    basis = models.CharField(
        max_length=64, help_text="sha256 of the settings and scorers that it was asked for with"
    )
    nights = models.JSONField(
        default=list, help_text="What was found, in the order of the comparison's moments"
    )

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["comparison", "strategy"], name="ranking_compared_once")
        ]

    def __str__(self) -> str:
        return f"{self.strategy} in {self.comparison}"
