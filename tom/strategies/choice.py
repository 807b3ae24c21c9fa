"""The list that a person chose, as a row."""

from django.conf import settings
from django.db import models


class StrategyChoice(models.Model):
    """By whose list a person wants targets ranked; without a strategy: by none."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    strategy = models.ForeignKey(
        "strategies.Strategy", null=True, on_delete=models.CASCADE, related_name="+"
    )

    def __str__(self) -> str:
        return f"the list of {self.user_id}"
