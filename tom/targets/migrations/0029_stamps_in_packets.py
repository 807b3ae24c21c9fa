"""Stamps stay in their packets: an alert says whether it has some, and pictures are not stored.

Stamps that are stored already stay. Their pictures are drawn from them.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("targets", "0028_plain_help_texts")]

    operations = [
        migrations.AddField(
            model_name="arrival",
            name="has_stamps",
            field=models.BooleanField(
                db_default=False,
                help_text="Whether the message's bytes hold stamps of the object",
            ),
        ),
        migrations.RemoveIndex(model_name="cutout", name="targets_cutout_due"),
        migrations.RemoveField(model_name="cutout", name="png"),
        migrations.RemoveField(model_name="cutout", name="width_arcsec"),
        migrations.RemoveField(model_name="cutout", name="fault"),
    ]
