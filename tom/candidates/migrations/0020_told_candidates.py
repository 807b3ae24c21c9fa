"""What messages say of objects that belong to events."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("candidates", "0019_plan_of_notes"),
        ("streams", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            "ToldCandidate",
            [
                ("id", models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    )),
                ("author", models.CharField(max_length=64)),
                ("survey", models.CharField(max_length=16)),
                (
                    "object_id",
                    models.CharField(help_text="The survey's own id", max_length=100),
                ),
                (
                    "event_key",
                    models.CharField(help_text="event_names.key_of its name", max_length=64),
                ),
                ("created", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "message",
                    models.ForeignKey(
                        "streams.alertmessage",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "ToldCandidate",
            models.UniqueConstraint(
                fields=["event_key", "survey", "object_id", "author"], name="candidates_told_once"
            ),
        ),
    ]
