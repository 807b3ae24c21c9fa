"""Django's entry for this stage."""

from django.apps import AppConfig


class GalaxiesConfig(AppConfig):
    """Galaxies, as catalogues list them."""

    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.galaxies"
    label = "galaxies"
