"""The versions of a strategy, as rows: what its settings were, who chose them, when, and why."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.forms.models import model_to_dict
from django.utils import timezone

SETTINGS: Final = (
    *("name", "kind", "sought", "prior", "weights", "terms", "days_before", "days_after"),
    *("level_stored", "level_shown", "brighter_than", "first_seen_days"),
    *("ra", "dec", "radius_deg", "watched", "with_tests", "explore", "group", "active"),
    *("by", "within"),
)
"""The fields that people choose; the others say who made a strategy and when it was ranked."""

_KEYS: Final = ("group", "watched")

LONGEST_NOTE: Final = 200


class StrategyVersion(models.Model):
    """The settings of a strategy from one save to the next. It is never changed."""

    strategy = models.ForeignKey(
        "strategies.Strategy", on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField(help_text="From 1; the newest one is in force")
    chosen = models.JSONField(help_text="Each field that people choose; a group by its key")
    note = models.CharField(max_length=LONGEST_NOTE, blank=True, help_text="Why, if anybody said")
    brings_back = models.PositiveIntegerField(
        null=True, help_text="The number of the version whose settings these are"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["strategy", "number"], name="strategies_one_version")
        ]

    def __str__(self) -> str:
        return f"version {self.number} of strategy {self.strategy_id}"


def settings_of(strategy: models.Model) -> dict[str, Any]:
    """Return the settings of a strategy as a version keeps them."""
    return model_to_dict(strategy, fields=SETTINGS)


def columns_of(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as the columns of a strategy take them: of other rows their keys."""
    return {f"{name}_id" if name in _KEYS else name: value for name, value in chosen.items()}
