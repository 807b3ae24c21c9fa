"""The application of look-ups."""

from django.apps import AppConfig


class LookupsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.lookups"
    label = "lookups"
