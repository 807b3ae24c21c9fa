"""Django's entry for this stage."""

from django.apps import AppConfig


class RankingConfig(AppConfig):
    """Rankings and their history."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.ranking"
    label = "ranking"
