"""The database no longer tries to compress stamps, which their surveys have compressed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("targets", "0025_arrival")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE targets_cutout ALTER COLUMN fits SET STORAGE EXTERNAL",
            "ALTER TABLE targets_cutout ALTER COLUMN fits SET STORAGE EXTENDED",
        ),
    ]
