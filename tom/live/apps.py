"""The Django application of this stage."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.live"
    verbose_name = "Live"
