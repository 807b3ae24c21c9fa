import django.contrib.postgres.fields
from django.db import migrations, models


def programs(**more):
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.BigIntegerField(), db_default=[], default=list, size=None, **more
    )


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_initial")]

    operations = [
        migrations.AddField(
            "score",
            "programs",
            programs(help_text="The private programs whose points it saw beside the public ones"),
        ),
        migrations.AddField("rankedcandidate", "programs", programs()),
        migrations.AlterField(
            "score",
            "data_version",
            models.PositiveIntegerField(help_text="Version of the summary it saw"),
        ),
        migrations.AddConstraint(
            "score",
            models.UniqueConstraint(
                fields=("target", "programs", "scorer", "version", "data_version", "since"),
                name="scoring_score_of_audience_once",
                nulls_distinct=False,
            ),
        ),
        migrations.RemoveConstraint("score", "scoring_score_once"),
        migrations.AddConstraint(
            "rankedcandidate",
            models.UniqueConstraint(
                fields=("ranking", "candidate", "programs"), name="scoring_place_of_audience_once"
            ),
        ),
        migrations.RemoveConstraint("rankedcandidate", "scoring_place_once"),
    ]
