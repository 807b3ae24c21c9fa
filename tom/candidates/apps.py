"""The Django application of this stage."""

from django.apps import AppConfig


class CandidatesConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.candidates"
    verbose_name = "Candidates"
