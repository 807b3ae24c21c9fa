"""Django's entry for this stage."""

from django.apps import AppConfig


class PointingsConfig(AppConfig):
    """Where telescopes looked, and what that covers."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.pointings"
    label = "pointings"
