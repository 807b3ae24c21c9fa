"""The Django application that carries the embedded mode's commands."""

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.embedded"
    verbose_name = "Embedded mode"
