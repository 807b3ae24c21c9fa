"""The Django application that carries the embedded mode's commands."""

import gc

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.embedded"
    verbose_name = "Embedded mode"

    def ready(self) -> None:
        """Look for what is left over from now on; all that was loaded stays."""
        gc.freeze()
        gc.enable()
