"""The Django application of this stage."""

from django.apps import AppConfig


class ShiftsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.shifts"
    verbose_name = "Shifts"
