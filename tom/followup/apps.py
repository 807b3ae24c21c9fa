"""The Django application of this stage."""

from django.apps import AppConfig


class FollowupConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.followup"
    verbose_name = "Follow-up"

    def ready(self) -> None:
        from tom.followup.facilities import declarations

        declarations()  # a facility's folder may hold rows of its own
