"""Regions in the sketches of maps. A sketch follows from its map: those without are made again."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forget_sketches(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    apps.get_model("events", "Sketch").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("events", "0018_circular_takes_back")]

    operations = [
        migrations.RunPython(forget_sketches, migrations.RunPython.noop),
        migrations.AddField(
            "Sketch",
            "mocs",
            models.JSONField(
                default=dict,
                help_text="Nine levels, each to its region: {order: [cell, ...], ...}",
            ),
            preserve_default=False,
        ),
    ]
