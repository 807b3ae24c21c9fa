from django.db import migrations, models

import tom.events.models


class Migration(migrations.Migration):
    """A circular's number may be a half; it keeps the keys of the events that it names."""

    dependencies = [("events", "0002_messages_in_part")]

    operations = [
        migrations.AlterField(
            model_name="circular",
            name="circular_id",
            field=tom.events.models.CircularNumberField(
                decimal_places=1, max_digits=11, unique=True
            ),
        ),
        migrations.AddField(
            model_name="circular",
            name="names",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="Keys of the events it names (event_names.key_of)",
            ),
        ),
    ]
