"""The Django application of this stage."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.reports"
    verbose_name = "Reports"
