import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("candidates", "0024_one_index_less")]

    operations = [
        migrations.AddField(
            "scanplace",
            "passed",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(),
                blank=True,
                default=list,
                help_text="The keys of those before it, the nearest first: it may leave the list",
                size=None,
            ),
        ),
    ]
