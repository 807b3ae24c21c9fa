"""What is made of a map once, for pages."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0015_event_joins")]

    operations = [
        migrations.CreateModel(
            "Sketch",
            [
                (
                    "localization",
                    models.OneToOneField(
                        "events.localization",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sketch",
                        serialize=False,
                    ),
                ),
                (
                    "outlines",
                    models.JSONField(help_text="Nine levels, each to [[[ra, dec], ...], ...]"),
                ),
                ("cells", models.BinaryField(help_text="tom.sky.sketch.pack_cells of the map")),
            ],
        ),
        migrations.CreateModel(
            "GalaxyList",
            [
                (
                    "localization",
                    models.OneToOneField(
                        "events.localization",
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="galaxy_list",
                        serialize=False,
                    ),
                ),
                (
                    "catalogues",
                    models.CharField(
                        help_text="Which loads were ranked, and how; another load makes it due",
                        max_length=200,
                    ),
                ),
                ("stored", models.DateTimeField(auto_now=True)),
                (
                    "n_galaxies",
                    models.PositiveIntegerField(
                        help_text="Galaxies of the region that were ranked"
                    ),
                ),
                (
                    "none_share",
                    models.FloatField(help_text="The chance that no listed galaxy is the host"),
                ),
                (
                    "completeness",
                    models.FloatField(
                        help_text="The share of the light at the map's distances that is listed"
                    ),
                ),
                ("citations", models.JSONField(default=list, help_text="What to cite")),
                (
                    "galaxies",
                    models.JSONField(
                        help_text="tom.galaxies.listing.rows_of: the likeliest first"
                    ),
                ),
            ],
        ),
    ]
