"""The Django application of this stage."""

from django.apps import AppConfig


class ChangesConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.changes"
    label = "live"  # the name in the tables and migrations of every site
    verbose_name = "Changes"
