"""The Django application of this stage."""

from django.apps import AppConfig


class StreamsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.streams"
    verbose_name = "Streams"
