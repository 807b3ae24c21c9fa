"""The Django application that carries the embedded mode's commands."""

import gc

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.embedded"
    verbose_name = "Embedded mode"

    def ready(self) -> None:
        """Start garbage collection; exclude the objects that are loaded now from it."""
        gc.freeze()
        gc.enable()
