"""The application of look-ups."""

from django.apps import AppConfig


class LookupsConfig(AppConfig):
    default_auto_field = "django.db.models.BigAutoField"
    name = "tom.lookups"
    label = "lookups"

    def data_services(self) -> list[dict[str, str]]:
        """Tell TOM Toolkit of the brokers that can be asked, in the form that it wants."""
        return [
            {"class": f"tom.lookups.data_services.{name}"}
            for name in ("ALeRCE", "ANTARES", "Fink", "Lasair", "TNS")
        ]
