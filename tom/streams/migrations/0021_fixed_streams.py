from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("streams", "0020_plain_brokers"),
    ]

    operations = [
        migrations.AddField(
            model_name="stream",
            name="is_fixed",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="STREAMS in the environment names it; the row holds its filter and nothing else",
            ),
        ),
    ]
