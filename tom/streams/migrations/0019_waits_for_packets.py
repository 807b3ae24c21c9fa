from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("streams", "0018_name_streams"),
    ]

    operations = [
        migrations.AlterField(
            model_name="streamhealth",
            name="waits_for",
            field=models.BigIntegerField(
                blank=True,
                help_text="Reading waits: so many packets and targets are due. None: it does not wait",
                null=True,
            ),
        ),
    ]
