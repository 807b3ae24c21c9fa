"""When a facility told which exposures it took for a request."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followup", "0008_cancel_if_retracted")]

    operations = [
        migrations.AddField(
            "observationrequest",
            "observed_told",
            models.DateTimeField(
                blank=True, help_text="When the facility told which exposures it took", null=True
            ),
        ),
        migrations.AddIndex(
            "observationrequest",
            models.Index(
                condition=models.Q(
                    ("is_public", True),
                    ("observed_told", None),
                    ("state__in", ["completed", "completed_after_cancel"]),
                ),
                fields=["facility"],
                name="followup_request_observed",
            ),
        ),
    ]
