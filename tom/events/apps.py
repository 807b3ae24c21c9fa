"""The Django application of this stage."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.events"
    verbose_name = "Events"
