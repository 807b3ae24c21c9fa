"""The Django application of this stage."""

from django.apps import AppConfig


class TargetsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.targets"
    verbose_name = "Targets"

    def ready(self) -> None:
        from tom.targets import checks  # noqa: F401  registers itself
