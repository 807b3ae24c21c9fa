"""The Django application of this stage."""

from django.apps import AppConfig


class ScoringConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.scoring"
    verbose_name = "Scoring"

    def ready(self) -> None:
        from tom.scoring import checks  # noqa: F401  registers itself
