"""Find a candidate's rank of then without reading all places of a ranking."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0002_audiences"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="rankedcandidate",
            index=models.Index(fields=["ranking", "rank"], name="scoring_place_by_rank"),
        ),
    ]
