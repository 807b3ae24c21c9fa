"""Django's entry for this stage."""

from django.apps import AppConfig


class StrategiesConfig(AppConfig):
    """Strategies, as rows that people change."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.strategies"
    label = "strategies"
