"""The Django application of this stage."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WebConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.web"
    verbose_name = "Web"

    def ready(self) -> None:
        # Django makes each application's permissions after a migration; ours is the last one.
        post_migrate.connect(_give_roles, sender=self)


def _give_roles(**_: object) -> None:
    from tom.web.permissions import ensure_roles

    ensure_roles()
