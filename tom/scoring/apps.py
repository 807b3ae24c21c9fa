"""The Django application of this stage."""

from django.apps import AppConfig


class ScoringConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.scoring"
    verbose_name = "Scoring"
